//! A session retold in plain lines, so that a test shows at a glance what a reader would see.

use crate::redact::Cleaner;
use crate::session::model::{Attachment, DiffLine, FileDiff, Item, Marker, Outcome, Output, Step, Tool};
use crate::session::tests::{file, turns};
use crate::session::{OpenError, Progress, Session, Source};

/// Opens bytes as a session and reads all of it.
pub(super) fn read(bytes: &[u8]) -> Result<Session, OpenError> {
    read_source(Source::from_file(file(bytes), None).unwrap())
}

/// Opens a source as a session and reads all of it.
pub(super) fn read_source(source: Source) -> Result<Session, OpenError> {
    let session = Session::open(source, Cleaner::new())?;
    while session.advance(1 << 16)? == Progress::More {}
    Ok(session)
}

/// The whole session: its header, then a line or some for each thing in it.
pub(super) fn retold(session: &Session) -> String {
    let overview = session.overview();
    let clean =
        |text: &Option<crate::redact::CleanText>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    let models: Vec<_> = overview.models.iter().map(|model| model.as_str()).collect();
    let mut out = vec![
        format!(
            "{} {} in {} on {}",
            overview.agent,
            clean(&overview.version),
            clean(&overview.project),
            clean(&overview.branch)
        ),
        format!(
            "title {:?}, models {models:?}, {} steps, {} of sub-agents",
            clean(&overview.title),
            overview.steps,
            overview.sub_steps
        ),
        format!("{:?}", overview.usage),
    ];
    for turn in turns(session) {
        if let Some(prompt) = &turn.prompt {
            out.push(format!("\n#p{} {:?}{}", turn.no, prompt.text.as_str(), pictures(&prompt.attachments)));
        }
        turn.items.iter().for_each(|item| tell(item, 1, &mut out));
    }
    out.join("\n")
}

fn pictures(attachments: &[Attachment]) -> String {
    attachments.iter().map(|a| format!(" [i{} {} {:?}]", a.no, a.media_type, a.size)).collect()
}

fn tell(item: &Item, depth: usize, out: &mut Vec<String>) {
    let line = match item {
        Item::Aside { no, how, prompt } => format!("aside {no} {how:?}: {:?}", prompt.text.as_str()),
        Item::Reply { text, .. } => format!("reply {:?}", text.as_str()),
        Item::Thinking { text, .. } => format!("thinking {:?}", text.as_str()),
        Item::Context { what, text } => format!("context {what}: {:?}", text.text.as_str()),
        Item::Unknown { what, fields } => {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("unknown {what}: {}", fields.join(", "))
        }
        Item::Marker(marker) => match marker {
            Marker::Compacted { before, after, summary, .. } => {
                let summary = summary.as_ref().map(|text| text.as_str());
                let to = after.map(|after| format!(" to {after}")).unwrap_or_default();
                format!("compacted from {before:?}{to}: {summary:?}")
            }
            Marker::Interrupted { .. } => "interrupted".to_owned(),
            Marker::ApiError { text, times: 1, .. } => format!("error {:?}", text.as_str()),
            Marker::ApiError { text, times, .. } => format!("error {:?}, {times} times", text.as_str()),
            Marker::Model { to } => format!("model {to}"),
            Marker::Local { command, output } => format!("local {command} -> {}", shown(output)),
        },
        Item::Image { file, .. } => format!("image{}", pictures(std::slice::from_ref(file))),
        Item::Step(step) => told_step(step),
    };
    out.push(format!("{}{line}", "  ".repeat(depth)));
    if let Item::Step(step) = item
        && let Tool::Agent { items, .. } = &step.tool
    {
        items.iter().for_each(|item| tell(item, depth + 1, out));
    }
}

fn told_step(step: &Step) -> String {
    let tool = match &step.tool {
        Tool::Shell { command, description, exit, output, .. } => {
            let why = description.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
            format!("$ {command}{why} exit {exit:?} -> {}", shown(output))
        }
        Tool::Read { path, from, content } => format!("read {path} from {from} -> {}", shown(content)),
        Tool::Write { path, created, diff } => format!("write {path} created {created} {}", changes(diff)),
        Tool::Edit { path, diff } => format!("edit {path} {}", changes(diff)),
        Tool::Find { verb, pattern, within, matches, files, hits } => {
            let within = within.as_ref().map(|w| w.as_str());
            let found = match (matches, files) {
                (None, None) => String::new(),
                found => format!(", found {found:?}"),
            };
            format!("{verb} {pattern} in {within:?}{found} -> {}", shown(hits))
        }
        Tool::Polled { command, output, .. } => format!("polled {command} -> {}", shown(output)),
        Tool::Fetch { url, content, .. } => format!("fetch {url} -> {}", shown(content)),
        Tool::WebSearch { query, links, results } => {
            let links: String = links.iter().map(|link| format!(" [{} {}]", link.title, link.url)).collect();
            format!("search {query}{links} -> {}", shown(results))
        }
        Tool::Todo { items, .. } => {
            let items: Vec<_> = items.iter().map(|item| format!("{:?} {}", item.state, item.text)).collect();
            format!("todo {}", items.join("; "))
        }
        Tool::TodoEntry { item, about } => {
            format!("entry {:?} {} -> {}", item.state, item.text, shown(about))
        }
        Tool::Plan { text } => format!("plan {:?}", text.as_str()),
        Tool::Question { questions } => format!("{} questions", questions.len()),
        Tool::Agent { description, prompt, report, .. } => {
            format!("agent {description}: {prompt} -> {}", shown(report))
        }
        Tool::Other { server, input, output, .. } => {
            let server = server.as_ref().map(|server| format!("{server}/")).unwrap_or_default();
            let input: Vec<_> = input.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("other {server}{{{}}} -> {}", input.join(", "), shown(output))
        }
    };
    let outcome = match &step.outcome {
        Outcome::Failed(text) => format!("Failed({:?})", text.as_str()),
        other => format!("{other:?}"),
    };
    let took = step.took.map(|took| format!(" in {took:?}")).unwrap_or_default();
    format!("s{} {} {:?} [{outcome}{took}] {tool}{}", step.no, step.name, step.kind, pictures(&step.images))
}

fn shown(output: &Output) -> String {
    format!("{:?}", output.text.as_str())
}

fn changes(diff: &FileDiff) -> String {
    let mut out = format!("+{} -{}", diff.added, diff.removed);
    for hunk in &diff.hunks {
        out.push_str(&format!(" @{:?}", hunk.start));
        for line in &hunk.lines {
            let (sign, text) = match line {
                DiffLine::Same(text) => (' ', text),
                DiffLine::Added(text) => ('+', text),
                DiffLine::Removed(text) => ('-', text),
            };
            out.push_str(&format!(" |{sign}{text}|"));
        }
    }
    out
}
