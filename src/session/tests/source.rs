//! What is opened, and what is refused.

use std::fs::File;
use std::path::Path;

use serde_json::json;

use super::{file, record, windows};
use crate::redact::Cleaner;
use crate::session::lines::MAX_LINE;
use crate::session::{OpenError, Progress, Session, Source};

fn refused(bytes: &[u8]) -> OpenError {
    Session::open(Source::from_file(file(bytes), None).unwrap(), Cleaner::new()).unwrap_err()
}

#[test]
fn an_empty_file_is_its_own_error() {
    for bytes in [&b""[..], b"\n \r\n\n", b"\0\0\0"] {
        assert!(matches!(refused(bytes), OpenError::Empty), "{bytes:?}");
    }
}

#[test]
fn what_is_no_session_is_refused_with_what_was_looked_for() {
    for text in [
        "hello\nworld\n",
        "{}",
        "[1, 2]",
        "{\"display\":\"x\",\"timestamp\":1,\"project\":\"/p\",\"sessionId\":\"s\"}",
        "{\"type\":\"session_meta\",\"payload\":{\"id\":\"x\"}}",
        "{\"type\":\"user\",\"uuid\":\"u\",\"sessionId\":\"s\",\"message\":{\"role\":\"user\"}}",
        "{\"role\":\"user\",\"content\":\"hi\"}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
    ] {
        let error = refused(text.as_bytes());
        assert!(matches!(error, OpenError::NotASession { .. }), "{text}: {error}");
        let error = error.to_string();
        for agent in
            ["Claude Code ~/.claude", "Codex ~/.codex", "Gemini CLI ~/.gemini", "Grok ~/.grok", "Aider"]
        {
            assert!(error.contains(agent), "{agent}: {error}");
        }
        let first = if text.lines().count() > 1 { "first 2 lines are not" } else { "first line is not" };
        assert!(error.contains(first), "{error}");
    }
}

#[test]
fn a_session_is_known_by_any_of_its_first_records() {
    let user = record::user(1, json!("hi"));
    for first in [
        "{\"type\":\"summary\",\"summary\":\"x\",\"leafUuid\":\"y\"}",
        "{\"type\":\"file-history-snapshot\",\"messageId\":\"m\",\"snapshot\":{}}",
        "{\"type\":\"queue-operation\",\"operation\":\"dequeue\",\"sessionId\":\"s\"}",
        "{\"type\":\"something-new\",\"x\":1}",
        "not json at all",
        "\u{feff}",
    ] {
        let session = super::session(format!("{first}\n{user}\n").as_bytes());
        assert_eq!(session.overview().outline.last().map(|entry| entry.text.to_string()), Some("hi".into()));
    }
}

#[test]
fn only_regular_files_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    let opened = |path: &Path| Source::open(path).map(|_| ()).unwrap_err();
    assert!(matches!(opened(dir.path()), OpenError::NotAFile { what: "a directory" }));
    assert!(matches!(opened(Path::new("/dev/zero")), OpenError::NotAFile { what: "a device" }));
    assert!(matches!(opened(&dir.path().join("none")), OpenError::Io(_)));
    let pipe = dir.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    assert!(matches!(opened(&pipe), OpenError::NotAFile { what: "a named pipe" }));
}

#[test]
fn a_link_to_a_session_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), record::user(1, json!("hi"))).unwrap();
    std::os::unix::fs::symlink("a", dir.path().join("b")).unwrap();
    let session = Session::open(Source::open(&dir.path().join("b")).unwrap(), Cleaner::new()).unwrap();
    assert_eq!(session.advance(usize::MAX).unwrap(), Progress::Complete);
    assert_eq!(session.overview().outline.len(), 1);
}

#[test]
fn a_snapshot_ends_where_it_was_taken() {
    let first = record::user(1, json!("before")) + "\n";
    let all = format!("{first}{}\n", record::user(2, json!("after")));
    let source = Source::from_file(file(all.as_bytes()), Some(first.len() as u64)).unwrap();
    let session = Session::open(source, Cleaner::new()).unwrap();
    assert_eq!(session.advance(usize::MAX).unwrap(), Progress::Complete);
    assert_eq!(session.overview().outline.len(), 1);
    assert_eq!(windows(&session)[0].turns.len(), 1);
}

#[test]
fn the_example_of_the_readme_is_a_session() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/session.jsonl");
    let session =
        Session::open(Source::from_file(File::open(path).unwrap(), None).unwrap(), Cleaner::new()).unwrap();
    assert_eq!(session.advance(usize::MAX).unwrap(), Progress::Complete);
    let overview = session.overview();
    assert_eq!(overview.title.as_ref().map(|t| t.as_str()), Some("Add a --json flag to tally"));
    assert_eq!((overview.outline.len(), overview.steps, overview.windows), (3, 15, 1));
    assert_eq!(session.report().warnings, []);
}

#[test]
fn of_a_line_that_is_too_long_the_beginning_is_shown() {
    use std::io::{Seek as _, SeekFrom, Write as _};

    let mut file = file(
        format!("{}\n{{\"type\":\"user\",\"words\":\"how it begins", record::user(0, json!("go"))).as_bytes(),
    );
    file.seek(SeekFrom::Current(MAX_LINE as i64)).unwrap();
    writeln!(file, "\"}}\n{}", record::reply(2, "done")).unwrap();
    let session = Session::open(Source::from_file(file, None).unwrap(), Cleaner::new()).unwrap();
    while session.advance(1).unwrap() == Progress::More {}
    let told = format!("{:?}", super::turns(&session));
    assert!(told.contains("line 2 is too long to be shown") && told.contains("how it begins"), "{told}");
    assert!(told.contains("done"), "{told}");
}
