//! What happens to files: each agent's fixture with a byte order mark, foreign line ends, holes, torn ends, and
//! said twice. And that reading costs what a file holds, not more.

use std::io::Write as _;

use serde::de::IgnoredAny;

use super::fixtures::FIXTURES;
use super::retold::{read, retold};
use crate::redact::Cleaner;
use crate::session::tests::{file, turns};
use crate::session::{Oddity, OpenError, Progress, Session, Source};

/// The fixtures that are a record a line.
fn of_lines() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let lines = FIXTURES.iter().filter(|(agent, name, _)| *agent != "Aider" && !name.contains("document"));
    lines.map(|(_, name, bytes)| (*name, *bytes))
}

fn said(session: &Session) -> Vec<String> {
    turns(session)
        .iter()
        .filter_map(|turn| turn.prompt.as_ref())
        .map(|prompt| prompt.text.to_string())
        .collect()
}

#[test]
fn what_may_stand_around_records_costs_nothing() {
    for (name, bytes) in of_lines() {
        let whole = retold(&read(bytes).unwrap());
        let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        let variants: [(&str, Vec<u8>); 5] = [
            ("a byte order mark", [b"\xef\xbb\xbf", bytes].concat()),
            ("carriage returns", lines.join(&b"\r\n"[..])),
            ("blank lines", lines.join(&b"\n  \n\n"[..])),
            ("a hole of NULs", lines.join(&b"\n\0\0\0\0\n"[..])),
            ("no last line feed", bytes.trim_ascii_end().to_vec()),
        ];
        for (trap, bytes) in variants {
            assert_eq!(retold(&read(&bytes).unwrap()), whole, "{name} with {trap}");
        }
    }
}

#[test]
fn documents_and_texts_bear_a_byte_order_mark_and_carriage_returns() {
    for (agent, name, bytes) in
        FIXTURES.iter().filter(|(agent, name, _)| *agent == "Aider" || name.contains("document"))
    {
        let whole = said(&read(bytes).unwrap());
        let marked = [b"\xef\xbb\xbf", *bytes].concat();
        assert_eq!(said(&read(&marked).unwrap()), whole, "{agent}, {name} with a byte order mark");
        let returns: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        assert_eq!(said(&read(&returns.join(&b"\r\n"[..])).unwrap()), whole, "{name} with carriage returns");
    }
}

#[test]
fn a_first_record_of_more_than_a_megabyte_is_recognised() {
    for (agent, name, bytes) in FIXTURES {
        let prompt = said(&read(bytes).unwrap()).remove(0);
        let word = prompt.split_whitespace().next().unwrap();
        let text = std::str::from_utf8(bytes).unwrap();
        // Nothing stands before the record of the first prompt, but for what alone tells OpenClaw from pi.
        let begins = match name.contains("document") || matches!(*agent, "Aider" | "OpenClaw") {
            true => 0,
            false => text.find(word).and_then(|at| text[..at].rfind('\n')).map_or(0, |at| at + 1),
        };
        let long = text[begins..].replacen(word, &format!("{word}{}", "x".repeat(1_200_000)), 1);
        let session = read(long.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error:.90}"));
        assert_eq!(session.agent(), *agent, "{name}");
    }
}

#[test]
fn a_patch_of_very_many_files_is_surveyed_at_once() {
    let files: String = (0..400).map(|no| format!("*** Update File: src/f{no}.rs\n@@\n-a\n+b\n")).collect();
    let patch = format!("*** Begin Patch\n{files}*** End Patch\n");
    let item = |payload| serde_json::json!({ "timestamp": "2026-01-05T10:00:00Z", "type": "response_item", "payload": payload });
    let said = item(serde_json::json!({ "type": "message", "role": "user",
        "content": [{ "type": "input_text", "text": "go" }] }));
    let call = item(
        serde_json::json!({ "type": "custom_tool_call", "name": "apply_patch", "call_id": "c", "input": patch }),
    );
    let done =
        item(serde_json::json!({ "type": "custom_tool_call_output", "call_id": "c", "output": "Success" }));
    let session = read(format!("{said}\n{call}\n{done}\n").as_bytes()).unwrap();
    let before = session.read_so_far();
    while session.survey(16).unwrap() == Progress::More {}
    let overview = session.overview();
    let changes = overview.changes.as_ref().unwrap();
    assert_eq!((changes.count, changes.added), (400, 400));
    let (read, size) = (session.read_so_far() - before, session.report().bytes);
    assert!(read <= 2 * size, "{read} bytes read to survey a file of {size}");
}

