//! Files that grow, shrink, and are long.

use std::io::Write;

use serde_json::json;

use super::{file, items, lines, record, turns, windows};
use crate::redact::Cleaner;
use crate::session::model::Item;
use crate::session::{Oddity, Progress, ReadError, Session, Source};

fn texts(session: &Session) -> Vec<String> {
    session.overview().outline.iter().map(|entry| entry.text.to_string()).collect()
}

#[test]
fn a_torn_last_line_is_read_again_when_the_file_has_grown() {
    let first = record::user(1, json!("one")) + "\n";
    let second = record::user(2, json!("two")) + "\n";
    let mut growing = file(first.as_bytes());
    let session =
        Session::open(Source::from_file(growing.try_clone().unwrap(), None).unwrap(), Cleaner::new())
            .unwrap();
    for piece in second.as_bytes().chunks(7) {
        assert_eq!(session.advance(usize::MAX).unwrap(), Progress::Complete);
        growing.write_all(piece).unwrap();
    }
    assert_eq!(session.advance(usize::MAX).unwrap(), Progress::Complete);
    assert_eq!(texts(&session), ["one", "two"]);
    assert_eq!(session.report().warnings, []);
}

#[test]
fn a_giant_last_line_costs_what_is_added_to_it() {
    let first = record::user(1, json!("one")) + "\n";
    let giant = record::reply(2, &"x".repeat(6 << 20));
    let (begun, rest) = giant.split_at(4 << 20);
    let mut growing = file([first.as_bytes(), begun.as_bytes()].concat().as_slice());
    let session =
        Session::open(Source::from_file(growing.try_clone().unwrap(), None).unwrap(), Cleaner::new())
            .unwrap();
    session.advance(usize::MAX).unwrap();
    let before = session.read_so_far();
    for piece in rest.as_bytes().chunks(64 << 10) {
        growing.write_all(piece).unwrap();
        assert_eq!(session.advance(usize::MAX).unwrap(), Progress::Complete);
    }
    let read = session.read_so_far() - before;
    assert!(read < 2 * rest.len() as u64, "{read} bytes read of {} that were added", rest.len());
    assert_eq!((session.report().counts.replies, session.report().warnings), (1, vec![]));
}

#[test]
fn a_whole_last_line_without_a_line_feed_is_shown_and_not_shown_twice() {
    let mut growing = file(record::user(1, json!("one")).as_bytes());
    let session =
        Session::open(Source::from_file(growing.try_clone().unwrap(), None).unwrap(), Cleaner::new())
            .unwrap();
    session.advance(usize::MAX).unwrap();
    assert_eq!(texts(&session), ["one"]);
    // A resume appends to the same line.
    writeln!(growing, "{}", record::user(2, json!("two"))).unwrap();
    session.advance(usize::MAX).unwrap();
    assert_eq!(texts(&session), ["one", "two"]);
}

#[test]
fn two_records_on_one_line_are_both_kept() {
    let line = format!("{}{}", record::user(1, json!("one")), record::reply(2, "two"));
    let session = lines(&[line]);
    assert_eq!(texts(&session), ["one"]);
    assert!(matches!(&items(&session)[..], [Item::Reply { text, .. }] if text.as_str() == "two"));
    assert_eq!(session.report().warnings[0].what, Oddity::TwoOnOneLine);
}

#[test]
fn a_record_after_a_torn_one_on_the_same_line_is_found() {
    let torn = &record::reply(1, "lost")[..60];
    // As Claude Code begins its records.
    let kept = record::reply(2, "kept").replacen("{", "{\"parentUuid\":null,", 1);
    let session = lines(&[record::user(0, json!("one")), format!("{torn}{kept}")]);
    let items = items(&session);
    assert!(
        matches!(&items[..], [Item::Unknown { what, .. }, Item::Reply { text, .. }]
        if what.as_str() == "line 2 is not valid JSON" && text.as_str() == "kept"),
        "{items:?}"
    );
}

#[test]
fn a_file_that_shrank_is_an_error_and_not_another_session() {
    let growing = file((record::user(1, json!("one")) + "\n").as_bytes());
    let session =
        Session::open(Source::from_file(growing.try_clone().unwrap(), None).unwrap(), Cleaner::new())
            .unwrap();
    session.advance(usize::MAX).unwrap();
    growing.set_len(10).unwrap();
    assert!(matches!(session.advance(usize::MAX), Err(ReadError::Shrunk { now: 10, .. })));
    assert!(matches!(session.window(0), Err(ReadError::Shrunk { .. })));
}

/// Turns of `steps` steps each.
fn long(turns: u32, steps: u32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut no = 0;
    for turn in 0..turns {
        lines.push(record::user(no % 3600, json!(format!("turn {turn}"))));
        for _ in 0..steps {
            no += 1;
            lines.push(record::call(no % 3600, &format!("t{no}"), "Bash", json!({ "command": "ls" })));
            lines.push(record::result(no % 3600, &format!("t{no}"), json!("a"), json!({})));
        }
    }
    lines
}

