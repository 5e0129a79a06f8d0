//! The tools of Claude Code: what kind of step each is, and the form its call and result take.

use std::borrow::Cow;

use super::call::{Call, Outcomes};
use super::{diff, polled, tasks};
use crate::redact::CleanText;
use crate::session::agent::Desk;
use crate::session::found;
use crate::session::given;
use crate::session::hits;
use crate::session::json::{self, Obj, RawValue};
use crate::session::model::{Choice, Output, Question, StepKind, TodoItem, Tool};
use crate::session::numbers::unnumbered;
use crate::session::paths;
use crate::session::words::{joined, words};

/// Whether a block of this type calls a tool.
pub(super) fn is_call(kind: Option<&str>) -> bool {
    matches!(kind, Some("tool_use" | "server_tool_use" | "mcp_tool_use"))
}

fn is_agent(name: &str) -> bool {
    matches!(name, "Task" | "Agent")
}

/// What a tool of this name does.
pub(super) fn kind(name: &str) -> StepKind {
    match name {
        "Read" | "Glob" | "Grep" | "LS" | "WebFetch" | "WebSearch" | "NotebookRead" | "LSP"
        | "web_search" | "web_fetch" | "BashOutput" | "TaskOutput" | "AgentOutputTool" => StepKind::Read,
        "Edit" | "MultiEdit" | "Write" | "NotebookEdit" => StepKind::Edit,
        "Bash" | "bash" | "PowerShell" => StepKind::Run,
        name if is_agent(name) => StepKind::Agent,
        _ => StepKind::Other,
    }
}

/// The brief of a sub-agent, if this calls one.
pub(super) fn brief(name: Option<&str>, input: Option<RawValue<'_>>) -> Option<String> {
    name.filter(|name| is_agent(name))?;
    Obj::of(input?)?.text("prompt").map(Cow::into_owned)
}

/// The form of a call with its result. Items of a sub-agent are filled in by the caller.
pub(super) fn tool(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    match call.name {
        "Bash" | "bash" | "PowerShell" => shell(call, desk),
        "Read" => read(call, desk),
        "Write" => {
            let (created, diff) = diff::write(call, desk);
            Tool::Write { path: call.path(desk), created, diff }
        }
        "Edit" | "MultiEdit" => Tool::Edit { path: call.path(desk), diff: diff::edit(call, desk) },
        "Glob" => find("Glob", call, desk),
        "Grep" => find("Grep", call, desk),
        "LS" => find("LS", call, desk),
        "WebFetch" | "web_fetch" => Tool::Fetch {
            url: call.clean("url", desk),
            asked: call.input.text("prompt").map(|asked| desk.cleaner.start(&asked, 4096)),
            content: call.output(desk),
        },
        "WebSearch" | "web_search" => {
            let (links, results) = found::pages(call.outcome.good_text(), desk);
            Tool::WebSearch { query: call.clean("query", desk), links, results }
        }
        "BashOutput" | "TaskOutput" | "AgentOutputTool" => polled::polled(call, desk),
        "NotebookEdit" => Tool::Edit { path: call.path(desk), diff: diff::notebook(call, desk) },
        "TodoWrite" => todo(call, desk),
        "TaskCreate" | "TaskUpdate" | "TaskList" => {
            tasks::listed(call, desk).unwrap_or_else(|| other(call, desk))
        }
        "TaskGet" => tasks::looked_at(call, desk).unwrap_or_else(|| other(call, desk)),
        "ExitPlanMode" => plan(call, desk),
        "AskUserQuestion" => questions(call, desk),
        name if is_agent(name) => agent(call, desk),
        _ => other(call, desk),
    }
}

/// Whether the text of an error is shown by the tool's form already.
pub(super) fn shows_errors(tool: &Tool) -> bool {
    matches!(tool, Tool::Shell { .. } | Tool::Polled { .. } | Tool::Other { .. } | Tool::Agent { .. })
}

