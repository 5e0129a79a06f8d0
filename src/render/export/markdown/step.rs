//! A step as a line, and what is folded below it.

use super::text::{code, escaped, inline, prefixed, prose};
use super::{agent, block};
use crate::redact::CleanText;
use crate::render::{figures, phrase};
use crate::session::model::{
    Attachment, DiffLine, FileDiff, Hunk, Outcome, Output, Question, Step, TodoItem, TodoState, Tool,
};

/// Characters of a path, a command, a query in a line.
const OBJECT: usize = 120;
/// Characters of a name.
const NAME: usize = 60;
/// Characters of an entry of a list.
const ENTRY: usize = 400;

/// A run of a line. Texts of the session, as they are.
pub(super) enum Run {
    Strong(String),
    Code(String),
    Text(String),
}

/// What one line says, and the Markdown that is folded below it.
#[derive(Default)]
pub(super) struct Line {
    pub said: Vec<Run>,
    pub body: String,
}

impl Line {
    pub(super) fn new(name: &str, object: Run) -> Self {
        let empty = matches!(&object, Run::Code(text) | Run::Text(text) | Run::Strong(text) if text.trim().is_empty());
        let said = std::iter::once(Run::Strong(name.to_owned())).chain((!empty).then_some(object));
        Self { said: said.collect(), body: String::new() }
    }

    pub(super) fn with(mut self, run: Run) -> Self {
        self.said.push(run);
        self
    }

    /// The line where Markdown is read.
    pub(super) fn markdown(&self) -> String {
        let run = |run: &Run| match run {
            Run::Strong(text) => format!("**{}**", inline(text, NAME)),
            Run::Code(text) => code(text, OBJECT),
            Run::Text(text) => inline(text, OBJECT),
        };
        self.said.iter().map(run).collect::<Vec<_>>().join(" ")
    }

    /// The line inside a block of HTML.
    pub(super) fn html(&self) -> String {
        let run = |run: &Run| match run {
            Run::Strong(text) => format!("<b>{}</b>", escaped(text, NAME)),
            Run::Code(text) => format!("<code>{}</code>", escaped(text, OBJECT)),
            Run::Text(text) => escaped(text, OBJECT),
        };
        self.said.iter().map(run).collect::<Vec<_>>().join(" ")
    }
}

/// The line of a step.
pub(super) fn line(step: &Step, depth: usize) -> Line {
    let mut line = form(step, depth);
    if !step.beside.is_empty() {
        let body = std::mem::replace(&mut line.body, pairs(&step.beside));
        add(&mut line.body, &body);
    }
    match &step.outcome {
        Outcome::Done => {}
        Outcome::Declined => line.said.push(Run::Strong("declined".to_owned())),
        Outcome::Open => line.said.push(text("no result")),
        Outcome::Failed(error) => {
            let exit = match &step.tool {
                Tool::Shell { exit: Some(exit), .. } | Tool::Polled { exit: Some(exit), .. } => {
                    format!(" (exit {exit})")
                }
                _ => String::new(),
            };
            line.said.push(Run::Strong(format!("failed{exit}")));
            if !error.is_blank() {
                add(&mut line.body, &block(error.as_str(), "", 0));
            }
        }
    }
    for image in &step.images {
        add(&mut line.body, &format!("*{}*\n", attachment(image)));
    }
    line
}

fn form(step: &Step, depth: usize) -> Line {
    match &step.tool {
        Tool::Shell { command, description, output: out, .. } => {
            let mut line = Line::new("Run", mono(command));
            let whole = command.as_str().trim();
            if whole.contains('\n') || whole.chars().count() > OBJECT {
                line.body = block(whole, "sh", 0);
            }
            if let Some(description) = description.as_ref().filter(|text| !text.is_blank()) {
                line.said.push(Run::Text(format!("({})", description.as_str().trim())));
            }
            with_output(line, out, "")
        }
        Tool::Read { path, content, .. } => {
            let mut line = Line::new("Read", mono(path));
            if content.lines > 0 {
                line.said.push(text(&figures::counted(content.lines, "line", "lines")));
            }
            with_output(line, content, language(path.as_str()))
        }
        Tool::Write { path, created, diff } => {
            let line = Line::new(if *created { "Write new" } else { "Write" }, mono(path));
            changed(line, diff)
        }
        Tool::Edit { path, diff } => changed(Line::new("Edit", mono(path)), diff),
        Tool::Find { verb, pattern, within, matches, files, hits } => {
            let mut line = Line::new(verb, mono(pattern));
            if let Some(within) = within.as_ref().filter(|within| !within.is_blank()) {
                line = line.with(text("in")).with(mono(within));
            }
            let found = figures::found(*matches, *files);
            line.said.push(text(&found.unwrap_or_else(|| figures::counted(hits.lines, "line", "lines"))));
            with_output(line, hits, "")
        }
        Tool::Polled { command, state, output: out, .. } => {
            let mut line = Line::new("Output of", mono(command));
            line.said.extend(state.as_ref().map(|state| text(state.as_str())));
            with_output(line, out, "")
        }
        Tool::Fetch { url, asked, content } => {
            let mut line = Line::new("Fetch", mono(url));
            if let Some(asked) = asked.as_ref().filter(|asked| !asked.is_blank()) {
                line.body = prefixed(&prose(asked.as_str()), "> ");
            }
            with_output(line, content, "")
        }
        Tool::WebSearch { query, links, results } => {
            let mut line = Line::new("Search", text(query.as_str()));
            for link in links {
                line.body += &format!(
                    "- {}: {}\n",
                    inline(link.title.as_str(), ENTRY),
                    code(link.url.as_str(), ENTRY)
                );
            }
            with_output(line, results, "")
        }
        Tool::Todo { items, .. } => todo(items),
        Tool::TodoEntry { item, about } => {
            let body = todo(std::slice::from_ref(item)).body;
            with_output(Line { body, ..Line::new("Todo", text(item.text.as_str())) }, about, "")
        }
        Tool::Plan { text: plan } => {
            Line { body: prose(plan.as_str()), ..Line::new("Plan", text(plan.as_str())) }
        }
        Tool::Question { questions } => question(questions),
        Tool::Agent { description, prompt, report, items, .. } => {
            let what = if description.is_blank() { prompt } else { description };
            let body = agent(prompt.as_str(), items, report.text.as_str(), depth);
            Line { body, ..Line::new("Agent", text(what.as_str())) }
        }
        Tool::Other { object, input, output: out, .. } => {
            let object = object.as_ref().map(CleanText::as_str).unwrap_or_default();
            let mut line = Line::new(step.name.as_str(), text(object));
            line.body = pairs(input);
            with_output(line, out, "")
        }
    }
}

