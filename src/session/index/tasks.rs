//! A todo list that is kept by calls of which each changes one entry. A call says neither the entry's text nor the
//! rest of the list, so both are kept here, as they were after each step.

use std::collections::HashMap;

use crate::redact::CleanText;
use crate::session::model::{Output, TodoChange, TodoItem, TodoState};

/// Most entries, and most changes, that are kept of one session.
const MOST: usize = 2_000;
/// Entries of a list that are told after each step, and bytes of all of them.
const TOLD: (usize, usize) = (200, Output::MAX);

/// An entry of the list.
#[derive(Debug)]
struct Task {
    /// The step that added it.
    step: u32,
    /// Hash of the id of that step's call.
    call: u64,
    /// Hash of its own id, which the result tells.
    id: Option<u64>,
    text: CleanText,
}

/// A change of one entry: its state, or `None` where it was deleted.
#[derive(Clone, Copy, Debug)]
struct Change {
    step: u32,
    id: u64,
    to: Option<TodoState>,
}

/// The list of one session, with its history.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    tasks: Vec<Task>,
    changes: Vec<Change>,
}

impl Tasks {
    /// Notes that `step`, by the call of this id, adds an entry.
    pub(crate) fn added(&mut self, step: u32, call: u64, text: CleanText) {
        if self.tasks.len() < MOST {
            self.tasks.push(Task { step, call, id: None, text });
        }
    }

    /// Notes the id of the entry that the call added.
    pub(crate) fn named(&mut self, call: u64, id: u64) {
        if let Some(task) = self.tasks.iter_mut().rev().find(|task| task.call == call) {
            task.id = Some(id);
        }
    }

    /// Notes that `step` changes an entry; `None` deletes it.
    pub(crate) fn changed(&mut self, step: u32, id: u64, to: Option<TodoState>) {
        if self.changes.len() < MOST {
            self.changes.push(Change { step, id, to });
        }
    }

    /// The list after `step`.
    pub(crate) fn after(&self, step: u32) -> Vec<TodoItem> {
        let changes = self.changes.iter().filter(|change| change.step <= step);
        let last: HashMap<u64, &Change> = changes.map(|change| (change.id, change)).collect();
        let item = |task: &Task| {
            let change = task.id.and_then(|id| last.get(&id)).filter(|change| change.step >= task.step);
            let state = change.map_or(Some(TodoState::Later), |change| change.to)?;
            Some(TodoItem { state, text: task.text.clone() })
        };
        let mut room = TOLD.1;
        let fits = |item: &TodoItem| {
            let before = room;
            room = room.saturating_sub(item.text.as_str().len());
            before > 0
        };
        let there = self.tasks.iter().filter(|task| task.step <= step);
        there.filter_map(item).take(TOLD.0).take_while(fits).collect()
    }

    /// The entry that `step` added.
    pub(crate) fn added_by(&self, step: u32, call: u64) -> Option<TodoChange> {
        let task = self.tasks.iter().find(|task| task.step == step && task.call == call)?;
        Some(TodoChange { to: Some(TodoState::Later), added: true, text: task.text.clone() })
    }

    /// The entry of this id as it is after `step`; `None` if nothing is known of it.
    pub(crate) fn entry(&self, step: u32, id: u64) -> Option<TodoChange> {
        let task = self.tasks.iter().rev().find(|task| task.id == Some(id) && task.step <= step)?;
        Some(TodoChange { to: self.state(task, step), added: false, text: task.text.clone() })
    }

    /// How far an entry is after `step`; `None` once it is deleted.
    fn state(&self, task: &Task, step: u32) -> Option<TodoState> {
        let of_it =
            |change: &&Change| Some(change.id) == task.id && (task.step..=step).contains(&change.step);
        self.changes.iter().rev().find(of_it).map_or(Some(TodoState::Later), |change| change.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Cleaner;

    fn shown(tasks: &Tasks, step: u32) -> Vec<(String, TodoState)> {
        tasks.after(step).into_iter().map(|item| (item.text.to_string(), item.state)).collect()
    }

    #[test]
    fn a_list_without_end_is_told_in_part() {
        let clean = |text: &str| Cleaner::new().text(text);
        let mut tasks = Tasks::default();
        (1..=MOST as u32).for_each(|step| tasks.added(step, u64::from(step), clean("chart")));
        assert_eq!(tasks.after(u32::MAX).len(), TOLD.0);
        let mut tasks = Tasks::default();
        (1..=MOST as u32).for_each(|step| tasks.added(step, u64::from(step), clean(&"chart".repeat(360))));
        assert_eq!(tasks.after(u32::MAX).len(), TOLD.1.div_ceil(1_800));
    }

    #[test]
    fn the_list_is_told_as_it_was_after_each_step() {
        let clean = |text| Cleaner::new().text(text);
        let mut tasks = Tasks::default();
        tasks.added(1, 11, clean("chart"));
        tasks.added(2, 12, clean("sound"));
        tasks.named(11, 1);
        tasks.named(12, 2);
        tasks.changed(3, 1, Some(TodoState::Doing));
        tasks.changed(4, 1, Some(TodoState::Done));
        tasks.changed(5, 2, None);
        let (chart, sound) = ("chart".to_owned(), "sound".to_owned());
        assert_eq!(shown(&tasks, 1), [(chart.clone(), TodoState::Later)]);
        assert_eq!(shown(&tasks, 3), [(chart.clone(), TodoState::Doing), (sound, TodoState::Later)]);
        assert_eq!(shown(&tasks, 5), [(chart, TodoState::Done)]);
        assert!(tasks.added_by(2, 12).is_some_and(|new| new.added && new.text.as_str() == "sound"));
        assert!(tasks.entry(5, 2).is_some_and(|gone| gone.to.is_none()));
        assert!(tasks.entry(1, 2).is_none() && tasks.entry(9, 7).is_none());
    }
}
