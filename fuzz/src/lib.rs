//! What every fuzz target does: reads bytes as a session of one agent, whatever they are, in every way a page does.

use std::io::Write as _;

use panko::redact::Cleaner;
use panko::session::{Include, Progress, Session, Source};

/// A target for the parser of the agent of this name.
#[macro_export]
macro_rules! target {
    ($agent:literal) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::read($agent, bytes));
    };
}

/// Reads all of `bytes`: as lines of `agent`'s records, and as whatever agent's file they may be.
pub fn read(agent: &str, bytes: &[u8]) {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let source = || Source::from_file(file.try_clone().expect("a descriptor"), None).expect("a regular file");
    let sessions = [Session::rest(source(), Cleaner::new(), agent), Session::open(source(), Cleaner::new()).ok()];
    for session in sessions.into_iter().flatten() {
        all(session.including(Include::of(&["context"])), bytes.len() / 2 + 1);
    }
}

/// Every page and every count of a session, indexed in pieces of this size.
fn all(session: Session, piece: usize) {
    while session.advance(piece).expect("nobody changes it") == Progress::More {}
    let overview = session.overview();
    for no in 0..=session.windows() {
        session.window(no).expect("it is as it was");
    }
    for no in (0..=overview.steps.saturating_add(1)).take(64) {
        session.step(no).expect("it is as it was");
        session.attachment(no.into()).expect("it is as it was");
        let _ = (session.place_of_step(no), session.place_of_aside(no), session.place_of_prompt(no));
    }
    let words = ["in".to_owned(), overview.agent.to_owned()];
    let _ = (session.report(), session.resume(), session.sift(&words, 0).expect("it is as it was"));
}
