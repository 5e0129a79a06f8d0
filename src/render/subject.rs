//! What a step was done to, in a few plain words: for titles, where no row is shown.

use std::collections::HashMap;

use super::phrase::{base_and_folder, host_and_path, plain_line};
use crate::session::model::{Item, Step, Tool, Window};

/// Characters of it.
const LONGEST: usize = 80;

/// The steps of the main agent in a window, by their numbers: `Read src/main.rs`, `Bash cargo test`.
pub(super) fn of_steps(window: &Window) -> HashMap<u32, String> {
    let items = window.turns.iter().flat_map(|turn| &turn.items);
    let step = |item: &Item| if let Item::Step(step) = item { Some((step.no, of(step))) } else { None };
    items.filter_map(step).collect()
}

fn of(step: &Step) -> String {
    let (verb, object) = match &step.tool {
        Tool::Shell { command, .. } | Tool::Polled { command, .. } => ("Bash", command.as_str().to_owned()),
        Tool::Read { path, .. } => ("Read", base_and_folder(path.as_str())),
        Tool::Write { path, .. } => ("Write", base_and_folder(path.as_str())),
        Tool::Edit { path, .. } => ("Edit", base_and_folder(path.as_str())),
        Tool::Find { verb, pattern, .. } => (*verb, pattern.as_str().to_owned()),
        Tool::Fetch { url, .. } => ("Fetch", host_and_path(url.as_str()).to_owned()),
        Tool::WebSearch { query, .. } => ("Search", query.as_str().to_owned()),
        Tool::Agent { description, .. } => ("Agent", description.as_str().to_owned()),
        Tool::Other { object: Some(object), .. } => (step.name.as_str(), object.as_str().to_owned()),
        _ => (step.name.as_str(), String::new()),
    };
    plain_line(&format!("{verb} {object}"), LONGEST)
}
