//! Whatever the bytes are: no panic, and every file opens or is refused.

use proptest::prelude::*;
use serde_json::json;

use super::{file, record};
use crate::redact::Cleaner;
use crate::session::model::AttachmentNo;
use crate::session::{Progress, Session, Source, check};

/// A little of everything.
fn fixture() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/claude/everything.jsonl")).unwrap()
}

/// Reads all there is, in every way.
fn read(bytes: &[u8]) {
    let Ok(session) = Session::open(Source::from_file(file(bytes), None).unwrap(), Cleaner::new()) else {
        return;
    };
    while session.advance(1000).unwrap() == Progress::More {}
    let overview = session.overview();
    for no in 0..=session.windows() {
        session.window(no).unwrap();
    }
    for no in 0..=overview.steps + 1 {
        session.step(no).unwrap();
        session.place_of_step(no);
        session.place_of_aside(no);
        session.attachment(no.into()).unwrap();
        for inside in [format!("{no}.1"), format!("{no}.1.1")] {
            AttachmentNo::parse(&inside).map(|no| session.attachment(no).unwrap());
        }
    }
    session.report();
}

#[test]
fn a_session_torn_at_any_byte_opens_or_is_refused() {
    let lines: Vec<String> = vec![
        record::user(1, json!("ä \u{1F600}")),
        record::call(2, "t", "Edit", json!({ "file_path": "a", "old_string": "x\n", "new_string": "y" })),
        record::error(3, "t", "The user doesn't want to proceed with this tool use. the user said:\nno"),
    ];
    let whole = lines.join("\n");
    for end in 0..=whole.len() {
        read(&whole.as_bytes()[..end]);
    }
}

#[test]
fn odd_bytes_between_and_inside_records_cost_nothing_but_themselves() {
    let user = record::user(1, json!("one"));
    let reply = record::reply(2, "two");
    let raw = reply.replace("two", "t\\ud83dwo");
    for (name, bytes, warnings) in [
        ("crlf", format!("{user}\r\n{reply}\r\n").into_bytes(), 0),
        ("bom", format!("\u{feff}{user}\n{reply}\n").into_bytes(), 1),
        ("blank lines", format!("\n\n{user}\n  \n{reply}\n\n").into_bytes(), 0),
        ("nul block", [user.as_bytes(), b"\n\0\0\0\0\n", reply.as_bytes()].concat(), 1),
        ("duplicate", format!("{user}\n{reply}\n").into_bytes(), 0),
        ("lone surrogate", format!("{user}\n{raw}\n").into_bytes(), 0),
        ("raw control", format!("{user}\n{}\n", reply.replace("two", "t\u{1}wo")).into_bytes(), 1),
        ("no timestamp", format!("{user}\n{}\n", reply.replace("\"timestamp\"", "\"x\"")).into_bytes(), 0),
    ] {
        let report = check(Source::from_file(file(&bytes), None).unwrap(), Cleaner::new()).unwrap();
        assert_eq!((report.counts.prompts, report.counts.replies), (1, 1), "{name}");
        assert_eq!(report.warnings.len(), warnings, "{name}: {:?}", report.warnings);
        let session = super::session(&bytes);
        assert_eq!(super::turns(&session).len(), 1, "{name}");
        // That it stands under another name is told beside the reply.
        let wanted = if name == "no timestamp" { 2 } else { 1 };
        assert_eq!(super::items(&session).len(), wanted, "{name}");
    }
    let invalid = [&user.as_bytes()[..user.len() - 1], b",\"x\":\"\xff\"}\n", reply.as_bytes()].concat();
    assert_eq!(super::turns(&super::session(&invalid)).len(), 1);
}

#[test]
fn unknown_types_are_quiet_blocks_and_counted_once_a_type() {
    let new = "{\"type\":\"brand-new\",\"sessionId\":\"s\",\"words\":\"hello\"}".to_owned();
    let bytes = [record::user(1, json!("one")), new.clone(), new].join("\n");
    let report = check(Source::from_file(file(bytes.as_bytes()), None).unwrap(), Cleaner::new()).unwrap();
    assert_eq!(report.counts.unknown, 2);
    assert_eq!(report.warnings.len(), 1);
    assert_eq!(
        report.warnings[0].what.to_string(),
        "unknown type brand-new, 2 times: shown as a quiet block"
    );
    assert!(format!("{:?}", super::items(&super::session(bytes.as_bytes()))).contains("hello"));
}

#[test]
fn a_depth_bomb_and_a_giant_are_unknown_blocks() {
    let bomb = format!("{{\"type\":\"user\",\"message\":{{\"content\":{}", "[".repeat(200_000));
    let giant = "x".repeat(65 << 20);
    let bytes = [record::user(1, json!("one")), bomb, giant, record::reply(2, "two")].join("\n");
    let items = super::items(&super::session(bytes.as_bytes()));
    assert_eq!(items.len(), 3);
    assert!(format!("{:?}", items[1]).contains("line 3 is too long"), "{:?}", items[1]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read(&bytes);
        let session = record::user(1, json!("one"));
        read(&[session.as_bytes(), b"\n", &bytes].concat());
    }

    #[test]
    fn mutated_sessions_never_panic(
        edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..12),
        cut in any::<u16>(), from in any::<u16>(),
    ) {
        let mut bytes = fixture();
        for (at, byte) in edits {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        let (from, cut) = (usize::from(from) % bytes.len(), usize::from(cut) % 300);
        bytes.drain(from..(from + cut).min(bytes.len()));
        read(&bytes);
    }

    #[test]
    fn a_value_of_any_type_in_any_field_never_panics(which in any::<u16>(), value in 0..8usize) {
        let values = [json!(null), json!(1), json!(-1.5), json!("x"), json!(true), json!([]), json!({}), json!([{}, "x", 1])];
        let text = String::from_utf8(fixture()).unwrap();
        let mut records: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut left = usize::from(which);
        while !records.iter_mut().any(|record| replace(record, &mut left, &values[value])) {
            prop_assume!(left < usize::from(which));
        }
        let text: Vec<String> = records.iter().map(ToString::to_string).collect();
        read(text.join("\n").as_bytes());
    }
}

/// Replaces the `left`th value inside `json`; counts `left` down if there are fewer.
fn replace(json: &mut serde_json::Value, left: &mut usize, by: &serde_json::Value) -> bool {
    if *left == 0 {
        *json = by.clone();
        return true;
    }
    *left -= 1;
    match json {
        serde_json::Value::Array(list) => list.iter_mut().any(|value| replace(value, left, by)),
        serde_json::Value::Object(map) => map.values_mut().any(|value| replace(value, left, by)),
        _ => false,
    }
}
