//! Diffs of edits and writes: from the record where it has them (with true line numbers), else computed.

use super::call::Call;
use crate::session::agent::Desk;
use crate::session::diff::{Raw, Tag, cleaned, compared};
use crate::session::json::{self, Obj};
use crate::session::model::FileDiff;
use crate::session::words::words;

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

/// What a `NotebookEdit` changed in the source of its cell. Lines are not counted: those of a notebook's JSON would
/// tell a reader nothing.
pub(super) fn notebook(call: &Call<'_>, desk: &Desk<'_>) -> FileDiff {
    let new = call.input.text("new_source").unwrap_or_default();
    let old = call.outcome.extra().and_then(|extra| before(&call.input, extra)).unwrap_or_default();
    let hunks = match call.input.text("edit_mode").as_deref() {
        Some("insert") => compared("", &new),
        Some("delete") => compared(&old, ""),
        _ => compared(&old, &new),
    };
    cleaned(hunks, desk)
}

/// The source that a notebook's cell had before it was edited. Without an id, the number is the cell's.
fn before(input: &Obj<'_>, extra: &Obj<'_>) -> Option<String> {
    let notebook = extra.text("original_file")?;
    let (notebook, _) = json::first::<Obj<'_>>(&notebook)?;
    let wanted = input.text("cell_id").or_else(|| extra.text("cell_id"));
    let by_number = || match wanted.as_deref().and_then(|id| id.strip_prefix("cell-")) {
        Some(number) => number.parse::<usize>().ok(),
        None => input.number("cell_number").and_then(|number| usize::try_from(number).ok()),
    };
    let cells: Vec<Obj<'_>> = notebook.list("cells").into_iter().filter_map(Obj::of).collect();
    let is_it = |cell: &&Obj<'_>| wanted.is_some() && cell.text("id") == wanted;
    let source = cells.iter().find(is_it).or_else(|| cells.get(by_number()?))?.raw("source")?;
    let lines = || json::list(source).into_iter().filter_map(json::text).collect();
    Some(json::text(source).map_or_else(lines, |text| text.into_owned()))
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
            Some(' ') => Some((Tag::Same, rest())),
            // Without a sign: the letter belongs to the line.
            _ => Some((Tag::Same, line.to_owned())),
        }
    };
    let lines = hunk.list("lines").into_iter().map(words).filter_map(|l| line(&l)).collect();
    Raw { start, lines }
}
