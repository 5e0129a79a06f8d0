//! What the head of the page tells of a whole session: how steps ended, what went on when, which files changed.

use std::io::Write as _;

use serde_json::json;

use super::{file, lines, record};
use crate::redact::Cleaner;
use crate::session::model::{Changes, Ended, Item, Step, Tool};
use crate::session::timeline::{Goal, Lane};
use crate::session::{Progress, Session, Source};

fn edit(no: u32, id: &str, path: &str) -> String {
    let input = json!({ "file_path": format!("/home/ada/tally/{path}"), "old_string": "a\n", "new_string": "b\nc\n" });
    record::call(no, id, "Edit", input)
}

fn surveyed(session: &Session) -> Changes {
    while session.survey(1).unwrap() == Progress::More {}
    let overview = session.overview();
    overview.changes.as_deref().cloned().unwrap()
}

fn summary(changes: &Changes) -> Vec<String> {
    let line = |file: &crate::session::model::ChangedFile| {
        format!("{} x{} +{} -{} at s{}", file.path, file.edits, file.added, file.removed, file.first)
    };
    changes.files.iter().map(line).collect()
}

#[test]
fn steps_end_as_their_results_say() {
    let session = lines(&[
        record::user(1, json!("go")),
        record::call(2, "t1", "Bash", json!({ "command": "ls" })),
        record::result(4, "t1", json!("ok"), json!({})),
        record::call(5, "t2", "Bash", json!({ "command": "make" })),
        record::error(9, "t2", "Exit code 2\nno"),
        edit(10, "t3", "a.rs"),
        record::error(
            20,
            "t3",
            "The user doesn't want to proceed with this tool use. The tool use was rejected",
        ),
        record::call(21, "t4", "Read", json!({ "file_path": "/home/ada/tally/a.rs" })),
    ]);
    let overview = session.overview();
    assert_eq!(overview.outline[0].ends, [Ended::Done, Ended::Failed, Ended::Declined, Ended::Open]);
    let bars: Vec<_> = overview
        .timeline
        .bars
        .iter()
        .filter(|bar| !matches!(bar.lane, Lane::Model))
        .map(|bar| {
            let took = bar.to.duration_since(bar.from).as_secs();
            (bar.lane, bar.goal, took, bar.ended)
        })
        .collect();
    assert_eq!(
        bars,
        [
            (Lane::You, Goal::Prompt(1), 0, Ended::Done),
            (Lane::Read, Goal::Step(4), 0, Ended::Open),
            (Lane::Edit, Goal::Step(3), 10, Ended::Declined),
            (Lane::Run, Goal::Step(1), 2, Ended::Done),
            (Lane::Run, Goal::Step(2), 4, Ended::Failed),
        ]
    );
    assert!(overview.timeline.bars.iter().any(|bar| bar.lane == Lane::Model));
}

#[test]
fn what_a_sub_agent_did_leads_there_and_what_was_said_meanwhile_has_its_place() {
    let bytes = std::fs::read("tests/fixtures/claude/forms.jsonl").unwrap();
    let session = super::session(&bytes);
    let overview = session.overview();
    let steps = overview.timeline.bars.iter().filter(|bar| bar.minor && bar.lane != Lane::You);
    let goals: Vec<_> = steps.map(|bar| bar.goal).collect();
    let is_there = |goal: &Goal| {
        let Goal::Inner(sender, no) = goal else { return false };
        let Some(Step { tool: Tool::Agent { items, .. }, .. }) = session.step(*sender).unwrap() else {
            return false;
        };
        items.iter().any(|item| matches!(item, Item::Step(step) if step.no == *no))
    };
    assert!(!goals.is_empty() && goals.iter().all(is_there), "{goals:?}");
    let inside: u32 = overview.outline.iter().map(|entry| entry.sub_steps).sum();
    assert_eq!((inside, overview.outline[2].sub_steps), (overview.sub_steps, overview.sub_steps));
    let after =
        |turn: usize| overview.outline[turn].asides.iter().map(|aside| aside.after).collect::<Vec<_>>();
    // The last step of the first turn was declined.
    assert_eq!((after(0), overview.outline[0].steps), (vec![15], 15));
    assert_eq!(after(2), [2]);
}

