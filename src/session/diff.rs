//! Diffs of whatever agent: from a patch that was recorded, else computed. Counted, cut and cleaned here.

use similar::{Change, ChangeTag, TextDiff};

use super::agent::Desk;
use super::model::{DiffLine, FileDiff, Hunk};
use crate::redact::CleanText;

/// Larger texts are not compared: the old is removed, the new added. In bytes, both together.
const COMPARED: usize = 256 << 10;
/// Unchanged lines around a change.
const CONTEXT: usize = 3;
/// Lines cleaned beyond those shown, as far as a key block could reach.
const BEYOND: usize = 200;

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Same,
    Added,
    Removed,
}

/// A place that changed, before it is cleaned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raw {
    /// First old and new line, from 1, where known.
    pub start: Option<(u64, u64)>,
    pub lines: Vec<(Tag, String)>,
}

impl Raw {
    /// All lines of `text`, as `tag` says.
    pub(crate) fn all(tag: Tag, text: &str, start: Option<(u64, u64)>) -> Self {
        Self { start, lines: text.lines().map(|line| (tag, line.to_owned())).collect() }
    }
}

/// Compares two texts; where in the file they stand is not known.
pub(crate) fn compared(old: &str, new: &str) -> Vec<Raw> {
    if old.len() + new.len() > COMPARED {
        let mut all = Raw::all(Tag::Removed, old, None);
        all.lines.extend(Raw::all(Tag::Added, new, None).lines);
        return vec![all];
    }
    // Whether the last line has an end, and which, is no change to be read, unless it is the only one.
    let (before, after): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff =
        if before == after { TextDiff::from_lines(old, new) } else { TextDiff::from_slices(&before, &after) };
    let hunk = |ops: &[similar::DiffOp]| {
        let changes = ops.iter().flat_map(|op| diff.iter_changes(op));
        Raw { start: None, lines: changes.map(line).collect() }
    };
    diff.grouped_ops(CONTEXT).iter().map(|ops| hunk(ops)).collect()
}

/// A line of a comparison.
fn line(change: Change<&str>) -> (Tag, String) {
    let tag = match change.tag() {
        ChangeTag::Equal => Tag::Same,
        ChangeTag::Insert => Tag::Added,
        ChangeTag::Delete => Tag::Removed,
    };
    (tag, change.value().trim_end_matches(['\n', '\r']).to_owned())
}

/// A hunk without the changes that are none: models take lines away and add them again as they were.
pub(crate) fn reduced(hunk: Raw) -> Raw {
    let mut lines = Vec::with_capacity(hunk.lines.len());
    for run in hunk.lines.chunk_by(|(a, _), (b, _)| (*a == Tag::Same) == (*b == Tag::Same)) {
        let of = |wanted: Tag| -> Vec<&str> {
            run.iter().filter(|(tag, _)| *tag == wanted).map(|(_, text)| text.as_str()).collect()
        };
        let (old, new) = (of(Tag::Removed), of(Tag::Added));
        let size: usize = run.iter().map(|(_, text)| text.len() + 1).sum();
        if old.is_empty() || new.is_empty() || size > COMPARED {
            lines.extend_from_slice(run);
        } else {
            lines.extend(TextDiff::from_slices(&old, &new).iter_all_changes().map(line));
        }
    }
    Raw { start: hunk.start, lines }
}

/// The hunks of a unified diff; its headers are left out.
pub(crate) fn unified(diff: &str) -> Vec<Raw> {
    let mut hunks: Vec<Raw> = Vec::new();
    for line in diff.lines() {
        if let Some(head) = line.strip_prefix("@@") {
            hunks.push(Raw { start: starts(head), lines: Vec::new() });
            continue;
        }
        let Some(hunk) = hunks.last_mut() else { continue };
        let rest = || line.get(1..).unwrap_or_default().to_owned();
        match line.as_bytes().first() {
            Some(b'+') => hunk.lines.push((Tag::Added, rest())),
            Some(b'-') => hunk.lines.push((Tag::Removed, rest())),
            Some(b' ') => hunk.lines.push((Tag::Same, rest())),
            None => hunk.lines.push((Tag::Same, String::new())),
            // `\ No newline at end of file`, and the header of a next file.
            Some(_) => {}
        }
    }
    hunks.retain(|hunk| !hunk.lines.is_empty());
    hunks
}

