//! Which neighbours of a strip become one row: two or more steps of one kind in a row, and short thoughts
//! between them where there are many. Edits never gather.

use std::collections::HashMap;

use super::figures::counted;
use super::html::Html;
use super::phrase;
use super::row::{Row, cmd};
use super::scene::Scene;
use super::signs;
use crate::session::model::{Outcome, Step, Tool};

/// So many short thoughts between steps of one kind go into the group with them.
const THOUGHTS: usize = 3;
/// Objects named in the row of a group.
const NAMES: usize = 8;

/// What a row is, to its neighbours.
pub(super) enum Nature {
    /// A step that may gather with its like.
    Step(Like),
    /// A thought that does not open, or nearly.
    ShortThought,
    /// Stands alone.
    Alone,
}

/// What steps must share to gather, and what the group says of this one.
pub(super) struct Like {
    /// Verb of the row.
    verb: String,
    /// `command`, `commands`.
    noun: (&'static str, &'static str),
    /// The object in a word or two.
    name: String,
    /// The same with its folder, for where two would have one name.
    longer: String,
    outcome: Ended,
    /// Success is said with a tick.
    ticks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Done,
    Failed,
    Declined,
    Open,
}

/// How `step` gathers.
pub(super) fn nature(step: &Step, running: bool) -> Nature {
    if running {
        return Nature::Alone;
    }
    let (verb, noun, name) = match &step.tool {
        Tool::Shell { command, .. } => {
            ("shell", ("command", "commands"), phrase::command_name(command.as_str()))
        }
        Tool::Read { path, .. } => ("read", ("file", "files"), phrase::base_name(path.as_str()).to_owned()),
        Tool::Find { verb, pattern, .. } => (*verb, ("search", "searches"), clip(pattern.as_str())),
        Tool::Fetch { url, .. } => {
            let host = phrase::host_and_path(url.as_str()).split('/').next().unwrap_or_default();
            ("fetch", ("page", "pages"), clip(host))
        }
        Tool::WebSearch { query, .. } => ("search", ("search", "searches"), clip(query.as_str())),
        Tool::Other { server, object, .. } => {
            let name = match (server, object) {
                (Some(_), _) => step.name.as_str().rsplit("__").next().unwrap_or_default(),
                (None, Some(object)) => object.as_str(),
                (None, None) => "",
            };
            (server.as_ref().unwrap_or(&step.name).as_str(), ("call", "calls"), clip(name))
        }
        Tool::Polled { command, .. } => ("polled", ("time", "times"), phrase::command_name(command.as_str())),
        Tool::Todo { change: Some(change), .. } if change.added => {
            ("todo", ("entry", "entries"), clip(change.text.as_str()))
        }
        Tool::TodoEntry { item, .. } => ("entry", ("entry", "entries"), clip(item.text.as_str())),
        Tool::Write { .. }
        | Tool::Edit { .. }
        | Tool::Todo { .. }
        | Tool::Plan { .. }
        | Tool::Question { .. }
        | Tool::Agent { .. } => return Nature::Alone,
    };
    let outcome = match step.outcome {
        Outcome::Done => Ended::Done,
        Outcome::Failed(_) => Ended::Failed,
        Outcome::Declined => Ended::Declined,
        Outcome::Open => Ended::Open,
    };
    let ticks = matches!(step.tool, Tool::Shell { .. } | Tool::Other { .. });
    let longer = match &step.tool {
        Tool::Read { path, .. } => phrase::base_and_folder(path.as_str()),
        _ => name.clone(),
    };
    Nature::Step(Like { verb: verb.to_owned(), noun, name, longer, outcome, ticks })
}

fn clip(text: &str) -> String {
    phrase::plain_line(text, 60)
}

/// The lengths of the runs `entries` fall into, in order: 1 for what stands alone.
fn runs(entries: &[(Row, Nature)]) -> Vec<usize> {
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some((_, nature)) = entries.get(at) {
        let run = match nature {
            Nature::Step(like) => run(like, entries.get(at + 1..).unwrap_or_default()),
            Nature::ShortThought | Nature::Alone => 1,
        };
        runs.push(run);
        at += run;
    }
    runs
}

