//! What every fuzz target does: reads bytes as a session of one agent, whatever they are, in every way a page and an
//! export do.

use std::io::Write as _;

use panko::redact::Cleaner;
use panko::render::export::{Format, export};
use panko::session::{Include, Progress, Session, Source};

/// A target for the parser of the agent of this name.
#[macro_export]
macro_rules! target {
    ($agent:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::read($agent, bytes));
    };
}

/// Reads all of `bytes`: as lines of `agent`'s records, as what stands in the middle of its file where that is no file
/// of lines, and as whatever agent's file they may be.
pub fn read(agent: &str, bytes: &[u8]) {
    let lines = Session::rest(source(bytes), Cleaner::new(), agent);
    let whole = Session::open(source(bytes), Cleaner::new()).ok();
    let framed = FRAMES.iter().find(|(framed, ..)| *framed == agent).map(|(_, before, after)| {
        let file = [before.as_bytes(), bytes, after.as_bytes()].concat();
        Session::open(source(&file), Cleaner::new()).expect("what stands before it tells whose it is")
    });
    for session in [lines, whole, framed].into_iter().flatten() {
        all(session.including(Include::of(&["context"])), bytes.len() / 2 + 1);
    }
}

/// What stands before and behind the records in files that are not lines of them.
const FRAMES: &[(&str, &str, &str)] = &[
    (
        "Gemini CLI",
        r#"{"sessionId":"s","projectHash":"h","messages":[{"id":"1","type":"gemini","content":"a"},"#,
        "]}",
    ),
    (
        "opencode",
        r#"{"info":{"id":"s","directory":"/a","time":{"created":1}},"messages":[{"info":{"role":"user"},"parts":[]},"#,
        "]}",
    ),
    ("Aider", "# aider chat started at 2026-01-01 10:00:00\n\n", "\n"),
];

fn source(bytes: &[u8]) -> Source {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    Source::from_file(file, None).expect("a regular file")
}

/// Every page, every count and every export of a session, indexed in pieces of this size.
fn all(session: Session, piece: usize) {
    while session.advance(piece).expect("nobody changes it") == Progress::More {}
    while session.survey(16).expect("it is as it was") == Progress::More {}
    let overview = session.overview();
    for no in 0..=session.windows() {
        session.window(no).expect("it is as it was");
    }
    for no in (0..=overview.steps.saturating_add(1)).take(64) {
        session.step(no).expect("it is as it was");
        session.attachment(no.into()).expect("it is as it was");
        let _ = (session.place_of_step(no), session.place_of_aside(no), session.place_of_prompt(no));
    }
    for format in [Format::Html, Format::Markdown, Format::Json, Format::JsonLines] {
        export(&session, format, &mut std::io::sink()).expect("it is as it was");
    }
    let words = ["in".to_owned(), overview.agent.to_owned()];
    let _ = (session.report(), session.resume(), session.sift(&words, 0).expect("it is as it was"));
}