/// The tool's own name, and the server of an MCP tool.
pub(super) fn names(name: &str) -> (&str, Option<&str>) {
    match name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, tool)) => (tool, Some(server)),
        None => (name, None),
    }
}

fn shell(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let text = call.outcome.text();
    let failed = call.outcome.failed();
    let (exit, text) = match failed.then(|| exit_code(text)).flatten() {
        Some((code, rest)) => (Some(code).filter(|code| *code != 0), rest),
        None => (None, text),
    };
    Tool::Shell {
        command: desk.long(&call.input.words("command")),
        description: call.input.text("description").map(|text| desk.cleaner.start(&text, 2000)),
        background: call.input.flag("run_in_background"),
        exit,
        output: if call.outcome.declined() { Output::default() } else { desk.text(text) },
    }
}

/// The code in `Exit code 2\n…`, and what follows.
pub(super) fn exit_code(text: &str) -> Option<(i32, &str)> {
    let rest = text.strip_prefix("Exit code ")?;
    let (code, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    Some((code.trim().parse().ok()?, rest))
}

fn read(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let (from, text) = unnumbered(call.outcome.good_text());
    let given = || call.input.number("offset").filter(|offset| *offset > 0);
    Tool::Read { path: call.path(desk), from: from.or_else(given).unwrap_or(1), content: desk.text(&text) }
}

fn find(verb: &'static str, call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let text = call.outcome.good_text();
    let told = hits::of(verb, text);
    let number = |name| call.outcome.extra().and_then(|extra| extra.number(name));
    // Of lines, it counts no files.
    let content = call.outcome.extra().is_some_and(|e| e.text("mode").as_deref() == Some("content"));
    let files = number("numFiles").filter(|files| !(content && *files == 0)).or(told.files);
    let matches = number("numMatches").or(told.matches);
    let within = call.input.text("path").map(|path| call.relative(&path, desk));
    // `LS` has nothing but a path.
    let (pattern, within) = match (verb, within) {
        ("LS", Some(path)) => (path, None),
        (_, within) => (call.clean("pattern", desk), within),
    };
    Tool::Find { verb, pattern, within, matches, files, hits: desk.text(text) }
}

fn todo(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let item = |todo: Obj<'_>| TodoItem {
        text: desk.cleaner.start(&todo.text("content").unwrap_or_default(), 2000),
        state: tasks::state(todo.text("status").as_deref()),
    };
    let todos = call.input.list("todos");
    let items = todos.into_iter().take(200).filter_map(Obj::of).map(item).collect();
    Tool::Todo { items, change: None }
}

fn plan(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let told = || call.outcome.extra().and_then(|extra| extra.text("plan"));
    Tool::Plan { text: desk.long(&call.input.says("plan").or_else(told).unwrap_or_default()) }
}

fn questions(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let answers = call.outcome.extra().and_then(|extra| extra.obj("answers")).unwrap_or_default();
    let question = |asked: Obj<'_>| {
        let text = asked.text("question").unwrap_or_default();
        let answer = answers.raw(&text).map(answer_text).unwrap_or_default();
        let offered: Vec<_> = asked.list("options").into_iter().take(20).filter_map(offered).collect();
        let picked = |label: &str| answer == label || answer.split(", ").any(|part| part == label);
        let free = (!answer.is_empty() && !offered.iter().any(|(label, _)| picked(label)))
            .then(|| desk.cleaner.start(&answer, 4000));
        let choice = |(label, about): &(Cow<'_, str>, Option<Cow<'_, str>>)| Choice {
            text: desk.cleaner.start(label, 500),
            about: about.as_ref().map(|about| desk.cleaner.start(about, 4000)),
            picked: picked(label),
        };
        let options = offered.iter().map(choice).collect();
        Question { text: desk.cleaner.start(&text, 4000), options, answer: free }
    };
    let asked = call.input.list("questions");
    Tool::Question { questions: asked.into_iter().take(20).filter_map(Obj::of).map(question).collect() }
}

