//! Whatever happens to a file, reading it neither panics nor goes on for ever.

use proptest::prelude::*;

use super::fixtures::FIXTURES;
use super::retold::{read, retold};

#[derive(Clone, Debug)]
enum Change {
    Cut(usize, usize),
    Put(usize, Vec<u8>),
    Copy(usize, usize, usize),
    Swap(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let words = prop::sample::select(vec![
        &b"\n"[..],
        b"null",
        b"[]",
        b"{}",
        b"\"",
        b"\\ud83d",
        b"\xff\xfe",
        b"0",
        b"-1e999",
        b"}{",
        b"]",
        b"[[[[",
        b"99999999999999999999",
        b"true",
        b"\0",
        b"*** Add File: x\\n",
        b"@@",
    ]);
    let at = || any::<prop::sample::Index>().prop_map(|at| at.index(100_000));
    prop_oneof![
        (at(), 1..200_usize).prop_map(|(at, len)| Change::Cut(at, len)),
        (at(), words).prop_map(|(at, word)| Change::Put(at, word.to_vec())),
        (at(), 1..400_usize, at()).prop_map(|(from, len, to)| Change::Copy(from, len, to)),
        (at(), at()).prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for change in changes {
        let len = out.len().max(1);
        match change {
            Change::Cut(at, n) => drop(out.drain(at % len..(at % len + n).min(out.len()))),
            Change::Put(at, word) => drop(out.splice(at % len..at % len, word.iter().copied())),
            Change::Copy(from, n, to) => {
                let piece = out[from % len..(from % len + n).min(out.len())].to_vec();
                drop(out.splice(to % len..to % len, piece));
            }
            Change::Swap(a, b) => out.swap(a % len, b % len),
        }
        if out.is_empty() {
            out.push(b'{');
        }
    }
    out
}

#[test]
fn a_message_in_the_place_of_a_call_is_neither() {
    let text = r#"{"sessionId":"s","projectHash":"h","messages":[
        {"id":"1","type":"user","content":"go","timestamp":"2026-05-04T09:00:00Z"},
        {"id":"2","type":"gemini","content":"ok","timestamp":"2026-05-04T09:00:01Z","toolCalls":[
            {"id":"3","type":"user","name":"x","args":{},"content":"what nobody said"}]}]}"#;
    let session = read(text.as_bytes()).unwrap();
    assert_eq!((session.overview().outline.len(), session.overview().steps), (1, 0));
    assert!(!retold(&session).contains("what nobody said"), "{}", retold(&session));
}

#[test]
fn a_message_in_the_place_of_a_part_is_not_said_by_anybody() {
    let text = r#"{"info":{"id":"s","directory":"/a","time":{"created":1}},"messages":[
        {"info":{"id":"1","role":"user"},"parts":[{"type":"text","text":"go"}]},
        {"info":{"id":"2","role":"assistant"},"parts":[{"type":"text","text":"ok"},
            {"info":{"id":"3","role":"user"},"parts":[{"type":"text","text":"what nobody said"}]}]}]}"#;
    let session = read(text.as_bytes()).unwrap();
    let turns = crate::session::tests::turns(&session);
    assert_eq!((session.overview().outline.len(), turns.len()), (1, 1), "{turns:?}");
}

#[test]
fn a_text_that_is_not_utf_8_is_shown_as_it_is_counted() {
    let text =
        b"# aider chat started at 2026-05-04 09:00:00\n\n####  \n/add a.py \xff\xfe\n\n#### go on  \n\nok \xff\n";
    let session = read(text).unwrap();
    let turns = crate::session::tests::turns(&session);
    let shown = turns.iter().filter(|turn| turn.prompt.is_some()).count();
    assert_eq!((session.overview().outline.len(), shown), (1, 1), "{turns:?}");
    assert!(retold(&session).contains("ok ?"), "{}", retold(&session));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_mutilated_file_is_read_or_refused(
        which in 0..FIXTURES.len(),
        changes in prop::collection::vec(change(), 1..6),
    ) {
        let bytes = changed(FIXTURES[which].2, &changes);
        if let Ok(session) = read(&bytes) {
            prop_assert!(!retold(&session).is_empty());
            let shown = crate::session::tests::turns(&session).iter().filter(|turn| turn.prompt.is_some()).count();
            let counted = session.overview().outline.iter().filter(|entry| entry.no > 0).count();
            prop_assert_eq!(shown, counted);
        }
    }
}
