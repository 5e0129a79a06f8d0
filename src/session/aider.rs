//! Aider: `<repository>/.aider.chat.history.md`, the Markdown of many runs one after the other.
//!
//! `# aider chat started at …` begins a run (in local time of an unknown zone), `#### ` stands before each
//! line of a prompt, `> ` before what the program says; the rest is the agent's answer. Two blanks end each of the
//! lines that are not the agent's, whose own headings and quotations have none.

use std::borrow::Cow;

use super::agent::{Layout, Likeness};
use super::dialect::{Block, Dialect, Facts, Said, Words};
use super::fields::Table;
use super::json::Obj;

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aider;

const STARTED: &str = "# aider chat started at ";

/// Who speaks in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Start,
    Person,
    Program,
    Agent,
}

/// Who speaks in the first line of `text`.
fn voice(text: &[u8]) -> Voice {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let marked = line.ends_with(b"  ");
    match line {
        _ if line.starts_with(STARTED.as_bytes()) => Voice::Start,
        [b'#', b'#', b'#', b'#', b' ', ..] if marked => Voice::Person,
        [b'>', b' ', ..] if marked => Voice::Program,
        _ => Voice::Agent,
    }
}

/// A prompt has a mark on each line, its blank ones too: what stands apart is another.
fn begins(before: &[u8], line: &[u8], apart: bool) -> bool {
    let voice_here = voice(line);
    voice_here == Voice::Start || voice(before) != voice_here || voice_here == Voice::Person && apart
}

impl Dialect for Aider {
    fn name(&self) -> &'static str {
        "Aider"
    }

    fn layout(&self) -> Layout {
        Layout::Runs(begins)
    }

    fn fields(&self) -> Option<&'static Table> {
        None
    }

    fn likeness(&self, _record: &Obj<'_>) -> Likeness {
        Likeness::Unknown
    }

    fn text_likeness(&self, line: &[u8]) -> Likeness {
        if voice(line) == Voice::Start { Likeness::Certain } else { Likeness::Unknown }
    }

    fn read<'a>(&self, _record: &Obj<'a>) -> Vec<Said<'a>> {
        Vec::new()
    }

    fn read_text<'a>(&self, run: &'a str) -> Said<'a> {
        let mut said = Said::default();
        match voice(run.as_bytes()) {
            Voice::Start => {}
            Voice::Person => {
                person(unmarked(run, "####").join("\n"), &mut said);
            }
            Voice::Program => program(run, &mut said),
            Voice::Agent => said.reply(Cow::Borrowed(run.trim())),
        }
        said
    }
}

/// Lines without the mark before them and the blanks behind.
fn unmarked<'a>(run: &'a str, mark: &str) -> Vec<&'a str> {
    let line = |line: &'a str| line.strip_prefix(mark).unwrap_or(line);
    run.lines().map(line).map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect()
}

/// Commands of the chat that ask the model what follows them; so does, another one, `copy-context`. The program answers
/// all others itself: what begins with `/` or `!` is never a prompt to it (`aider/commands.py`).
const ASKING: [&str; 6] = ["/ask", "/code", "/architect", "/context", "/help", "/copy-context"];
/// Bytes of a command that one row tells.
const ROW: usize = 200;

/// What a person typed: a prompt, a command of the chat, or a prompt behind one.
fn person(text: String, said: &mut Said<'_>) {
    let words = |text: String| Words { text: Cow::Owned(text), images: Vec::new() };
    let typed = text.trim();
    if !typed.starts_with(['/', '!']) {
        return said.prompt(words(text));
    }
    let (first, rest) = typed.split_once(char::is_whitespace).unwrap_or((typed, ""));
    let rest = rest.trim();
    let (command, output) = if ASKING.contains(&first) && !rest.is_empty() {
        said.prompt(words(rest.to_owned()));
        (first, "")
    } else {
        let (line, more) = typed.split_once('\n').unwrap_or((typed, ""));
        if line.len() <= ROW { (line, more) } else { (first, rest) }
    };
    let (command, output) = (Cow::Owned(command.to_owned()), Cow::Owned(output.to_owned()));
    said.blocks.push(Block::Local { command, output });
}

fn program<'a>(run: &'a str, said: &mut Said<'a>) {
    let lines = unmarked(run, ">");
    let find = |start: &str| lines.iter().find_map(|line| line.strip_prefix(start));
    let model = find("Main model: ").or_else(|| find("Model: "));
    if let Some(version) = find("Aider v") {
        // The banner of a start: which program was called how is not worth a reader's time.
        let model = model.and_then(|model| model.split(" with ").next()).map(Cow::Borrowed);
        said.facts = Facts { version: Some(Cow::Borrowed(version)), model, ..Facts::default() };
        return;
    }
    if lines.iter().any(|line| line.contains("KeyboardInterrupt")) {
        said.blocks.push(Block::Interrupted);
        return;
    }
    let mut lines = lines.into_iter().filter(|line| !line.is_empty());
    if let Some(first) = lines.next() {
        let output = lines.collect::<Vec<_>>().join("\n");
        said.blocks.push(Block::Local { command: Cow::Borrowed(first), output: Cow::Owned(output) });
    }
}