#[test]
fn every_agents_model_has_its_lane() {
    for fixture in ["codex/rollout.jsonl", "gemini/session.jsonl", "pi/v1.jsonl", "claude/everything.jsonl"] {
        let bytes = std::fs::read(format!("tests/fixtures/{fixture}")).unwrap();
        let overview = super::session(&bytes).overview();
        assert!(overview.timeline.bars.iter().any(|bar| bar.lane == Lane::Model), "{fixture}");
    }
}

#[test]
fn only_edits_that_worked_change_files() {
    let session = lines(&[
        record::user(1, json!("one")),
        edit(2, "t1", "a.rs"),
        record::result(3, "t1", json!("ok"), json!({})),
        edit(4, "t2", "b.rs"),
        record::error(5, "t2", "String to replace not found"),
        record::user(6, json!("two")),
        edit(7, "t3", "a.rs"),
        record::result(8, "t3", json!("ok"), json!({})),
        edit(9, "t4", "c.rs"),
        record::result(10, "t4", json!("ok"), json!({})),
    ]);
    assert!(session.overview().changes.is_none(), "not before they are looked for");
    let changes = surveyed(&session);
    assert_eq!(summary(&changes), ["a.rs x2 +4 -2 at s1", "c.rs x1 +2 -1 at s4"]);
    assert_eq!((changes.count, changes.added, changes.removed), (2, 6, 3));
    let turns: Vec<_> = session.overview().outline.iter().map(|turn| (turn.added, turn.removed)).collect();
    assert_eq!(turns, [(2, 1), (4, 2)]);
}

#[test]
fn an_edit_counts_once_its_result_is_there() {
    let first = [record::user(1, json!("one")), edit(2, "t1", "a.rs")].join("\n") + "\n";
    let mut growing = file(first.as_bytes());
    let source = Source::from_file(growing.try_clone().unwrap(), None).unwrap();
    let session = Session::open(source, Cleaner::new()).unwrap();
    session.advance(usize::MAX).unwrap();
    assert!(surveyed(&session).files.is_empty());
    writeln!(growing, "{}", record::result(3, "t1", json!("ok"), json!({}))).unwrap();
    for _ in 0..2 {
        session.advance(usize::MAX).unwrap();
        assert_eq!(summary(&surveyed(&session)), ["a.rs x1 +2 -1 at s1"]);
    }
}

#[test]
fn a_turn_worked_without_its_pauses() {
    let at = |record: String, clock: &str| {
        let mut record: serde_json::Value = serde_json::from_str(&record).unwrap();
        record["timestamp"] = json!(format!("2026-10-14T{clock}.000Z"));
        record.to_string()
    };
    let session = lines(&[
        at(record::user(1, json!("go")), "09:00:00"),
        at(record::call(2, "t1", "Bash", json!({ "command": "make" })), "09:00:10"),
        at(record::result(3, "t1", json!("ok"), json!({})), "09:08:10"),
        at(record::reply(4, "made"), "09:08:20"),
        // Something that the agent's program noted on its own, hours later.
        at(record::user(5, json!("<command-name>/status</command-name>")), "15:00:00"),
        at(record::user(6, json!("and on")), "15:00:10"),
        at(record::reply(7, "done"), "15:00:40"),
    ]);
    let overview = session.overview();
    let worked: Vec<_> =
        overview.outline.iter().map(|entry| entry.worked.map(|time| time.as_secs())).collect();
    assert_eq!(worked.first(), Some(&Some(500)), "a long command is no pause: {worked:?}");
    assert_eq!(worked.last(), Some(&Some(30)), "{worked:?}");
    assert_eq!(overview.timeline.active().as_secs(), 500 + 30, "not the hours between");
}
