//! Diffs of edits and writes: from the record where it has them (with true line numbers), else computed.

use similar::{ChangeTag, TextDiff};

use super::call::Call;
use crate::redact::CleanText;
use crate::session::agent::Desk;
use crate::session::json::{self, Obj};
use crate::session::model::{DiffLine, FileDiff, Hunk};

/// Larger texts are not compared: the old is removed, the new added. In bytes, both together.
const COMPARED: usize = 256 << 10;
/// Unchanged lines around a change.
const CONTEXT: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Same,
    Added,
    Removed,
}

/// A hunk before it is cleaned.
#[derive(Debug, Default)]
struct Raw {
    start: Option<(u64, u64)>,
    lines: Vec<(Tag, String)>,
}

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
            let lines = content.lines().map(|line| (Tag::Added, line.to_owned())).collect();
            vec![Raw { start: created.then_some((1, 1)), lines }]
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

/// Compares two texts; where in the file they stand is not known.
fn compared(old: &str, new: &str) -> Vec<Raw> {
    if old.len() + new.len() > COMPARED {
        let lines = |tag, text: &str| text.lines().map(|line| (tag, line.to_owned())).collect::<Vec<_>>();
        let all = [lines(Tag::Removed, old), lines(Tag::Added, new)].concat();
        return vec![Raw { start: None, lines: all }];
    }
    let diff = TextDiff::from_lines(old, new);
    let hunk = |ops: &[similar::DiffOp]| {
        let changes = ops.iter().flat_map(|op| diff.iter_changes(op));
        let line = |change: similar::Change<&str>| {
            let tag = match change.tag() {
                ChangeTag::Equal => Tag::Same,
                ChangeTag::Insert => Tag::Added,
                ChangeTag::Delete => Tag::Removed,
            };
            (tag, change.value().trim_end_matches(['\n', '\r']).to_owned())
        };
        Raw { start: None, lines: changes.map(line).collect() }
    };
    diff.grouped_ops(CONTEXT).iter().map(|ops| hunk(ops)).collect()
}

/// Counts, cuts and cleans. Lines are cleaned together: a key block spans many.
fn cleaned(hunks: Vec<Raw>, desk: &Desk<'_>) -> FileDiff {
    let count = |tag| hunks.iter().flat_map(|hunk| &hunk.lines).filter(|(t, _)| *t == tag).count() as u64;
    let mut diff = FileDiff { added: count(Tag::Added), removed: count(Tag::Removed), ..FileDiff::default() };
    let (mut lines, mut bytes) = (desk.diff_lines, desk.output.saturating_mul(2));
    for hunk in hunks {
        // What is left out is cleaned as well, as far as a key could reach.
        let texts =
            desk.cleaner.lines(hunk.lines.iter().take(lines.saturating_add(200)).map(|(_, text)| &**text));
        let whole = hunk.lines.len();
        let line = |((tag, _), text): (&(Tag, String), CleanText)| {
            let text = if text.as_str().len() > desk.output {
                desk.cleaner.start(text.as_str(), desk.output)
            } else {
                text
            };
            match tag {
                Tag::Same => DiffLine::Same(text),
                Tag::Added => DiffLine::Added(text),
                Tag::Removed => DiffLine::Removed(text),
            }
        };
        let mut shown = Vec::new();
        for line in hunk.lines.iter().zip(texts).map(line).take(lines) {
            let (DiffLine::Same(text) | DiffLine::Added(text) | DiffLine::Removed(text)) = &line;
            let size = text.as_str().len() + 1;
            if size > bytes {
                break;
            }
            bytes -= size;
            shown.push(line);
        }
        lines -= shown.len();
        if shown.len() < whole {
            bytes = 0;
        }
        diff.omitted += (whole - shown.len()) as u64;
        if !shown.is_empty() {
            diff.hunks.push(Hunk { start: hunk.start, lines: shown });
        }
    }
    diff
}
