//! `panko sessions`: the sessions on this machine, the last active first.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::IsTerminal as _;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use serde::Serialize;

use super::terminal::{print, tell};
use super::{CliError, Exit, SessionsArgs};
use crate::catalog::{Catalog, CatalogError, Listed, Update};
use crate::describe::{ago, counted};
use crate::paths::Paths;
use crate::plain::plain;
use crate::redact::Cleaner;
use crate::session::discovery::{Surroundings, Walked, find, id, length_to_tell_apart};

/// Characters of a title in the table.
const TITLE: usize = 72;
/// Characters of a project in the table.
const PROJECT: usize = 24;
/// Sessions to be read from which on it is worth a word.
const MANY: usize = 20;

pub(super) fn run(paths: &Paths, args: &SessionsArgs) -> Result<Exit, CliError> {
    let (mut catalog, walked) = open(paths)?;
    let cleaner = Cleaner::new();
    let mut with_words = None;
    let mut listed = match &args.search {
        None => catalog.list(&walked, &cleaner).map_err(failed)?,
        Some(query) => {
            let (listed, hits, update) =
                catalog.search(&walked, query, usize::MAX, &cleaner, progress).map_err(failed)?;
            explain(&update);
            with_words = Some(hits.iter().map(|hit| hit.session.id).collect::<HashSet<i64>>());
            listed
        }
    };
    let found = listed.len();
    listed.retain(|session| with_words.as_ref().is_none_or(|ids| ids.contains(&session.id)));
    listed.retain(|session| {
        let is = |asked: &Option<String>, told: &str| asked.as_ref().is_none_or(|asked| alike(told, asked));
        is(&args.agent, &session.agent) && is(&args.project, session.project.as_deref().unwrap_or_default())
    });
    if args.json {
        let sessions: Vec<Shown<'_>> = listed.iter().map(Shown::of).collect();
        print(serde_json::to_string(&sessions).map_err(|error| CliError::failed(error, ""))?)?;
    } else if args.paths {
        for session in &listed {
            print(plain(&session.path.display().to_string()))?;
        }
    } else if listed.is_empty() {
        tell(if found > 0 {
            format!(
                "none of the {} here is of that kind; `panko sessions` lists all there are",
                counted(found as u64, "session", "sessions")
            )
        } else {
            "no sessions found; `panko share FILE` takes any session file, wherever it is".to_owned()
        });
    } else {
        // Told apart from all there are, not only from those that are shown.
        let ids: Vec<String> = walked.files.iter().map(|found| id(&found.path)).collect();
        print(table(&listed, length_to_tell_apart(&ids), Timestamp::now()))?;
        if std::io::stdout().is_terminal() {
            tell("`panko share ID` shares one, `panko view ID` shows it to you alone");
        }
    }
    Ok(Exit::Done)
}

/// What is found of sessions.
pub(super) fn walked() -> Result<Walked, CliError> {
    let home = etcetera::home_dir().map_err(|error| CliError::failed(error, "set HOME"))?;
    Ok(find(&Surroundings { home: &home, variable: &|name| std::env::var_os(name) }))
}

/// The catalog, and what is found of sessions.
pub(super) fn open(paths: &Paths) -> Result<(Catalog, Walked), CliError> {
    let walked = walked()?;
    for folder in &walked.unread {
        tell(plain(&format!("{} cannot be read: its sessions may be missing here", folder.display())));
    }
    paths.prepare().map_err(|error| CliError::failed(error, ""))?;
    Ok((Catalog::open(&paths.catalog()).map_err(failed)?, walked))
}

pub(super) fn failed(error: CatalogError) -> CliError {
    CliError::failed(error, "it is a cache: remove it, and it is built anew")
}

/// Says that many sessions are being read; the first time, that takes a while.
pub(super) fn progress(done: usize, all: usize) {
    if done == 0 && all >= MANY {
        tell(format!("reading {all} sessions that are new or have changed…"));
    }
}

/// What a person should know of an update.
pub(super) fn explain(update: &Update) {
    if update.busy {
        tell("another panko is reading sessions at the moment: what it has not come to is not found yet");
    }
    if update.failed > 0 {
        tell(format!("{} could not be read", counted(update.failed as u64, "session", "sessions")));
    }
}

/// A session in JSON: texts are clean, times RFC 3339, `bytes` those of the file.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    id: String,
    path: Cow<'a, str>,
    agent: &'a str,
    title: Option<&'a str>,
    prompt: Option<&'a str>,
    project: Option<&'a str>,
    started: Option<Timestamp>,
    active: Timestamp,
    bytes: u64,
    answered: bool,
}

impl<'a> Shown<'a> {
    pub(super) fn of(session: &'a Listed) -> Self {
        Self {
            id: id(&session.path),
            path: session.path.to_string_lossy(),
            agent: &session.agent,
            title: session.title.as_deref(),
            prompt: session.prompt.as_deref(),
            project: session.project.as_deref(),
            started: session.started,
            active: session.active,
            bytes: session.bytes,
            answered: session.answered,
        }
    }
}

/// The table; the title stands last, since nobody can tell how wide a terminal makes it.
fn table(listed: &[Listed], digits: usize, now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["ID", "ACTIVE", "AGENT", "PROJECT", "SIZE", "", "TITLE"]);
    for session in listed {
        table.add_row([
            id(&session.path).chars().take(digits).collect(),
            ago(&session.active.to_string(), now),
            plain(&session.agent).into_owned(),
            cut(session.project.as_deref().unwrap_or("-"), PROJECT),
            size(session.bytes),
            if session.answered { "" } else { "no reply" }.to_owned(),
            cut(session.name().unwrap_or("-"), TITLE),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// `text` on one line, at most `max` characters of it.
pub(super) fn cut(text: &str, max: usize) -> String {
    let line = plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default().trim_end()),
        None => line,
    }
}

/// `812 B`, `18 KB`, `1.2 MB`: thousands, not 1,024.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..999_500 => format!("{} KB", (bytes + 500) / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Whether what was asked for is a part of what is told, whatever the case and the spaces.
fn alike(told: &str, asked: &str) -> bool {
    let simple = |text: &str| -> String {
        text.chars()
            .filter(|c| !c.is_whitespace() && !"-_".contains(*c))
            .flat_map(char::to_lowercase)
            .collect()
    };
    simple(told).contains(&simple(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_spaces() {
        for (told, asked, are) in [
            ("Claude Code", "claude", true),
            ("Claude Code", "claude-code", true),
            ("Gemini CLI", "geminicli", true),
            ("Codex", "claude", false),
            ("", "x", false),
            ("Größe", "GRÖSSE", false),
            ("Tür", "TÜR", true),
        ] {
            assert_eq!(alike(told, asked), are, "{told} {asked}");
        }
    }

    #[test]
    fn sizes_and_titles_fit_their_columns() {
        for (bytes, told) in [(812, "812 B"), (18_400, "18 KB"), (999_499, "999 KB"), (1_234_567, "1.2 MB")] {
            assert_eq!(size(bytes), told);
        }
        assert_eq!(cut("one\ntwo  three", 99), "one two three");
        assert_eq!(cut("one two three", 8), "one two…");
        assert_eq!(cut("\u{1b}[31mred\u{202e}", 99), "red");
    }
}
