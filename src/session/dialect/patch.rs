//! Patches as `apply_patch` takes them: `*** Begin Patch`, then for each file what to do and its hunks.

use crate::session::diff::{Raw, Tag};

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Add,
    Update,
    Delete,
}

/// A file in a patch.
#[derive(Debug)]
pub(super) struct Patched<'a> {
    pub what: What,
    pub path: &'a str,
    /// Where it goes.
    pub to: Option<&'a str>,
    pub hunks: Vec<Raw>,
}

/// The files of a patch, in order; none if it is no patch.
pub(super) fn files(patch: &str) -> Vec<Patched<'_>> {
    let mut files: Vec<Patched<'_>> = Vec::new();
    let mut ended = false;
    for line in patch.lines() {
        // What a shell was told to feed it by goes on after it.
        ended |= line.trim_end() == "*** End Patch";
        if let Some((what, path)) = header(line) {
            ended = false;
            let start = (what == What::Add).then_some((1, 1));
            files.push(Patched { what, path, to: None, hunks: vec![Raw { start, lines: vec![] }] });
            continue;
        }
        let Some(file) = files.last_mut().filter(|_| !ended) else { continue };
        if let Some(to) = line.strip_prefix("*** Move to: ") {
            file.to = Some(to.trim());
        } else if line.starts_with("@@") {
            file.hunks.push(Raw::default());
        } else if let (Some(hunk), false) = (file.hunks.last_mut(), line.starts_with("*** ")) {
            let rest = || line.get(1..).unwrap_or_default().to_owned();
            match line.as_bytes().first() {
                Some(b'+') => hunk.lines.push((Tag::Added, rest())),
                Some(b'-') => hunk.lines.push((Tag::Removed, rest())),
                Some(b' ') => hunk.lines.push((Tag::Same, rest())),
                None => hunk.lines.push((Tag::Same, String::new())),
                Some(_) => hunk.lines.push((Tag::Same, line.to_owned())),
            }
        }
    }
    files.iter_mut().for_each(|file| file.hunks.retain(|hunk| !hunk.lines.is_empty()));
    files
}

fn header(line: &str) -> Option<(What, &str)> {
    let rest = line.strip_prefix("*** ")?;
    let (what, path) = rest.split_once(" File: ")?;
    let what = match what {
        "Add" => What::Add,
        "Update" => What::Update,
        "Delete" => What::Delete,
        _ => return None,
    };
    Some((what, path.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_told_apart_by_file() {
        let patch = "*** Begin Patch\n*** Add File: a.md\n+# A\n+*** Add File: not.me\n*** Update File: b.rs\n\
                     *** Move to: c.rs\n@@ fn x\n y\n-old\n+new\n@@\n-z\n*** Delete File: d\n*** Update File: e\n-f\n*** End Patch\nEOF\n";
        let files = files(patch);
        let told: Vec<_> = files.iter().map(|f| (f.what, f.path, f.to, f.hunks.len())).collect();
        let wanted = [
            (What::Add, "a.md", None, 1),
            (What::Update, "b.rs", Some("c.rs"), 2),
            (What::Delete, "d", None, 0),
            (What::Update, "e", None, 1),
        ];
        assert_eq!(told, wanted);
        assert_eq!(files[0].hunks[0].lines[1], (Tag::Added, "*** Add File: not.me".to_owned()));
        assert_eq!(files[0].hunks[0].start, Some((1, 1)));
        assert_eq!(files[3].hunks[0].lines, [(Tag::Removed, "f".to_owned())]);
    }

    #[test]
    fn what_is_no_patch_has_no_files() {
        assert!(super::files("ls -la\n@@ x").is_empty());
    }
}
