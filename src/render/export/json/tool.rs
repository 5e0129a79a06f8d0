//! What the forms of tools look like in JSON.

use serde::Serialize;

use super::views::{ItemView, inside, maybe, pairs};
use crate::redact::CleanText;
use crate::session::model::{Choice, DiffLine, FileDiff, Output, TodoState, Tool};

#[derive(Serialize)]
pub(super) struct OutputView<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<u64>,
}

pub(super) fn output(output: &Output) -> OutputView<'_> {
    let of_whole = |n: u64| output.cut().then_some(n);
    OutputView { text: output.text.as_str(), bytes: of_whole(output.bytes), lines: of_whole(output.lines) }
}

#[derive(Serialize)]
pub(super) struct DiffView<'a> {
    hunks: Vec<HunkView<'a>>,
    added: u64,
    removed: u64,
    omitted: u64,
}

#[derive(Serialize)]
struct HunkView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<(u64, u64)>,
    lines: Vec<LineView<'a>>,
}

/// Mark and text, written as one string.
struct LineView<'a>(char, &'a CleanText);

impl Serialize for LineView<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}{}", self.0, self.1))
    }
}

fn diff<'a>(diff: &'a FileDiff) -> DiffView<'a> {
    let line = |line: &'a DiffLine| match line {
        DiffLine::Same(text) => LineView(' ', text),
        DiffLine::Added(text) => LineView('+', text),
        DiffLine::Removed(text) => LineView('-', text),
    };
    let hunks = diff.hunks.iter();
    DiffView {
        hunks: hunks
            .map(|h| HunkView { start: h.start, lines: h.lines.iter().map(line).collect() })
            .collect(),
        added: diff.added,
        removed: diff.removed,
        omitted: diff.omitted,
    }
}

#[derive(Serialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub(super) enum ToolView<'a> {
    Shell {
        command: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        background: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<i32>,
        output: OutputView<'a>,
    },
    Read {
        path: &'a str,
        from: u64,
        content: OutputView<'a>,
    },
    Write {
        path: &'a str,
        created: bool,
        diff: DiffView<'a>,
    },
    Edit {
        path: &'a str,
        diff: DiffView<'a>,
    },
    Find {
        verb: &'static str,
        pattern: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        matches: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        files: Option<u64>,
        hits: OutputView<'a>,
    },
    Polled {
        command: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<i32>,
        output: OutputView<'a>,
    },
    Fetch {
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        asked: Option<&'a str>,
        content: OutputView<'a>,
    },
    WebSearch {
        query: &'a str,
        links: Vec<LinkView<'a>>,
        results: OutputView<'a>,
    },
    Todo {
        items: Vec<TodoView<'a>>,
    },
    TodoEntry {
        #[serde(flatten)]
        item: TodoView<'a>,
        about: OutputView<'a>,
    },
    Plan {
        text: &'a str,
    },
    Question {
        questions: Vec<QuestionView<'a>>,
    },
    Agent {
        description: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<&'a str>,
        prompt: &'a str,
        report: OutputView<'a>,
        items: Vec<ItemView<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tokens: Option<u64>,
    },
    Other {
        #[serde(skip_serializing_if = "Option::is_none")]
        server: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        object: Option<&'a str>,
        input: Vec<(&'a str, &'a str)>,
        output: OutputView<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct LinkView<'a> {
    title: &'a str,
    url: &'a str,
}

#[derive(Serialize)]
pub(super) struct TodoView<'a> {
    text: &'a str,
    state: &'static str,
}

#[derive(Serialize)]
pub(super) struct QuestionView<'a> {
    text: &'a str,
    options: Vec<OptionView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
}

#[derive(Serialize)]
struct OptionView<'a> {
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'a str>,
    picked: bool,
}

/// A tool, in an agent `depth` deep.
pub(super) fn tool(tool: &Tool, depth: usize) -> ToolView<'_> {
    match tool {
        Tool::Shell { command, description, background, exit, output: printed } => ToolView::Shell {
            command: command.as_str(),
            description: maybe(description),
            background: *background,
            exit: *exit,
            output: output(printed),
        },
        Tool::Read { path, from, content } => {
            ToolView::Read { path: path.as_str(), from: *from, content: output(content) }
        }
        Tool::Write { path, created, diff: change } => {
            ToolView::Write { path: path.as_str(), created: *created, diff: diff(change) }
        }
        Tool::Edit { path, diff: change } => ToolView::Edit { path: path.as_str(), diff: diff(change) },
        Tool::Find { verb, pattern, within, matches, files, hits } => ToolView::Find {
            verb,
            pattern: pattern.as_str(),
            within: maybe(within),
            matches: *matches,
            files: *files,
            hits: output(hits),
        },
        Tool::Polled { command, state, exit, output: printed } => ToolView::Polled {
            command: command.as_str(),
            state: maybe(state),
            exit: *exit,
            output: output(printed),
        },
        Tool::Fetch { url, asked, content } => {
            ToolView::Fetch { url: url.as_str(), asked: maybe(asked), content: output(content) }
        }
        Tool::WebSearch { query, links, results } => ToolView::WebSearch {
            query: query.as_str(),
            links: links
                .iter()
                .map(|link| LinkView { title: link.title.as_str(), url: link.url.as_str() })
                .collect(),
            results: output(results),
        },
        Tool::Todo { items, .. } => ToolView::Todo {
            items: items
                .iter()
                .map(|item| TodoView { text: item.text.as_str(), state: state(item.state) })
                .collect(),
        },
        Tool::TodoEntry { item, about } => ToolView::TodoEntry {
            item: TodoView { text: item.text.as_str(), state: state(item.state) },
            about: output(about),
        },
        Tool::Plan { text } => ToolView::Plan { text: text.as_str() },
        Tool::Question { questions } => ToolView::Question {
            questions: questions
                .iter()
                .map(|question| QuestionView {
                    text: question.text.as_str(),
                    options: question
                        .options
                        .iter()
                        .map(|Choice { text, about, picked }| OptionView {
                            text: text.as_str(),
                            about: maybe(about),
                            picked: *picked,
                        })
                        .collect(),
                    answer: maybe(&question.answer),
                })
                .collect(),
        },
        Tool::Agent { description, kind, prompt, report, items, tokens } => ToolView::Agent {
            description: description.as_str(),
            kind: maybe(kind),
            prompt: prompt.as_str(),
            report: output(report),
            items: inside(items, depth),
            tokens: *tokens,
        },
        Tool::Other { server, object, input, output: printed, .. } => ToolView::Other {
            server: maybe(server),
            object: maybe(object),
            input: pairs(input),
            output: output(printed),
        },
    }
}

fn state(state: TodoState) -> &'static str {
    match state {
        TodoState::Later => "later",
        TodoState::Doing => "doing",
        TodoState::Done => "done",
    }
}