#[test]
fn invalid_utf_8_costs_one_character() {
    for (_, name, bytes) in FIXTURES {
        // The first word of the first prompt, wherever it stands.
        let prompt = said(&read(bytes).unwrap()).remove(0);
        let word = prompt.split_whitespace().next().unwrap();
        let mut broken = bytes.to_vec();
        let mut at = 0;
        while let Some(found) = memchr::memmem::find(&broken[at..], word.as_bytes()) {
            at += found + 1;
            broken[at] = 0xff;
        }
        let session = read(&broken).unwrap();
        let shown = said(&session).remove(0);
        assert_eq!(shown.chars().next(), prompt.chars().next(), "{name}: {shown}");
        assert_ne!(shown, prompt, "{name}");
    }
}

#[test]
fn an_empty_file_is_told_from_one_that_is_no_session() {
    for bytes in [&b""[..], b"\n\n", b" \r\n\0\0"] {
        assert!(matches!(read(bytes), Err(OpenError::Empty)), "{bytes:?}");
    }
    for bytes in [&b"{}\n"[..], b"[]", b"hello\n", b"{\"messages\":[]}", b"\xff\xfe\xff"] {
        assert!(matches!(read(bytes), Err(OpenError::NotASession { .. })), "{bytes:?}");
    }
}

#[test]
fn a_file_torn_at_any_byte_is_read_or_refused() {
    for (_, name, bytes) in FIXTURES {
        let end = bytes.len().min(400);
        for cut in (0..end).chain(bytes.len() - 40..bytes.len()) {
            if let Ok(session) = read(&bytes[..cut]) {
                assert!(!retold(&session).is_empty(), "{name} cut at {cut}");
            }
        }
    }
}

#[test]
fn half_a_line_is_torn_wherever_it_ends() {
    for (agent, name, bytes) in
        FIXTURES.iter().filter(|(_, name, _)| of_lines().any(|(line, _)| line == *name))
    {
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let whole = file(line);
            for cut in 1..=line.len() {
                let source = Source::from_file(whole.try_clone().unwrap(), Some(cut as u64)).unwrap();
                let session = Session::rest(source, Cleaner::new(), agent).unwrap();
                while session.advance(1 << 16).unwrap() == Progress::More {}
                // As others read it.
                let mut values = serde_json::Deserializer::from_slice(&line[..cut]).into_iter::<IgnoredAny>();
                let records = values.by_ref().take_while(Result::is_ok).count() as u64;
                let torn = records < 1 || !line[values.byte_offset().min(cut)..cut].trim_ascii().is_empty();
                let report = session.report();
                let told = report.warnings.iter().any(|warning| warning.what == Oddity::Torn);
                assert_eq!((report.counts.records, told), (records, torn), "{name}, {cut} bytes of {line:?}");
            }
        }
    }
}

#[test]
fn a_last_line_that_comes_byte_by_byte_is_read_once() {
    for (name, bytes) in of_lines() {
        let whole = retold(&read(bytes).unwrap());
        let last = bytes.trim_ascii_end().iter().rposition(|b| *b == b'\n').unwrap() + 1;
        let mut growing = file(&bytes[..last]);
        let source = Source::from_file(growing.try_clone().unwrap(), None).unwrap();
        let session = Session::open(source, Cleaner::new()).unwrap();
        for byte in &bytes[last..] {
            while session.advance(1 << 16).unwrap() == Progress::More {}
            growing.write_all(&[*byte]).unwrap();
        }
        while session.advance(1 << 16).unwrap() == Progress::More {}
        assert_eq!(retold(&session), whole, "{name}");
        assert!(!session.report().warnings.iter().any(|warning| warning.what == Oddity::Torn), "{name}");
    }
}

