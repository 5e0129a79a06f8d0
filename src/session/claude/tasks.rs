//! The todo list that is kept by calls of which each changes one entry (`TaskCreate`, `TaskUpdate`), and read as a
//! whole by another (`TaskList`), or entry by entry (`TaskGet`).

use super::call::Call;
use crate::redact::Cleaner;
use crate::session::agent::Desk;
use crate::session::index::{Index, hash};
use crate::session::json::{self, Obj, RawValue};
use crate::session::model::{TodoChange, TodoItem, TodoState, Tool};

/// Characters of an entry.
const ENTRY: usize = 2_000;

/// The state that a word stands for.
pub(super) fn state(word: Option<&str>) -> TodoState {
    match word {
        Some("completed") => TodoState::Done,
        Some("in_progress") => TodoState::Doing,
        _ => TodoState::Later,
    }
}

/// What a change makes of an entry: `None` deletes it.
fn changed(word: &str) -> Option<TodoState> {
    (word != "deleted").then(|| state(Some(word)))
}

/// Notes what the call of this name and id, made by `step`, does to the list.
pub(super) fn note(
    index: &mut Index,
    step: u32,
    call: Option<&str>,
    name: &str,
    input: Option<RawValue<'_>>,
    cleaner: &Cleaner,
) {
    if !matches!(name, "TaskCreate" | "TaskUpdate") {
        return;
    }
    let Some(input) = input.and_then(Obj::of) else { return };
    if let Some(subject) = input.text("subject").filter(|_| name == "TaskCreate") {
        index.tasks.added(step, hash(call.unwrap_or_default()), cleaner.headline(&subject, ENTRY));
    } else if let (Some(id), Some(status)) = (input.text("taskId"), input.text("status")) {
        index.tasks.changed(step, hash(&id), changed(&status));
    }
}

/// Notes the entry that a result gives an id to: `Task #3 created successfully: …`.
pub(super) fn note_result(index: &mut Index, call: Option<&str>, content: Option<RawValue<'_>>) {
    let Some(content) = content.filter(|content| content.get().starts_with("\"Task #")) else { return };
    let text = json::text(content).unwrap_or_default();
    let id = text.strip_prefix("Task #").and_then(|rest| rest.split_once(" created successfully"));
    if let (Some(call), Some((id, _))) = (call, id) {
        index.tasks.named(hash(call), hash(id));
    }
}

/// The list after a call; `None` where nothing is known of its entry.
pub(super) fn listed(call: &Call<'_>, desk: &Desk<'_>) -> Option<Tool> {
    if call.outcome.failed() {
        return None;
    }
    if call.name == "TaskList" {
        let items = all(call.outcome.good_text(), desk);
        return (!items.is_empty()).then_some(Tool::Todo { items, change: None });
    }
    let tasks = &desk.index().tasks;
    let change = match call.input.text("taskId") {
        None => tasks.added_by(call.no, hash(call.id))?,
        Some(id) => {
            let mut entry = tasks.entry(call.no, hash(&id))?;
            if let Some(subject) = call.input.text("subject") {
                entry = TodoChange { text: desk.cleaner.headline(&subject, ENTRY), ..entry };
            }
            entry
        }
    };
    Some(Tool::Todo { items: tasks.after(call.no), change: Some(change) })
}

/// One entry that a call asked for: `Task #3: Sound the harbour`, `Status: in_progress`, and more lines of it.
pub(super) fn looked_at(call: &Call<'_>, desk: &Desk<'_>) -> Option<Tool> {
    let (first, rest) = call.outcome.good_text().split_once('\n')?;
    let (number, subject) = first.strip_prefix("Task #")?.split_once(": ")?;
    let (status, about) = rest.split_once('\n').unwrap_or((rest, ""));
    let word = status.strip_prefix("Status: ")?.trim();
    number.bytes().all(|b| b.is_ascii_digit()).then(|| Tool::TodoEntry {
        item: TodoItem { text: desk.cleaner.start(subject, ENTRY), state: state(Some(word)) },
        about: desk.text(about.strip_prefix("Description: ").unwrap_or(about)),
    })
}

/// The entries of a list in words: `#3 [in_progress] Sound the harbour`, one a line.
fn all(text: &str, desk: &Desk<'_>) -> Vec<TodoItem> {
    let entry = |line: &str| {
        let (number, rest) = line.trim().strip_prefix('#')?.split_once(" [")?;
        let (word, subject) = rest.split_once("] ")?;
        number
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| TodoItem { text: desk.cleaner.start(subject, ENTRY), state: state(Some(word)) })
    };
    text.lines().filter_map(entry).take(200).collect()
}