/// The lines in ` -3,4 +3,5 @@ …`.
fn starts(head: &str) -> Option<(u64, u64)> {
    let number = |sign: char| {
        let rest = head.get(head.find(sign)? + 1..)?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    };
    number('-').zip(number('+'))
}

/// The hunks of a diff with a line number in every line (`-238 - Your own`), gaps written as `...`.
pub(crate) fn numbered(diff: &str) -> Vec<Raw> {
    let mut hunks = vec![Raw::default()];
    // New lines minus old lines, so far.
    let mut moved: i64 = 0;
    for line in diff.lines() {
        let tag = match line.as_bytes().first() {
            Some(b'+') => Tag::Added,
            Some(b'-') => Tag::Removed,
            Some(b' ') => Tag::Same,
            _ => continue,
        };
        let body = line.get(1..).unwrap_or_default();
        let digits = body.trim_start_matches(' ');
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let Some(no) = digits.get(..end).and_then(|no| no.parse::<i64>().ok()) else {
            hunks.push(Raw::default());
            continue;
        };
        let text = digits.get(end..).map(|rest| rest.strip_prefix(' ').unwrap_or(rest)).unwrap_or_default();
        let Some(hunk) = hunks.last_mut() else { continue };
        let (old, new) = if tag == Tag::Added { (no - moved, no) } else { (no, no + moved) };
        // Some writers number the lines before the first change from 1, wherever they stand: the change tells.
        let first_change = tag != Tag::Same && hunk.lines.iter().all(|(tag, _)| *tag == Tag::Same);
        if hunk.start.is_none() || first_change {
            let before = i64::try_from(hunk.lines.len()).unwrap_or_default();
            let start = |no: i64| u64::try_from(no.saturating_sub(before)).ok();
            hunk.start = start(old).zip(start(new));
        }
        hunk.lines.push((tag, text.to_owned()));
        moved += match tag {
            Tag::Added => 1,
            Tag::Removed => -1,
            Tag::Same => 0,
        };
    }
    hunks.retain(|hunk| !hunk.lines.is_empty());
    hunks
}

/// Counts, cuts and cleans. Lines are cleaned together: a key block spans many.
pub(crate) fn cleaned(hunks: Vec<Raw>, desk: &Desk<'_>) -> FileDiff {
    let count = |tag| hunks.iter().flat_map(|hunk| &hunk.lines).filter(|(t, _)| *t == tag).count() as u64;
    let mut diff = FileDiff { added: count(Tag::Added), removed: count(Tag::Removed), ..FileDiff::default() };
    let (mut lines, mut bytes) = (desk.diff_lines, desk.output.saturating_mul(2));
    for hunk in hunks {
        let seen = hunk.lines.iter().take(lines.saturating_add(BEYOND));
        let texts = desk.cleaner.lines(seen.map(|(_, text)| &**text));
        let mut shown = Vec::new();
        for ((tag, _), text) in hunk.lines.iter().zip(texts).take(lines) {
            let line = shown_line(*tag, text, desk);
            let (DiffLine::Same(text) | DiffLine::Added(text) | DiffLine::Removed(text)) = &line;
            let size = text.as_str().len() + 1;
            if size > bytes {
                break;
            }
            bytes -= size;
            shown.push(line);
        }
        lines -= shown.len();
        let left = hunk.lines.len() - shown.len();
        if left > 0 {
            bytes = 0;
        }
        diff.omitted += left as u64;
        if !shown.is_empty() {
            diff.hunks.push(Hunk { start: hunk.start, lines: shown });
        }
    }
    diff
}

