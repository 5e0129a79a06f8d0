//! What a search through files printed, file by file: the path once, above the lines that were found in it.

use std::collections::HashSet;

use super::html::Html;
use super::phrase;

/// A line of such a search: `src/a.rs:12:text`, or `src/a.rs-13-text` around it.
struct Line<'a> {
    path: &'a str,
    no: &'a str,
    mark: char,
    text: &'a str,
}

/// The lines of `text`, those of one file below its path; `None` if none begins with a path and a number.
pub(super) fn lines(text: &str) -> Option<Vec<Html>> {
    let paths: HashSet<&str> = text.lines().filter_map(|line| Some(read(line, ':', is_path)?.path)).collect();
    // Colours would be taken for a part of the path.
    if paths.is_empty() || text.contains('\x1b') {
        return None;
    }
    let mut shown = Vec::new();
    let mut file = "";
    for line in text.lines() {
        // Some programs shorten the paths of some lines only.
        let is_known = |path: &str| {
            let more = path.strip_suffix(file).filter(|_| !file.is_empty());
            paths.contains(path) || more.is_some_and(|more| more.ends_with('/'))
        };
        let Some(found) = read(line, ':', is_path).or_else(|| read(line, '-', is_known)) else {
            shown.push(Html::of(line));
            continue;
        };
        if found.path != file && paths.contains(found.path) {
            file = found.path;
            if !shown.is_empty() {
                shown.push(Html::new());
            }
            let mut head = Html::new();
            phrase::path(&mut head, file);
            shown.push(head);
        }
        let mut html = Html::new();
        html.raw("<span class=\"c\">")
            .text(found.no)
            .text(found.mark.encode_utf8(&mut [0; 4]))
            .raw("</span>");
        html.text(found.text);
        shown.push(html);
    }
    Some(shown)
}

/// Reads a line whose path and number are followed by `mark`.
fn read(line: &str, mark: char, is_path: impl Fn(&str) -> bool) -> Option<Line<'_>> {
    line.match_indices(mark).find_map(|(at, _)| {
        let (path, rest) = line.split_at_checked(at)?;
        let rest = rest.strip_prefix(mark)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let (no, rest) = rest.split_at_checked(digits)?;
        let text = rest.strip_prefix(mark)?;
        is_path(path).then_some(Line { path, no, mark, text })
    })
}

fn is_path(text: &str) -> bool {
    text.len() <= phrase::PATH && text.contains(['.', '/', '\\']) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn shown(text: &str) -> Option<String> {
        let lines = lines(text)?;
        let plain = |line: &str| {
            let mut text = String::new();
            let mut rest = line;
            while let Some((before, tag)) = rest.split_once('<') {
                text += before;
                rest = tag.split_once('>').unwrap().1;
            }
            text + rest
        };
        Some(lines.iter().map(|line| plain(line.as_str())).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn lines_stand_below_the_path_they_were_found_in() {
        for (text, want) in [
            ("src/a.rs:1:one\nsrc/a.rs:20:    two: 2", "src/a.rs\n1:one\n20:    two: 2"),
            ("src/a.rs:1:one\nsrc/b.rs:2:two", "src/a.rs\n1:one\n\nsrc/b.rs\n2:two"),
            ("a.rs:1:one\nsrc/a.rs:2:two", "a.rs\n1:one\n\nsrc/a.rs\n2:two"),
            ("a-1-b.rs-4-x\na-1-b.rs:5:y\n--\na-1-b.rs:9:z", "a-1-b.rs\n4-x\n5:y\n--\n9:z"),
            ("a/b.rs:1:x\n/home/ada/a/b.rs-2-\ty\na/b.rs:3:z", "a/b.rs\n1:x\n2-\ty\n3:z"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn what_names_no_file_stays_as_it_is() {
        for text in
            ["", "src/a.rs\nsrc/b.rs", "12:30:text", "7:fn main() {", "No matches found", "a b.rs:1:x"]
        {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
