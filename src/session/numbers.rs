//! The numbers that tools for reading put before each line of a file.

use std::borrow::Cow;

/// `text` without the number and the tab before each line, and the first number. Every line must have one.
pub(crate) fn unnumbered(text: &str) -> (Option<u64>, Cow<'_, str>) {
    let number = |line: &str| -> Option<(u64, usize)> {
        let digits = line.trim_start_matches(' ');
        let end = digits.find(|c: char| !c.is_ascii_digit())?;
        let mark = digits.get(end..)?.chars().next().filter(|c| matches!(c, '→' | '\t'))?;
        let no = digits.get(..end)?.parse().ok()?;
        Some((no, line.len() - digits.len() + end + mark.len_utf8()))
    };
    let Some((first, _)) = text.lines().next().and_then(number) else { return (None, Cow::Borrowed(text)) };
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let skip = number(line).map_or(0, |(_, skip)| skip);
        out.push_str(line.get(skip..).unwrap_or_default());
    }
    (Some(first), Cow::Owned(out))
}

/// What an agent's tool for reading printed, with a number and a tab before each line (as [`unnumbered`] wants
/// it), where the tool writes `00012| line` or `12: line`, and perhaps elements around it.
pub(crate) fn numbered_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    let number = |line: &str| -> Option<(u64, usize)> {
        let end = line.find(|c: char| !c.is_ascii_digit())?;
        let mark = ["| ", ": ", "|", ":"]
            .iter()
            .find(|mark| line.get(end..).is_some_and(|r| r.starts_with(**mark)))?;
        Some((line.get(..end)?.parse().ok()?, end + mark.len()))
    };
    let mut lines = text.lines().skip_while(|line| number(line).is_none()).peekable();
    if lines.peek().is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    while let Some((no, at)) = lines.peek().and_then(|line| number(line)) {
        let line = lines.next().and_then(|line| line.get(at..)).unwrap_or_default();
        out.push_str(&format!("{no}\t{line}\n"));
    }
    // What the tool says behind the lines stands apart, and is about them.
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_ways_to_number_lines_are_understood() {
        let read = |text: &'static str| numbered_lines(Cow::Borrowed(text)).into_owned();
        assert_eq!(read("<file>\n00001| fn\n00002| \n\n(End of file)\n</file>"), "1\tfn\n2\t\n");
        assert_eq!(read("<content>\n7: a\n8: b: c\n</content>"), "7\ta\n8\tb: c\n");
        assert_eq!(read("no numbers"), "no numbers");
    }

    #[test]
    fn line_numbers_leave_what_was_read() {
        assert_eq!(unnumbered("7\tfn\n8\t\n").1, "fn\n\n");
        assert_eq!(unnumbered("7\tfn").0, Some(7));
        assert_eq!(unnumbered("2024 was"), (None, Cow::Borrowed("2024 was")));
    }
}