fn shown_line(tag: Tag, text: CleanText, desk: &Desk<'_>) -> DiffLine {
    let long = text.as_str().len() > desk.output;
    let text = if long { desk.cleaner.start(text.as_str(), desk.output) } else { text };
    match tag {
        Tag::Same => DiffLine::Same(text),
        Tag::Added => DiffLine::Added(text),
        Tag::Removed => DiffLine::Removed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(start: Option<(u64, u64)>, lines: &[(Tag, &str)]) -> Raw {
        Raw { start, lines: lines.iter().map(|(tag, text)| (*tag, (*text).to_owned())).collect() }
    }

    #[test]
    fn a_last_line_without_an_end_is_the_same_line() {
        let added = [(Tag::Same, "a"), (Tag::Added, "b")];
        for (old, new) in [("a", "a\nb"), ("a", "a\nb\n"), ("a\r\n", "a\nb")] {
            assert_eq!(compared(old, new), [raw(None, &added)], "{old:?} {new:?}");
        }
        assert_eq!(compared("a\nb\n", "a"), [raw(None, &[(Tag::Same, "a"), (Tag::Removed, "b")])]);
        let ends = [(Tag::Removed, "a"), (Tag::Added, "a")];
        assert_eq!(compared("a\r\n", "a\n"), [raw(None, &ends)]);
        assert_eq!(compared("a\n", "a\n"), []);
    }

    #[test]
    fn what_is_taken_away_and_added_as_it_was_is_no_change() {
        let hunk = raw(
            Some((3, 3)),
            &[
                (Tag::Same, "a"),
                (Tag::Removed, "use b;"),
                (Tag::Removed, "old"),
                (Tag::Added, "use b;"),
                (Tag::Added, "new"),
                (Tag::Same, "c"),
                (Tag::Added, "d"),
            ],
        );
        let lines = [
            (Tag::Same, "a"),
            (Tag::Same, "use b;"),
            (Tag::Removed, "old"),
            (Tag::Added, "new"),
            (Tag::Same, "c"),
            (Tag::Added, "d"),
        ];
        assert_eq!(reduced(hunk), raw(Some((3, 3)), &lines));
    }

    #[test]
    fn a_unified_diff_keeps_its_line_numbers_and_loses_its_headers() {
        let diff =
            "Index: a\n--- a\n+++ a\n@@ -3,2 +3,3 @@ fn x\n a\n-b\n+c\n+d\n\\ No newline at end of file";
        let lines = [(Tag::Same, "a"), (Tag::Removed, "b"), (Tag::Added, "c"), (Tag::Added, "d")];
        assert_eq!(unified(diff), [raw(Some((3, 3)), &lines)]);
        assert_eq!(unified("no diff at all"), []);
    }

    #[test]
    fn a_numbered_diff_is_cut_at_its_gaps_and_knows_both_sides() {
        let diff = "     ...\n 237 \n-238 - old\n+238 new\n+239 newer\n     ...\n 300 end";
        let first = [(Tag::Same, ""), (Tag::Removed, "- old"), (Tag::Added, "new"), (Tag::Added, "newer")];
        let wanted = [raw(Some((237, 237)), &first), raw(Some((300, 301)), &[(Tag::Same, "end")])];
        assert_eq!(numbered(diff), wanted);
    }

    #[test]
    fn a_numbered_diff_starts_where_its_first_change_says() {
        // As pi writes it: what comes before the change is numbered from 1.
        let diff = "   1 a\n   2 b\n+281 x\n 282 c";
        let lines = [(Tag::Same, "a"), (Tag::Same, "b"), (Tag::Added, "x"), (Tag::Same, "c")];
        assert_eq!(numbered(diff), [raw(Some((279, 279)), &lines)]);
    }
}