fn with_output(mut line: Line, out: &Output, language: &str) -> Line {
    if !out.text.is_blank() {
        add(&mut line.body, &output(out, language));
    }
    line
}

/// What was printed or read.
pub(super) fn output(out: &Output, language: &str) -> String {
    let shown = out.text.as_str().lines().count() as u64;
    let left_out = if out.cut() { out.lines.saturating_sub(shown).max(1) } else { 0 };
    block(out.text.as_str(), language, left_out)
}

fn changed(mut line: Line, diff: &FileDiff) -> Line {
    line.said.push(Run::Text(format!("+{} −{}", diff.added, diff.removed)));
    let mut lines = String::new();
    for hunk in &diff.hunks {
        lines += &head(hunk);
        for one in &hunk.lines {
            let (mark, one) = match one {
                DiffLine::Same(one) => (' ', one),
                DiffLine::Added(one) => ('+', one),
                DiffLine::Removed(one) => ('-', one),
            };
            lines.push(mark);
            lines += one.as_str();
            lines.push('\n');
        }
    }
    if !lines.is_empty() {
        add(&mut line.body, &block(&lines, "diff", diff.omitted));
    }
    line
}

/// The line before a place that changed, as `diff -u` writes it.
fn head(hunk: &Hunk) -> String {
    let Some((old, new)) = hunk.start else { return "@@ @@\n".to_owned() };
    let without = |not: fn(&DiffLine) -> bool| hunk.lines.iter().filter(|line| !not(line)).count();
    let old_lines = without(|line| matches!(line, DiffLine::Added(_)));
    let new_lines = without(|line| matches!(line, DiffLine::Removed(_)));
    // A side without lines is named by the line before it.
    let (old, new) =
        (old.saturating_sub(u64::from(old_lines == 0)), new.saturating_sub(u64::from(new_lines == 0)));
    format!("@@ -{old},{old_lines} +{new},{new_lines} @@\n")
}

fn todo(items: &[TodoItem]) -> Line {
    let done = items.iter().filter(|item| item.state == TodoState::Done).count();
    let mut body = String::new();
    for item in items {
        let (mark, doing) = match item.state {
            TodoState::Done => ("x", ""),
            TodoState::Doing => (" ", " *(being done)*"),
            TodoState::Later => (" ", ""),
        };
        body += &format!("- [{mark}] {}{doing}\n", inline(item.text.as_str(), ENTRY));
    }
    Line { body, ..Line::new("Todo", Run::Text(format!("{done} of {} done", items.len()))) }
}

fn question(questions: &[Question]) -> Line {
    let mut body = String::new();
    for question in questions {
        body += &format!("{}\n\n", inline(question.text.as_str(), ENTRY));
        for option in &question.options {
            let mark = if option.picked { "x" } else { " " };
            let about = option.about.as_ref().map(|about| format!(": {}", inline(about.as_str(), ENTRY)));
            let text = inline(option.text.as_str(), ENTRY);
            body += &format!("- [{mark}] {text}{}\n", about.unwrap_or_default());
        }
        if let Some(answer) = question.answer.as_ref().filter(|answer| !answer.is_blank()) {
            body += &format!("\n{}", prefixed(&prose(answer.as_str()), "> "));
        }
        body.push('\n');
    }
    let first = questions.first().map(|question| question.text.as_str()).unwrap_or_default();
    Line { body, ..Line::new("Question", text(first)) }
}

/// `key: value`, one a line, in a fence.
pub(super) fn pairs(pairs: &[(CleanText, CleanText)]) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    block(&lines.join("\n"), "", 0)
}

/// What an attachment is: its bytes are not in the file.
pub(super) fn attachment(file: &Attachment) -> String {
    let what =
        file.media_type.strip_prefix("image/").map_or("Document".to_owned(), |kind| format!("Image, {kind}"));
    let size = file.size.map(|(width, height)| format!(", {width} × {height}")).unwrap_or_default();
    format!("{what}{size}, {}", figures::bytes(file.bytes))
}

fn mono(of: &CleanText) -> Run {
    Run::Code(of.as_str().to_owned())
}

fn text(text: &str) -> Run {
    Run::Text(text.to_owned())
}

fn add(body: &mut String, part: &str) {
    if !body.is_empty() {
        body.push('\n');
    }
    body.push_str(part);
}

/// The name of a language as fences take it: the extension, where it is a plain word.
fn language(path: &str) -> &str {
    let name = phrase::base_name(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let plain = extension.len() <= 8 && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain { extension } else { "" }
}
