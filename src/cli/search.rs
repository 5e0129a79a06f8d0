//! `panko search WORDS`: what was said in any session of this machine.

use std::io::{self, IsTerminal as _};

use serde::Serialize;

use super::sessions::{self, Shown, cut};
use super::terminal::{print, tell};
use super::{CliError, Exit, SearchArgs};
use crate::catalog::{Hit, Span};
use crate::paths::Paths;
use crate::plain::plain;
use crate::redact::Cleaner;

/// Characters of a title.
const TITLE: usize = 72;

pub(super) fn run(paths: &Paths, args: &SearchArgs) -> Result<Exit, CliError> {
    let query = args.words.join(" ");
    if !query.chars().any(char::is_alphanumeric) {
        return Err(CliError::usage("there is no word to search for", "`panko search WORD`"));
    }
    let (mut catalog, walked) = sessions::open(paths)?;
    let (_, hits, update) = catalog
        .search(&walked, &query, args.most, &Cleaner::new(), sessions::progress)
        .map_err(sessions::failed)?;
    sessions::explain(&update);
    if args.json {
        let hits: Vec<Found<'_>> = hits.iter().map(Found::of).collect();
        print(serde_json::to_string(&hits).map_err(|error| CliError::failed(error, ""))?)?;
    } else if hits.is_empty() {
        tell("nothing was found; all words must stand in one prompt or reply");
    } else {
        let marks = Marks::fitting();
        for hit in &hits {
            print(block(hit, &marks))?;
        }
    }
    Ok(Exit::Done)
}

/// What stands around a hit.
struct Marks(&'static str, &'static str);

impl Marks {
    /// Bold in a terminal that may be coloured, else brackets.
    fn fitting() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if io::stdout().is_terminal() && !plain { Self("\u{1b}[1m", "\u{1b}[22m") } else { Self("[", "]") }
    }
}

/// What it is, where it is, and the best place of it.
fn block(hit: &Hit, Marks(open, close): &Marks) -> String {
    let session = &hit.session;
    let day = session.active.strftime("%Y-%m-%d");
    let project = session.project.as_deref().map(|project| format!(" {}", plain(project)));
    let place = match (hit.turn, hit.passages) {
        (0, 1) => String::new(),
        (0, n) => format!(", {n} places"),
        (turn, 1) => format!(", prompt {turn}"),
        (turn, n) => format!(", prompt {turn} and {} more", n - 1),
    };
    let snippet: String = hit
        .snippet
        .iter()
        .map(|span| {
            let text = plain(&span.text);
            if span.hit { format!("{open}{text}{close}") } else { text.into_owned() }
        })
        .collect();
    format!(
        "{day}{} · {}{place}\n  {}\n  {}\n",
        project.unwrap_or_default(),
        cut(session.name().unwrap_or("-"), TITLE),
        snippet.split_whitespace().collect::<Vec<_>>().join(" "),
        plain(&session.path.display().to_string()),
    )
}

/// A hit in JSON: the session, and the best passage with what was searched marked.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    session: Shown<'a>,
    prompt_no: u32,
    role: &'static str,
    passages: usize,
    snippet: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    text: &'a str,
    hit: bool,
}

impl<'a> Found<'a> {
    fn of(hit: &'a Hit) -> Self {
        let run = |span: &'a Span| Run { text: &span.text, hit: span.hit };
        Self {
            session: Shown::of(&hit.session),
            prompt_no: hit.turn,
            role: hit.role.as_str(),
            passages: hit.passages,
            snippet: hit.snippet.iter().map(run).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Listed, Role};

    #[test]
    fn a_hit_is_shown_without_anything_that_steers_the_terminal() {
        let evil = "\u{1b}[2Jx\u{202e}";
        let session = Listed {
            id: 1,
            path: format!("/p/{evil}.jsonl").into(),
            bytes: 1,
            agent: evil.to_owned(),
            title: Some(evil.to_owned()),
            prompt: None,
            project: Some(evil.to_owned()),
            started: None,
            active: jiff::Timestamp::UNIX_EPOCH,
            answered: true,
        };
        let span = |text: &str, hit| Span { text: text.to_owned(), hit };
        let snippet = vec![span("a\nb ", false), span(evil, true)];
        let hit = Hit { session, turn: 3, role: Role::Reply, snippet, passages: 2 };
        let shown = block(&hit, &Marks("[", "]"));
        assert!(shown.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}')), "{shown:?}");
        assert!(shown.contains("a b [x ]") && shown.contains("prompt 3 and 1 more"), "{shown}");
    }
}
