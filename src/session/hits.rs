//! How much a search through files found, as far as what it printed tells.

/// What a search found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Lines that match.
    pub matches: Option<u64>,
    /// Files with such lines.
    pub files: Option<u64>,
}

/// What `text` says that a tool shown as `verb` printed: lines that match are looked for by `Grep` alone.
pub(crate) fn of(verb: &str, text: &str) -> Told {
    match verb {
        "Grep" => told(text),
        "Glob" => nothing(text).or_else(|| in_words(text.trim_start().lines().next()?)).unwrap_or_default(),
        _ => Told::default(),
    }
}

/// What `text`, printed by a search, says: in words (`Found 7 files`, `Found 5 matches in 2 files`), or by a place
/// before each line, as grep and ripgrep write it (`src/a.rs:12:`, with `src/a.rs-13-` for a line around). Of
/// several files only if every line has one and none can be read in two ways: a list that was cut tells nothing.
fn told(text: &str) -> Told {
    if let Some(nothing) = nothing(text) {
        return nothing;
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let in_words = lines().next().and_then(in_words).or_else(|| lines().next_back().and_then(in_words));
    in_words.or_else(|| by_places(text)).unwrap_or_default()
}

/// What `text` says where a search found nothing (`No matches found for pattern "x"`), with a note in brackets at most
/// below it: a file that is searched may hold such words too.
fn nothing(text: &str) -> Option<Told> {
    const NO_MATCHES: [&str; 6] =
        ["no match", "no results", "no lines", "nothing found", "found 0 match", "found 0 results"];
    const NO_FILES: [&str; 5] =
        ["no files found", "no files match", "no files were found", "no file found", "found 0 files"];
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?.to_ascii_lowercase();
    if !lines.all(|line| line.starts_with(['[', '('])) {
        return None;
    }
    let begins = |words: &[&str]| words.iter().any(|words| first.starts_with(words));
    if begins(&NO_FILES) {
        return Some(Told { matches: None, files: Some(0) });
    }
    begins(&NO_MATCHES).then_some(Told { matches: Some(0), files: None })
}

/// `Found 7 files`, `Found 12 matches for "x"`, `Found 5 total occurrences across 3 files.`
fn in_words(line: &str) -> Option<Told> {
    let mut told = Told::default();
    let mut number = None;
    for word in line.strip_prefix("Found ")?.split(' ').take(8) {
        let word = word.trim_end_matches([',', '.', ':']);
        match word {
            "file" | "files" | "file(s)" => told.files = told.files.or(number.take()),
            "match" | "matches" | "match(es)" | "occurrence" | "occurrences" => {
                told.matches = told.matches.or(number.take())
            }
            "total" | "in" | "across" => {}
            word => number = Some(word.parse().ok()?),
        }
        if told.files.is_some() {
            break;
        }
    }
    (told != Told::default()).then_some(told)
}

fn by_places(text: &str) -> Option<Told> {
    let mut matches = 0;
    let mut files = 0;
    let mut before = None;
    let mut several = false;
    for line in text.lines().filter(|line| !line.is_empty() && *line != "--") {
        let place = place(line)?;
        several |= place.file.is_some();
        if place.matches {
            matches += 1;
            // Searches print file by file.
            files += u64::from(before != Some(place.file));
            before = Some(place.file);
        }
    }
    (matches > 0).then_some(Told { matches: Some(matches), files: several.then_some(files) })
}

/// What stands before a line.
struct Place<'a> {
    /// Not there where one file was searched.
    file: Option<&'a str>,
    /// The line itself, not one around it.
    matches: bool,
}

/// The place before a line; `None` if there is none, or it can be read in two ways.
fn place(line: &str) -> Option<Place<'_>> {
    if let Some(mark) = line.strip_prefix(|c: char| c.is_ascii_digit()) {
        let mark = mark.trim_start_matches(|c: char| c.is_ascii_digit());
        if mark.starts_with([':', '-']) {
            return Some(Place { file: None, matches: mark.starts_with(':') });
        }
    }
    match (numbered(line, ':'), numbered(line, '-')) {
        (Some(file), None) => Some(Place { file: Some(file), matches: true }),
        (None, Some(file)) => Some(Place { file: Some(file), matches: false }),
        // What stands behind the place may look like one, with a blank before it.
        (Some(file), Some(around)) if around.len() > file.len() => {
            around.contains([' ', '\t']).then_some(Place { file: Some(file), matches: true })
        }
        (Some(file), Some(around)) => {
            file.contains([' ', '\t']).then_some(Place { file: Some(around), matches: false })
        }
        (None, None) => None,
    }
}

/// What stands before the first number between two `mark`s.
fn numbered(line: &str, mark: char) -> Option<&str> {
    let mut from = 0;
    while let Some(at) = line.get(from..)?.find(mark) {
        let rest = line.get(from + at + 1..)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits > 0 && rest.get(digits..)?.starts_with(mark) && from + at > 0 {
            return line.get(..from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_files_tells_how_many_in_words_alone() {
        for (verb, text, wanted) in [
            ("Glob", "No files found", Some(0)),
            ("Glob", "Found 2 file(s) matching \"*.rs\" within /w:\n/w/a.rs\n/w/b.rs", Some(2)),
            ("Glob", "src/a.rs:3:x", None),
            ("LS", "No files found", None),
        ] {
            assert_eq!(of(verb, text).files, wanted, "{verb} {text}");
        }
    }

    #[test]
    fn what_a_search_printed_tells_how_much_it_found() {
        let told = |text| {
            let Told { matches, files } = told(text);
            (matches, files)
        };
        for (text, wanted) in [
            ("Found 7 files\na.rs\nb.rs", (None, Some(7))),
            ("Found 12 matches\n/w/a.rs:\n  Line 3: x", (Some(12), None)),
            ("a.rs:3\nb.rs:2\n\nFound 5 total occurrences across 2 files.", (Some(5), Some(2))),
            ("src/a.rs:3:fn a() {\nsrc/a.rs:9:fn b() {\nsrc/b-2.rs:1:fn c() {", (Some(3), Some(2))),
            ("a.rs-2-\na.rs:3:x\na.rs-4-let t = 1:2:3\n--\nb.rs:7:y", (Some(2), Some(2))),
            ("12:fn a() {\n13-}\n--\n80:fn b() {", (Some(2), None)),
            // Dates in a path look like a line around.
            ("notes/2026-01-02.md:4:x", (None, None)),
            ("src/a.rs:3:x\n[Showing results with pagination = limit: 1]", (None, None)),
            ("fn a() {\nfn b() {", (None, None)),
            ("No matches found", (Some(0), None)),
            ("No matches found\n\n[Showing results with pagination = limit: 5, offset: 0]", (Some(0), None)),
            ("No matches found for pattern \"x\" in path \".\".", (Some(0), None)),
            ("No files found", (None, Some(0))),
            ("No files found matching pattern \"*.rs\" within /w", (None, Some(0))),
            ("No files matched the pattern.", (None, Some(0))),
            ("Found 0 matches", (Some(0), None)),
            // What a searched file says.
            ("No matches found\nfn a() {", (None, None)),
            ("notes.md:3:No files found", (Some(1), Some(1))),
            ("Found nothing", (None, None)),
            ("", (None, None)),
        ] {
            assert_eq!(told(text), wanted, "{text}");
        }
    }
}