#[test]
fn records_that_occur_twice_lose_nothing() {
    for (name, bytes) in of_lines() {
        let once = said(&read(bytes).unwrap());
        let twice = said(&read(&[bytes, b"\n", bytes].concat()).unwrap());
        // Gemini CLI writes a message again when more of it is known.
        let wanted = if name.starts_with("gemini") { once } else { [once.clone(), once].concat() };
        assert_eq!(twice, wanted, "{name}");
    }
}

/// Bytes read to index a file, and to show all of it.
fn work(bytes: &[u8]) -> (u64, u64) {
    let session = read(bytes).unwrap();
    let indexed = session.read_so_far();
    turns(&session);
    (indexed, session.read_so_far() - indexed)
}

#[test]
fn a_file_is_read_in_proportion_to_its_length() {
    for (agent, name, bytes) in FIXTURES {
        let times = |n: usize| match name.contains("document") {
            // The elements of the array, so many times.
            true => {
                let mut document: serde_json::Value = serde_json::from_slice(bytes).unwrap();
                let messages = document["messages"].as_array_mut().unwrap();
                *messages = std::iter::repeat_n(messages.clone(), n).flatten().collect();
                document.to_string().into_bytes()
            }
            false => bytes.repeat(n),
        };
        let (few, many) = (times(8), times(64));
        let growth = many.len() as f64 / few.len() as f64;
        let ((index_few, show_few), (index_many, show_many)) = (work(&few), work(&many));
        // The sample that tells whose it is is read besides, and a torn end again.
        assert!(
            index_many <= 3 * many.len() as u64 + 4096,
            "{agent}, {name}: {index_many} of {}",
            many.len()
        );
        assert!(index_few <= 3 * few.len() as u64 + 4096, "{agent}, {name}");
        let allowed = show_few as f64 * growth * 1.5 + 65536.0;
        assert!(show_many as f64 <= allowed, "{agent}, {name}: {show_few} for {}, {show_many}", few.len());
    }
}

/// Would take minutes if each record cost what follows it.
#[test]
fn very_many_records_on_one_line_cost_what_they_are() {
    for (first, each) in [
        (r#"{"type":"user","uuid":"u","sessionId":"s","message":{"content":"go"}}"#, r#"{"type":"tag"}"#),
        (r#"{"type":"session_meta","timestamp":"x","payload":{}}"#, r#"{"type":"world_state"} "#),
    ] {
        let line = each.repeat(100_000);
        for line in [line.clone(), line + &" ".repeat(4 << 20)] {
            let report = read(format!("{first}\n{line}\n").as_bytes()).unwrap().report();
            assert_eq!(report.counts.records, 100_001, "{each}");
        }
    }
}

#[test]
fn many_results_in_one_record_are_read_once() {
    let blocks = |one: &dyn Fn(usize) -> String| (0..2000).map(one).collect::<Vec<_>>().join(",");
    let calls = blocks(&|n| {
        format!(r#"{{"type":"tool_use","id":"c{n}","name":"Execute","input":{{"command":"ls"}}}}"#)
    });
    let results =
        blocks(&|n| format!(r#"{{"type":"tool_result","tool_use_id":"c{n}","content":"out {n}"}}"#));
    let message = |role: &str, content: String| {
        format!(r#"{{"type":"message","id":"m","message":{{"role":"{role}","content":[{content}]}}}}"#)
    };
    let start = r#"{"type":"session_start","id":"s","cwd":"/x"}"#;
    let text = [start.to_owned(), message("assistant", calls), message("user", results)].join("\n");
    let (_, shown) = work(text.as_bytes());
    assert!(shown <= 4 * text.len() as u64, "{shown} of {}", text.len());
    let session = read(text.as_bytes()).unwrap();
    let last = session.step(2000).unwrap().unwrap();
    assert!(format!("{:?}", last.tool).contains("out 1999"), "{last:?}");
}