/// The length of the run that a step like this opens, itself included.
fn run(like: &Like, rest: &[(Row, Nature)]) -> usize {
    let (mut end, mut straight, mut thoughts, mut pending) = (1, 1, 0, 0);
    for (i, (_, nature)) in rest.iter().enumerate() {
        match nature {
            Nature::Step(other) if other.verb == like.verb && other.noun == like.noun => {
                thoughts += pending;
                pending = 0;
                end = i + 2;
                if thoughts == 0 {
                    straight = end;
                }
            }
            Nature::ShortThought => pending += 1,
            Nature::Step(_) | Nature::Alone => break,
        }
    }
    if thoughts >= THOUGHTS { end } else { straight }
}

/// Appends the rows, gathered, as a strip.
pub(super) fn strip(html: &mut Html, scene: &Scene, entries: Vec<(Row, Nature)>) {
    if entries.is_empty() {
        return;
    }
    html.raw("<ul class=\"strip\">\n");
    let mut rest = entries.as_slice();
    for run in runs(&entries) {
        let (these, tail) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        match these {
            [(row, _)] => row.write(html, scene),
            _ => group(these, scene).write(html, scene),
        }
        rest = tail;
    }
    html.raw("</ul>\n");
}

fn group(entries: &[(Row, Nature)], scene: &Scene) -> Row {
    let mut group = Row { at: entries.first().and_then(|(row, _)| row.at), ..Row::default() };
    let likes: Vec<&Like> = entries
        .iter()
        .filter_map(|(_, nature)| match nature {
            Nature::Step(like) => Some(like),
            _ => None,
        })
        .collect();
    if let Some((row, _)) = entries.first() {
        group.verb = row.verb.clone();
        group.classes = std::iter::once("group").chain(row.classes.first().copied()).collect();
    }
    if let Some(like) = likes.first() {
        let many = counted(likes.len() as u64, like.noun.0, like.noun.1);
        group.what.raw("<span class=\"n\">").text(&many).raw("</span>");
    }
    group.what.html(&cmd(&names(&likes)));
    group.res = ended(&likes);
    let took: std::time::Duration = entries.iter().filter_map(|(row, _)| row.took).sum();
    group.took = Some(took);
    let mut body = Html::new();
    body.raw("<div class=\"nest\"><ul class=\"strip\">\n");
    for (row, _) in entries {
        row.write(&mut body, scene);
    }
    body.raw("</ul></div>");
    group.body = Some(body);
    group
}

/// The objects, each once, in order; with their folders where they would be told apart by nothing else.
fn names(likes: &[&Like]) -> String {
    let mut names: Vec<&str> = Vec::new();
    // Of each name the one longer that there is, if it is one.
    let mut longer: HashMap<&str, Option<&str>> = HashMap::new();
    for like in likes {
        let one = longer.entry(&like.name).or_insert(Some(&like.longer));
        *one = one.filter(|one| *one == like.longer);
    }
    for like in likes {
        let namesakes = longer.get(like.name.as_str()).is_some_and(Option::is_none);
        let name = if namesakes { &like.longer } else { &like.name };
        if !name.is_empty() && !names.contains(&name.as_str()) {
            names.push(name);
        }
        if names.len() > NAMES {
            break;
        }
    }
    let more = names.len() > NAMES;
    names.truncate(NAMES);
    let mut text = names.join(", ");
    if more {
        text.push_str(", …");
    }
    text
}

fn ended(likes: &[&Like]) -> Html {
    let count = |ended: Ended| likes.iter().filter(|like| like.outcome == ended).count() as u64;
    let mut html = Html::new();
    let (failed, declined) = (count(Ended::Failed), count(Ended::Declined));
    if failed > 0 {
        html.raw(signs::CROSS).raw("<span class=\"fail\">").num(failed).raw(" failed</span>");
    }
    if declined > 0 {
        html.raw("<span class=\"warn\">").num(declined).raw(" declined</span>");
    }
    if html.is_empty() && likes.iter().all(|like| like.ticks && like.outcome == Ended::Done) {
        html.raw(signs::OK);
    }
    html
}
