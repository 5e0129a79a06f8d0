//! The texts of a window by the blocks they stand in, for searching.

use crate::render::anchor::Anchors;
use crate::render::html::Html;
use crate::render::phrase;
use crate::session::model::{DiffLine, FileDiff, Item, Marker, Outcome, Prompt, Step, Tool, Window};

/// A block one can link to.
pub(super) struct Block<'a> {
    pub id: String,
    pub what: Html,
    pub texts: Vec<&'a str>,
}

/// How deep agents inside agents are looked into.
const DEEPEST: usize = 6;

/// All blocks of `window` that say something, in order. What has no address of its own is found at the step before
/// it, or at its prompt.
pub(super) fn blocks(window: &Window) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    for turn in &window.turns {
        let id = format!("p{}", turn.no);
        if let Some(prompt) = &turn.prompt {
            let mut what = Html::new();
            what.raw("Prompt ").num(turn.no);
            found.push(Block { id: id.clone(), what, texts: said(prompt) });
        }
        // The window of a turn that goes on does not hold its prompt.
        let first = if turn.continued { first_step(&turn.items) } else { None };
        items(&mut found, &first.unwrap_or(id), "", Anchors::of(turn, window.no), &turn.items, 0);
    }
    found
}

fn first_step(items: &[Item]) -> Option<String> {
    items.iter().find_map(|item| match item {
        Item::Step(step) => Some(format!("s{}", step.no)),
        Item::Aside { no, .. } => Some(format!("a{no}")),
        _ => None,
    })
}

fn said(prompt: &Prompt) -> Vec<&str> {
    prompt.command.iter().chain([&prompt.text]).map(|text| text.as_str()).collect()
}

fn items<'a>(
    found: &mut Vec<Block<'a>>,
    first: &str,
    under: &str,
    mut anchors: Anchors,
    items: &'a [Item],
    depth: usize,
) {
    let mut near = first.to_owned();
    for item in items {
        let mut here = |what: &'static str, texts| {
            found.push(Block { id: near.clone(), what: Html::of(what), texts });
        };
        match item {
            Item::Reply { text, .. } => {
                let id = anchors.reply();
                found.push(Block { id, what: Html::of("Reply"), texts: vec![text.as_str()] });
            }
            Item::Image { .. } => {}
            Item::Thinking { text, .. } if text.is_blank() => {}
            Item::Thinking { text, .. } => {
                let id = anchors.thought();
                found.push(Block { id, what: Html::of("Thought"), texts: vec![text.as_str()] });
            }
            Item::Context { text, .. } => here("Context", vec![text.text.as_str()]),
            Item::Marker(Marker::Compacted { summary: Some(summary), .. }) => {
                here("Summary", vec![summary.as_str()])
            }
            Item::Marker(Marker::ApiError { text, .. }) => here("Error", vec![text.as_str()]),
            Item::Marker(Marker::Local { command, output }) => {
                here("Local", vec![command.as_str(), output.text.as_str()]);
            }
            Item::Marker(_) => {}
            Item::Unknown { fields, .. } => {
                here("Unknown", fields.iter().map(|(_, value)| value.as_str()).collect());
            }
            Item::Aside { no, prompt, .. } => {
                near = format!("a{no}");
                anchors = Anchors::after(near.clone());
                found.push(Block { id: near.clone(), what: Html::of("Aside"), texts: said(prompt) });
            }
            Item::Step(step) => {
                near =
                    if under.is_empty() { format!("s{}", step.no) } else { format!("{under}.{}", step.no) };
                anchors = Anchors::after(near.clone());
                self::step(found, &near, step, depth);
            }
        }
    }
}

fn step<'a>(found: &mut Vec<Block<'a>>, id: &str, step: &'a Step, depth: usize) {
    let mut texts = vec![step.name.as_str()];
    if let Outcome::Failed(text) = &step.outcome {
        texts.push(text.as_str());
    }
    tool(&mut texts, &step.tool);
    texts.extend(step.beside.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]));
    let what = Html::of(&phrase::one_line(step.name.as_str(), 40));
    found.push(Block { id: id.to_owned(), what, texts });
    if let Tool::Agent { items, .. } = &step.tool
        && depth < DEEPEST
    {
        self::items(found, id, id, Anchors::inside(id), items, depth + 1);
    }
}

fn tool<'a>(texts: &mut Vec<&'a str>, tool: &'a Tool) {
    match tool {
        Tool::Shell { command, description, output, .. } => {
            texts.push(command.as_str());
            texts.extend(description.iter().map(|text| text.as_str()));
            texts.push(output.text.as_str());
        }
        Tool::Read { path, content, .. } => texts.extend([path.as_str(), content.text.as_str()]),
        Tool::Write { path, diff, .. } | Tool::Edit { path, diff } => {
            texts.push(path.as_str());
            texts.extend(lines(diff));
        }
        Tool::Find { pattern, within, hits, .. } => {
            texts.push(pattern.as_str());
            texts.extend(within.iter().map(|text| text.as_str()));
            texts.push(hits.text.as_str());
        }
        Tool::Polled { command, output, .. } => texts.extend([command.as_str(), output.text.as_str()]),
        Tool::Fetch { url, asked, content } => {
            texts.push(url.as_str());
            texts.extend(asked.iter().map(|text| text.as_str()));
            texts.push(content.text.as_str());
        }
        Tool::WebSearch { query, links, results } => {
            texts.push(query.as_str());
            texts.extend(links.iter().flat_map(|link| [link.title.as_str(), link.url.as_str()]));
            texts.push(results.text.as_str());
        }
        Tool::Todo { items, .. } => texts.extend(items.iter().map(|item| item.text.as_str())),
        Tool::TodoEntry { item, about } => texts.extend([item.text.as_str(), about.text.as_str()]),
        Tool::Plan { text } => texts.push(text.as_str()),
        Tool::Question { questions } => {
            for question in questions {
                texts.push(question.text.as_str());
                texts.extend(
                    question
                        .options
                        .iter()
                        .flat_map(|o| [Some(&o.text), o.about.as_ref()])
                        .flatten()
                        .map(|text| text.as_str()),
                );
                texts.extend(question.answer.iter().map(|text| text.as_str()));
            }
        }
        Tool::Agent { description, prompt, report, .. } => {
            texts.extend([description.as_str(), prompt.as_str(), report.text.as_str()]);
        }
        Tool::Other { input, output, .. } => {
            texts.extend(input.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]));
            texts.push(output.text.as_str());
        }
    }
}

fn lines(diff: &FileDiff) -> impl Iterator<Item = &str> {
    diff.hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| match line {
        DiffLine::Same(text) | DiffLine::Added(text) | DiffLine::Removed(text) => text.as_str(),
    })
}
