//! No word of what a tool was given is lost: every string of every input stands in the step, as its own page shows
//! it. What is left out is listed, with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::corpus::files;
use super::retold::read_source;
use crate::redact::Cleaner;
use crate::session::model::Item;
use crate::session::tests::items;
use crate::session::{Session, Source};

/// What is not shown of inputs as it stands: tool (`*`: any) and field.
const LEFT_OUT: &[(&str, &str)] = &[
    // The form that a result takes shows which it is.
    ("Grep", "output_mode"),
    // A sign before the entry.
    ("TodoWrite", "todos.status"),
    ("TaskUpdate", "status"),
    ("update_plan", "plan.status"),
    // Says what the entry says, for while it is being done.
    ("TodoWrite", "todos.activeForm"),
    ("TaskCreate", "activeForm"),
    // A label of the question, for a tab of the terminal.
    ("AskUserQuestion", "questions.header"),
    // Lines that are the same before and after, and far from any that changed.
    ("Edit", "old_string"),
    ("Edit", "new_string"),
];

/// Records that speak of calls and make none: the tools there are, and copies of what sub-agents did.
const NO_CALLS: [&str; 2] = ["llm.tools_snapshot", "progress"];

/// The calls in a record: name and input, wherever they stand.
fn calls(value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| calls(value, found)),
        Value::Object(object) => {
            let name = ["name", "toolName", "tool"].iter().find_map(|key| object.get(*key)?.as_str());
            let input = ["input", "arguments", "args", "parameters"].iter().find_map(|key| object.get(*key));
            let input = input.or_else(|| object.get("state")?.get("input"));
            if let (Some(name), Some(input)) = (name, input) {
                let parsed = input.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
                found.push((
                    name.to_owned(),
                    parsed.filter(Value::is_object).unwrap_or_else(|| input.clone()),
                ));
                return;
            }
            object.values().for_each(|value| calls(value, found));
        }
        _ => {}
    }
}

/// The strings of an input, with the fields they stand in.
fn strings(value: &Value, field: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((field.to_owned(), text.clone())),
        Value::Array(all) => all.iter().for_each(|value| strings(value, field, found)),
        Value::Object(object) => object.iter().for_each(|(key, value)| {
            let path = if field.is_empty() { key.clone() } else { format!("{field}.{key}") };
            strings(value, &path, found);
        }),
        _ => {}
    }
}

/// All that the pages of the steps show, and the blocks nobody knows.
fn shown(session: &Session) -> String {
    let unknown = items(session).into_iter().filter(|item| matches!(item, Item::Unknown { .. }));
    let unknown: String = unknown.map(|item| format!("{item:?}")).collect();
    (1..=session.overview().steps).map(|no| format!("{:?}", session.step(no).unwrap())).collect::<String>()
        + &unknown
}

/// Whether a line of an input stands in what is `shown`; `patch`: it may be a line of a patch.
fn stands_in(shown: &str, line: &str, patch: bool) -> bool {
    let escaped = |text: &str| {
        let quoted = format!("{text:?}");
        quoted[1..quoted.len() - 1].to_owned()
    };
    // A path inside the working folder is shown from there.
    let inside = |path: &str| {
        let below = |(at, _)| shown.contains(&format!("\"{}\"", escaped(&path[at + 1..])));
        path.starts_with('/') && path.match_indices('/').any(below)
    };
    let line = match line.split_once(' ') {
        Some(("***", rest)) if patch => rest.split_once(": ").map_or("", |(_, path)| path),
        _ if patch && line.starts_with("@@") => "",
        // The command that takes it, and the word that ends it.
        _ if patch && (line.starts_with("apply_patch") || matches!(line, "PATCH" | "EOF")) => "",
        _ if patch => line.strip_prefix(['+', '-']).unwrap_or(line).trim(),
        _ => line.strip_prefix("./").unwrap_or(line),
    };
    line.is_empty() || shown.contains(&escaped(line)) || inside(line)
}

/// The working folders a record names: a path that is one of them is shown as `.`, or not at all.
fn folders(value: &Value, found: &mut BTreeSet<String>) {
    if let Value::Object(object) = value {
        found.extend(object.get("cwd").and_then(Value::as_str).map(str::to_owned));
        object.values().for_each(|value| folders(value, found));
    }
}

#[test]
fn every_string_of_an_input_is_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cleaner = Cleaner::new();
    let mut lost: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut compared = 0;
    for folder in ["target/corpus", "tests/fixtures", "examples"] {
        for path in files(&root.join(folder)) {
            if path.extension().is_some_and(|e| e == "md") {
                continue;
            }
            let Ok(session) = Source::open(&path).and_then(read_source) else { continue };
            let shown = shown(&session);
            let (mut found, mut roots) = (Vec::new(), BTreeSet::new());
            let bytes = std::fs::read(&path).unwrap();
            for record in
                serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>().map_while(Result::ok)
            {
                folders(&record, &mut roots);
                let calls_none = record["type"].as_str().is_some_and(|kind| NO_CALLS.contains(&kind));
                if !calls_none && record["isSidechain"] != true {
                    calls(&record, &mut found);
                }
            }
            for (tool, input) in found {
                let mut texts = Vec::new();
                strings(&input, "", &mut texts);
                for (field, text) in texts {
                    if LEFT_OUT.iter().any(|(of, left)| (*of == "*" || *of == tool) && *left == field) {
                        continue;
                    }
                    let clean = cleaner.text(&text);
                    // How a script is handed to a shell: the script alone is shown.
                    if tool == "shell" && ["bash", "-lc", "-c"].contains(&text.as_str()) {
                        continue;
                    }
                    for line in clean.as_str().lines().map(str::trim).filter(|line| !line.is_empty()) {
                        compared += 1;
                        let patch = field.is_empty() || text.contains("*** Begin Patch");
                        if !roots.contains(line) && !stands_in(&shown, line, patch) {
                            let name = path.file_name().unwrap().to_string_lossy();
                            let example = format!("{line:.60} ({name})");
                            lost.entry(format!("{} {tool} {field}", session.agent()))
                                .or_insert((0, example))
                                .0 += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(compared > 100, "{compared} lines");
}
