//! Markdown that reads well in a pull request: prompts are headings, replies stand as they are, each step is
//! a line of a list with its details folded below it.

mod step;
mod text;

use std::io::Write;

use super::{ExportError, Whole};
use crate::render::{figures, header};
use crate::session::model::{AsideHow, Item, Marker, Overview, Prompt, Turn};
use step::{Line, Run, line};
use text::{code, fenced, inline, prefixed, prose};

/// Characters of a heading.
const HEADING: usize = 100;
/// Characters of a name: of a project, a branch, a model.
const NAME: usize = 80;
/// How deep sub-agents inside sub-agents are shown.
const DEEPEST: usize = 6;

pub(super) fn write(source: &Whole<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    out.write_all(head(&source.overview).as_bytes())?;
    source.windows(|window| {
        for turn in &window.turns {
            out.write_all(self::turn(turn).as_bytes())?;
        }
        Ok(())
    })
}

/// Title and facts.
fn head(overview: &Overview) -> String {
    let mut facts = vec![overview.agent.to_owned()];
    if let Some(version) = &overview.version {
        facts.push(inline(version.as_str(), NAME));
    }
    let project = overview.project.as_ref().map(|project| inline(project.as_str(), NAME));
    let branch = overview.branch.as_ref().map(|branch| code(branch.as_str(), NAME));
    facts.extend(match (project, branch) {
        (Some(project), Some(branch)) => Some(format!("{project} on {branch}")),
        (project, branch) => project.or(branch),
    });
    facts.extend(overview.models.iter().take(3).map(|model| inline(model.as_str(), NAME)));
    facts.extend(overview.started.map(figures::day));
    let prompts = overview.outline.iter().filter(|entry| entry.no > 0).count() as u64;
    facts.push(figures::counted(prompts, "prompt", "prompts"));
    facts.push(figures::counted(overview.steps.into(), "step", "steps"));
    format!("# {}\n\n{}\n", inline(&header::title(overview, None), HEADING * 2), facts.join(" · "))
}

fn turn(turn: &Turn) -> String {
    let mut out = String::new();
    match &turn.prompt {
        Some(prompt) => out += &self::prompt(turn.no, prompt),
        None if turn.no == 0 && !turn.continued => out += "\n## Before the first prompt\n",
        None => {}
    }
    out += &items(&turn.items, 0);
    out
}

fn prompt(no: u32, prompt: &Prompt) -> String {
    if let Some(command) = &prompt.command {
        let mut out = format!("\n## {no}. {}\n", code(command.as_str(), HEADING));
        if !prompt.text.is_blank() {
            out += &format!("\n{}", folded("", "What it stands for", &prose(prompt.text.as_str())));
        }
        return out + &attachments(prompt);
    }
    let text = prompt.text.as_str().trim();
    let heading = inline(text, HEADING);
    let mut out =
        format!("\n## {no}. {}\n", if heading.is_empty() { "(nothing but attachments)" } else { &heading });
    // A heading is one line without markup; what is more than that stands below it.
    if text.contains('\n') || heading != text {
        out += &format!("\n{}", prefixed(&prose(text), "> "));
    }
    out + &attachments(prompt)
}

fn attachments(prompt: &Prompt) -> String {
    prompt.attachments.iter().map(|file| format!("\n*{}*\n", step::attachment(file))).collect()
}

/// Items at the margin (`depth` 0), or of a sub-agent.
fn items(items: &[Item], depth: usize) -> String {
    let mut out = String::new();
    let mut in_list = false;
    for item in items {
        let (block, listed) = match item {
            Item::Reply { text, .. } if text.is_blank() => continue,
            Item::Reply { text, .. } => (prose(text.as_str()), false),
            Item::Thinking { text, .. } if text.is_blank() => continue,
            Item::Thinking { text, .. } => (thought(text.as_str()), true),
            Item::Image { file, .. } => (format!("*{}*\n", step::attachment(file)), false),
            Item::Step(step) => (listed(&line(step, depth)), true),
            Item::Aside { how, prompt, .. } => (aside(*how, prompt), false),
            Item::Marker(marker) => self::marker(marker),
            Item::Context { what, text } => {
                let what = Run::Text(what.as_str().to_owned());
                (listed(&Line { body: step::output(text, ""), ..Line::new("Context", what) }), true)
            }
            Item::Unknown { what, fields } => {
                let what = Run::Text(what.as_str().to_owned());
                (listed(&Line { body: step::pairs(fields), ..Line::new("Unknown", what) }), true)
            }
        };
        if !(listed && in_list) {
            out.push('\n');
        }
        out += &block;
        in_list = listed;
    }
    out
}