#[test]
fn windows_hold_whole_turns_and_cut_very_long_ones() {
    let session = lines(&long(5, 30));
    let sizes: Vec<_> = windows(&session).iter().map(|window| window.turns.len()).collect();
    assert_eq!(sizes, [2, 2, 1]);

    let session = lines(&long(1, 300));
    let parts: Vec<_> = windows(&session)
        .iter()
        .map(|window| {
            let turn = &window.turns[0];
            (turn.no, turn.continued, turn.unfinished, turn.items.len(), window.next)
        })
        .collect();
    assert_eq!(parts, [(1, false, true, 119, true), (1, true, true, 120, true), (1, true, false, 61, false)]);
    assert_eq!(turns(&session).len(), 1);
}

#[test]
fn places_say_in_which_window_things_stand() {
    let session = lines(&long(6, 30));
    for (at, window) in windows(&session).iter().enumerate() {
        for turn in &window.turns {
            assert_eq!(session.place_of_prompt(turn.no), Some(at as u32));
            for item in &turn.items {
                let Item::Step(step) = item else { panic!("{item:?}") };
                assert_eq!(session.place_of_step(step.no), Some(at as u32));
                assert_eq!(session.step(step.no).unwrap().unwrap().no, step.no);
            }
        }
    }
    for none in [0, 181, u32::MAX] {
        assert_eq!(session.place_of_step(none), None);
        assert!(session.step(none).unwrap().is_none());
        assert_eq!(session.place_of_prompt(none), None);
        assert_eq!(session.place_of_aside(none), None);
        assert!(session.attachment(none.into()).unwrap().is_none());
    }
}

#[test]
fn numbers_and_windows_stay_while_a_session_grows() {
    let all = long(6, 30);
    let whole = format!("{:?}", &windows(&lines(&all))[..2]);
    for end in [280, 300, 330] {
        let part = windows(&lines(&all[..end]));
        assert_eq!(format!("{:?}", &part[..2]), whole, "after {end} lines");
    }
}

#[test]
fn a_result_beyond_the_window_is_found_by_its_call() {
    let mut all =
        vec![record::user(0, json!("go")), record::call(1, "late", "Bash", json!({ "command": "x" }))];
    all.extend(long(3, 60));
    all.push(record::result(9, "late", json!("came late"), json!({})));
    let session = lines(&all);
    assert!(session.windows() > 1);
    let step = super::steps(&session).remove(0);
    assert!(format!("{:?}", step.tool).contains("came late"), "{step:?}");
}

/// Lines of all lengths, among them blank ones, such as span several pieces of the file, and what is no JSON.
fn motley(bytes: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for no in 0.. {
        if all.len() >= bytes {
            return all;
        }
        let long = match no % 400 {
            7 => 700_000,
            8 => 1_300_000,
            _ => [3, 900, 40, 5_000, 60_000][no as usize % 5],
        };
        let line = match no % 50 {
            30 => String::new(),
            31 => "{\"type\":\"user\",".to_owned(),
            32 => record::reply(no, "one") + &record::reply(no, "two"),
            n if n % 10 == 0 => record::user(no, json!("p".repeat(long))) + "\r",
            n if n % 3 == 0 => {
                record::call(no, &format!("t{no}"), "Bash", json!({ "command": "x".repeat(long) }))
            }
            n if n % 3 == 1 => {
                record::result(no, &format!("t{}", no - 1), json!("y".repeat(long)), json!({}))
            }
            _ => record::reply(no, &"z".repeat(long)),
        };
        all.extend(line.into_bytes());
        all.push(b'\n');
    }
    unreachable!()
}

#[test]
fn a_large_file_is_read_on_all_cores_as_it_is_read_on_one() {
    let bytes = motley(9_000_000);
    let at_once = super::session(&bytes);
    let mut growing = file(b"");
    growing.write_all(&bytes[..500]).unwrap();
    let session =
        Session::open(Source::from_file(growing.try_clone().unwrap(), None).unwrap(), Cleaner::new())
            .unwrap();
    // Too little at a time to be worth a second core.
    for piece in bytes[500..].chunks(400_000) {
        while session.advance(1).unwrap() == Progress::More {}
        growing.write_all(piece).unwrap();
    }
    while session.advance(1).unwrap() == Progress::More {}
    assert_eq!(format!("{:?}", at_once.report()), format!("{:?}", session.report()));
    assert_eq!(format!("{:?}", at_once.overview()), format!("{:?}", session.overview()));
    let (one, other) = (windows(&at_once), windows(&session));
    assert!(one.len() > 5);
    assert!(format!("{one:?}") == format!("{other:?}"), "the windows differ");
    assert!(at_once.report().warnings.len() > 3, "{:?}", at_once.report());
}
