//! Diffs of edits and writes: from the record where it has them (with true line numbers), else computed.

use super::call::Call;
use crate::session::agent::Desk;
use crate::session::diff::{Raw, Tag, cleaned, compared};
use crate::session::json::{self, Obj};
use crate::session::model::FileDiff;

/// What an `Edit` or `MultiEdit` changed.
pub(super) fn edit(call: &Call<'_>, desk: &Desk<'_>) -> FileDiff {
    let recorded = patch(call);
    if !recorded.is_empty() {
        return cleaned(recorded, desk);
    }
    let edits = call.input.list("edits");
    let single = edits.is_empty().then(|| call.input.clone());
    let edits = edits.into_iter().filter_map(Obj::of).chain(single);
    let hunks = edits.flat_map(|edit| {
        let text = |key: &str| edit.text(key).unwrap_or_default();
        compared(&text("old_string"), &text("new_string"))
    });
    cleaned(hunks.collect(), desk)
}

/// Whether a `Write` made the file, and what it changed.
pub(super) fn write(call: &Call<'_>, desk: &Desk<'_>) -> (bool, FileDiff) {
    let extra = call.outcome.extra();
    let kind = extra.and_then(|extra| extra.text("type"));
    let created = match kind.as_deref() {
        Some(kind) => kind == "create",
        None => call.outcome.good_text().starts_with("File created"),
    };
    let content = call.input.text("content").unwrap_or_default();
    let recorded = patch(call);
    let before = extra.and_then(|extra| extra.text("originalFile"));
    let hunks = match (created, before) {
        (false, _) if !recorded.is_empty() => recorded,
        (false, Some(before)) => compared(&before, &content),
        (created, _) => {
            vec![Raw::all(Tag::Added, &content, created.then_some((1, 1)))]
        }
    };
    (created, cleaned(hunks, desk))
}

/// The patch in the record.
fn patch(call: &Call<'_>) -> Vec<Raw> {
    let hunks = call.outcome.extra().map(|extra| extra.list("structuredPatch")).unwrap_or_default();
    hunks.into_iter().filter_map(Obj::of).map(|hunk| recorded(&hunk)).collect()
}

fn recorded(hunk: &Obj<'_>) -> Raw {
    let start = hunk.number("oldStart").zip(hunk.number("newStart"));
    let line = |line: &str| {
        let rest = || line.chars().skip(1).collect();
        match line.chars().next() {
            Some('+') => Some((Tag::Added, rest())),
            Some('-') => Some((Tag::Removed, rest())),
            // `\ No newline at end of file`
            Some('\\') => None,
            _ => Some((Tag::Same, rest())),
        }
    };
    let lines = hunk.list("lines").into_iter().filter_map(json::text).filter_map(|l| line(&l)).collect();
    Raw { start, lines }
}