fn thought(text: &str) -> String {
    let long = text.trim().contains('\n') || text.chars().count() > HEADING;
    let body = if long { prose(text) } else { String::new() };
    let line = Line { body, ..Line::new("Thought", Run::Text(text.to_owned())) };
    listed(&line)
}

fn aside(how: AsideHow, prompt: &Prompt) -> String {
    let how = match how {
        AsideHow::Queued => "Added while it worked",
        AsideHow::Declining => "Declined the step",
    };
    let said = prompt
        .command
        .as_ref()
        .map_or_else(|| prose(prompt.text.as_str()), |command| code(command.as_str(), HEADING));
    prefixed(&format!("**{how}**\n\n{said}"), "> ") + &attachments(prompt)
}

fn marker(marker: &Marker) -> (String, bool) {
    match marker {
        Marker::Compacted { before, after, summary, .. } => {
            let said = match figures::shrunk(*before, *after) {
                Some(shrunk) => format!("Context compacted {shrunk}"),
                None => "Context compacted".to_owned(),
            };
            match summary.as_ref().filter(|summary| !summary.is_blank()) {
                Some(summary) => (folded("", &said, &prose(summary.as_str())), false),
                None => (format!("*{said}*\n"), false),
            }
        }
        Marker::Interrupted { .. } => ("*Interrupted*\n".to_owned(), false),
        Marker::ApiError { at, text, times, until } => {
            let said = inline(text.as_str(), 4 * HEADING);
            let tried = figures::tried(*times, *at, *until).map(|tried| format!(", {tried}"));
            (format!("*The model did not answer: {said}{}*\n", tried.unwrap_or_default()), false)
        }
        Marker::Model { to } => (format!("*{} from here on*\n", inline(to.as_str(), NAME)), false),
        Marker::Local { command, output } => {
            let body = if output.text.is_blank() { String::new() } else { step::output(output, "") };
            let line = Line { body, ..Line::new("Local", Run::Code(command.as_str().to_owned())) };
            (listed(&line), true)
        }
    }
}

/// An entry of a list; what it holds is folded and belongs to it.
fn listed(line: &Line) -> String {
    if line.body.trim().is_empty() {
        return format!("- {}\n", line.markdown());
    }
    let block = folded("  ", &line.html(), &line.body);
    format!("- {}", block.trim_start())
}

/// A fold: `said` is HTML, `body` Markdown with blank lines around it, all of it after `indent`.
fn folded(indent: &str, said: &str, body: &str) -> String {
    let body = prefixed(body.trim_matches('\n'), indent);
    format!("{indent}<details><summary>{said}</summary>\n\n{body}\n{indent}</details>\n")
}

/// The prompt of a sub-agent, what it did, and its report.
fn agent(brief: &str, did: &[Item], report: &str, depth: usize) -> String {
    let mut out = String::new();
    if !brief.trim().is_empty() {
        out += &prefixed(&prose(brief), "> ");
    }
    if depth < DEEPEST {
        out += &items(did, depth + 1);
    } else if !did.is_empty() {
        out += &format!("\n*{} inside are not shown*\n", figures::counted(did.len() as u64, "item", "items"));
    }
    // Often its last words are its report: they are said once.
    let said = matches!(did.last(), Some(Item::Reply { text, .. }) if text.as_str().trim() == report.trim());
    if !said && !report.trim().is_empty() {
        out += &format!("\n{}", prose(report));
    }
    out
}

/// Lines of a text in a fence, and what is left out of it.
fn block(text: &str, language: &str, left_out: u64) -> String {
    let mut out = fenced(text, language);
    if left_out > 0 {
        out += &format!("\n*{}, not shown*\n", figures::counted(left_out, "more line", "more lines"));
    }
    out
}
