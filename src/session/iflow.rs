//! iFlow: `~/.iflow/projects/<folder>/session-<id>.jsonl`. The envelope and the blocks of Claude Code; the
//! results of tools are Gemini's, an object where Claude Code has text.

use std::borrow::Cow;

use super::agent::Likeness;
use super::claude::{SaidByPerson, said_by_person};
use super::dialect::{
    Block, Counted, Dialect, Facts, Returned, Said, Speaker, Words, content, result_text, usage,
};
use super::diff;
use super::fields::{Fields, Table};
use super::index::hash;
use super::json::{self, Obj, RawValue};
use super::private::Private;

/// The fields of its records.
static FIELDS: Table = Table::new(|| Fields::of(include_str!("fields/iflow.txt")));

/// The format.
#[derive(Clone, Copy, Debug)]
pub(super) struct IFlow;

impl Dialect for IFlow {
    fn name(&self) -> &'static str {
        "iFlow"
    }

    fn fields(&self) -> Option<&'static Table> {
        Some(&FIELDS)
    }

    fn likeness(&self, record: &Obj<'_>) -> Likeness {
        let spoken = matches!(record.text("type").as_deref(), Some("user" | "assistant"));
        // An id of Claude Code is a bare UUID.
        let own = record.text("sessionId").is_some_and(|id| id.starts_with("session-"));
        let content = record.obj("message").is_some_and(|message| message.raw("content").is_some());
        if spoken && own && content { Likeness::Certain } else { Likeness::Unknown }
    }

    fn torn_likeness(&self, line: &[u8]) -> Likeness {
        let own = memchr::memmem::find(line, b"\"sessionId\":\"session-").is_some();
        if own { Likeness::Certain } else { Likeness::Unknown }
    }

    fn read<'a>(&self, record: &Obj<'a>) -> Vec<Said<'a>> {
        let mut said = Said::default();
        let message = record.obj("message").unwrap_or_default();
        match (record.text("type").as_deref(), message.raw("content")) {
            (Some("user"), Some(words)) if record.flag("isMeta") => {
                content(words, Speaker::Person, &mut said, |text| Err((Private::Injected, text)));
            }
            (Some("user"), Some(words)) => {
                content(words, Speaker::Person, &mut said, typed);
                results(words, &mut said);
                said.blocks = said.blocks.into_iter().map(told_apart).collect();
            }
            (Some("user"), _) => {}
            (Some("assistant"), Some(words)) => {
                content(words, Speaker::Agent, &mut said, Ok);
                said.facts = answered(&message);
            }
            (Some("assistant"), None) => {}
            (kind, _) => {
                let name = kind.unwrap_or_default().to_owned();
                said.blocks.push(Block::Unknown(name, record.clone()));
            }
        }
        said.at = record.text("timestamp").and_then(|at| at.parse().ok());
        said.facts.version = record.text("version");
        said.facts.cwd = record.text("cwd");
        said.facts.branch = record.text("gitBranch");
        vec![said]
    }
}

fn answered<'a>(message: &Obj<'a>) -> Facts<'a> {
    let names = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
    let tokens = message.obj("usage").map(|tokens| usage(&tokens, names));
    let counted = message.text("id").map_or(Counted::Record, |id| Counted::Message(hash(&id)));
    Facts { model: message.text("model"), usage: tokens.map(|usage| (counted, usage)), ..Facts::default() }
}

/// What the person typed; `Err`: it is the agent's machinery that speaks.
fn typed(text: Cow<'_, str>) -> Result<Cow<'_, str>, (Private, Cow<'_, str>)> {
    const MACHINERY: &[(&str, Private)] = &[
        ("<local-command-caveat>", Private::Injected),
        ("<system-reminder>", Private::Reminder),
        ("# AGENTS.md instructions", Private::Instructions),
        ("<INSTRUCTIONS>", Private::Instructions),
    ];
    let start = text.trim_start();
    match MACHINERY.iter().find(|(known, _)| start.starts_with(known)) {
        Some((_, what)) => Err((*what, text)),
        None => Ok(text),
    }
}

/// A prompt, or what stands in the place of one: commands and what they printed are marked as Claude Code does.
fn told_apart(block: Block<'_>) -> Block<'_> {
    let Block::Prompt(words) = block else { return block };
    let local =
        |command: String, output: String| Block::Local { command: command.into(), output: output.into() };
    match said_by_person(&words.text) {
        SaidByPerson::Words(text) => {
            let text = Cow::Owned(text.into_owned());
            Block::Prompt(Words { text, ..words })
        }
        SaidByPerson::Command(typed) => Block::Prompt(Words { text: typed.into(), ..words }),
        SaidByPerson::Own(command) => local(command, String::new()),
        SaidByPerson::OwnPrinted(output) => local(String::new(), output),
        SaidByPerson::Printed(output) => local(String::new(), output.to_owned()),
        SaidByPerson::News(headline, brought) => local(headline, brought.to_owned()),
        SaidByPerson::Interrupted => Block::Interrupted,
        SaidByPerson::Summary => Block::Compacted { before: None, after: None, summary: Some(words.text) },
        SaidByPerson::Nothing if words.images.is_empty() => Block::Context(Private::Reminder, words.text),
        SaidByPerson::Nothing => Block::Prompt(Words { text: "".into(), ..words }),
    }
}

/// The results among the blocks of `content`, which were read as if their content were text.
fn results<'a>(content: RawValue<'a>, said: &mut Said<'a>) {
    let told = json::list(content).into_iter().filter_map(Obj::of);
    let mut told = told.filter(|block| block.text("type").as_deref() == Some("tool_result"));
    for block in &mut said.blocks {
        if let Block::Result(result) = block
            && let Some(told) = told.next().and_then(|block| block.obj("content"))
        {
            returned(&told, result);
        }
    }
}

fn returned<'a>(told: &Obj<'a>, result: &mut Returned<'a>) {
    let function =
        told.obj("functionResponse").or_else(|| told.obj("responseParts")?.obj("functionResponse"));
    let response = function.and_then(|function| function.obj("response")).unwrap_or_default();
    let error = response.says("error");
    let display = told.raw("resultDisplay");
    let shown = || Some(result_text(display)).filter(|text| !text.is_empty());
    let changed = display.and_then(Obj::of).and_then(|display| display.text("fileDiff"));
    result.failed |= error.is_some();
    result.text = error.or_else(|| response.says("output")).or_else(shown).unwrap_or_default();
    result.hunks = changed.map(|changed| diff::unified(&changed)).unwrap_or_default();
}