/// An option's label, and what is said of it.
fn offered(option: RawValue<'_>) -> Option<(Cow<'_, str>, Option<Cow<'_, str>>)> {
    if let Some(label) = json::text(option) {
        return Some((label, None));
    }
    let option = Obj::of(option)?;
    let parts = ["description", "preview", "markdown"].iter().filter_map(|key| option.text(key));
    let parts: Vec<_> = parts.filter(|text| !text.trim().is_empty()).collect();
    Some((option.text("label")?, (!parts.is_empty()).then(|| joined(parts, "\n\n"))))
}

/// What was answered: a text, or the choices of a list.
fn answer_text(answer: RawValue<'_>) -> String {
    if answer.get().starts_with('[') {
        return json::list(answer).into_iter().map(words).collect::<Vec<_>>().join(", ");
    }
    words(answer).into_owned()
}

fn agent(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let report = call.outcome.text();
    // A note for the agent at the end of the report: how to go on with the sub-agent, and what it cost.
    let end = ["\nagentId: ", "\n<usage>"].iter().filter_map(|mark| report.rfind(mark)).min();
    let end = end.filter(|end| report.len() - end < 400).unwrap_or(report.len());
    Tool::Agent {
        description: call.clean("description", desk),
        kind: call.input.text("subagent_type").map(|kind| desk.cleaner.start(&kind, 200)),
        prompt: desk.long(&call.input.text("prompt").unwrap_or_default()),
        report: if call.outcome.declined() {
            Output::default()
        } else {
            desk.text(report.get(..end).unwrap_or_default())
        },
        items: Vec::new(),
        tokens: call.outcome.extra().and_then(|extra| extra.number("totalTokens")),
    }
}

fn other(call: &Call<'_>, desk: &Desk<'_>) -> Tool {
    let text = |key: &str| call.input.text(key);
    let told = match call.name {
        "TaskUpdate" => text("taskId").map(|id| {
            let status = text("status").or_else(|| text("subject"));
            Cow::Owned(format!("#{id} {}", status.unwrap_or_default()).trim_end().to_owned())
        }),
        "TaskCreate" => text("subject"),
        "TaskStop" | "KillShell" | "KillBash" => {
            let told = call.outcome.extra().and_then(|extra| extra.text("command"));
            told.or_else(|| text("task_id")).or_else(|| text("shell_id"))
        }
        _ => None,
    };
    let subject = || given::subject(&call.input, desk);
    let declined = call.outcome.declined();
    Tool::Other {
        server: names(call.name).1.map(|server| desk.cleaner.start(server, 200)),
        object: told.map_or_else(subject, |told| given::first_line(&told, desk)),
        input: given::all(&call.input, desk),
        output: if declined { Output::default() } else { call.output(desk) },
        told: if declined { Vec::new() } else { given::object(call.outcome.text(), desk) },
    }
}

impl Call<'_> {
    pub(super) fn clean(&self, key: &str, desk: &Desk<'_>) -> CleanText {
        desk.cleaner.start(&self.input.text(key).unwrap_or_default(), 4096)
    }

    fn path(&self, desk: &Desk<'_>) -> CleanText {
        let path = ["file_path", "path", "notebook_path"].iter().find_map(|key| self.input.text(key));
        self.relative(&path.unwrap_or_default(), desk)
    }

    /// `path` relative to the session's working folder, where it lies inside it.
    fn relative(&self, path: &str, desk: &Desk<'_>) -> CleanText {
        let root = desk.index().root().unwrap_or(self.cwd).to_owned();
        desk.cleaner.start(&paths::shown(path, self.cwd, &root), 4096)
    }

    fn output(&self, desk: &Desk<'_>) -> Output {
        match self.outcome {
            Outcomes::Bad { .. } if kind(self.name) != StepKind::Other => Output::default(),
            _ => desk.text(self.outcome.text()),
        }
    }
}
