//! No window that holds what is sought may be sifted out.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::super::texts;
use super::*;
use crate::redact::Cleaner;
use crate::session::{Progress, Session, Source};

fn opened(path: &Path) -> Option<Session> {
    let session = Session::open(Source::open(path).ok()?, Cleaner::new()).ok()?;
    while session.advance(1 << 20).unwrap() == Progress::More {}
    Some(session)
}

fn windows(session: &Session) -> Vec<Window> {
    (0..session.windows()).map(|no| session.window(no).unwrap().unwrap()).collect()
}

/// Every 13th word that is shown, some in capitals, and pairs of them.
fn queries(windows: &[Window]) -> BTreeSet<String> {
    let blocks: Vec<_> = windows.iter().flat_map(texts::blocks).collect();
    let words: Vec<&str> = blocks
        .iter()
        .flat_map(|block| &block.texts)
        .flat_map(|text| text.split_whitespace())
        .step_by(13)
        .collect();
    let mut queries = BTreeSet::new();
    for (no, word) in words.iter().take(15).enumerate() {
        queries.insert(if no % 3 == 0 { word.to_uppercase() } else { (*word).to_owned() });
    }
    queries.extend(words.windows(2).take(15).map(|pair| pair.join(" ")));
    queries
}

/// How many windows were looked for, and how many of them were sifted out.
fn check(path: &Path) -> (usize, usize) {
    let Some(session) = opened(path) else { return (0, 0) };
    let windows = windows(&session);
    let (mut all, mut out) = (0, 0);
    for query in queries(&windows) {
        let Some(search) = Search::new(&query) else { continue };
        for from in [0, windows.len() / 2] {
            let sifted = session.sift(search.words(), from as WindowNo).unwrap();
            for window in windows.iter().skip(from) {
                all += 1;
                out += usize::from(!sifted.has(window.no));
                let missed = !sifted.has(window.no) && !search.hits(window).is_empty();
                assert!(!missed, "{query:?} in window {} of {}", window.no, path.display());
            }
        }
    }
    (all, out)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

#[test]
fn no_window_with_a_hit_is_sifted_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    files(&root.join("tests/fixtures"), &mut found);
    // Real sessions where they are there: such as are read in a debug build in no time.
    files(&root.join("target/corpus"), &mut found);
    found.retain(|path| path.metadata().is_ok_and(|file| (1..120_000).contains(&file.len())));
    found.sort();
    let fixtures = found.iter().filter(|path| path.starts_with(root.join("tests"))).count();
    assert!(fixtures > 10, "{found:?}");
    let checked: Vec<(usize, usize)> = found.iter().take(fixtures + 20).map(|path| check(path)).collect();
    assert!(checked.iter().map(|(all, _)| all).sum::<usize>() > 300, "{checked:?}");
}

/// A session of many windows, with `text` in the reply of one turn.
fn long(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let uuid = |no: usize| format!("u{no}");
    for no in 0..400 {
        let record = |kind: &str, text: &str, no: usize| {
            format!(
                "{{\"type\":\"{kind}\",\"uuid\":\"{}\",\"sessionId\":\"s\",\"message\":{{\"role\":\"{kind}\",\"content\":\"{text}\"}}}}",
                uuid(no)
            )
        };
        let said = if no == 200 { text } else { "All is well, and nothing is to be done about the tides." };
        writeln!(
            file,
            "{}\n{}",
            record("user", "Go on with it.", 2 * no),
            record("assistant", said, 2 * no + 1)
        )
        .unwrap();
    }
    file
}

#[test]
fn windows_without_the_word_are_sifted_out_and_escapes_are_not_taken_for_its_absence() {
    for (text, query) in [
        ("the lighthouse", "LightHouse"),
        ("the l\\u0069ghthouse", "lighthouse"),
        ("the \\u212aelvin", "kelvin"),
        ("the wa\\u017fte of time", "waste"),
        ("the \u{212a}elvin", "kelvin"),
        ("dir\\/harbour.rs", "dir/harbour.rs"),
        ("\\u00fcber-harbour", "über-harbour"),
    ] {
        let file = long(text);
        let session = opened(file.path()).unwrap();
        let search = Search::new(query).unwrap();
        let hit: Vec<WindowNo> = windows(&session)
            .iter()
            .filter(|window| !search.hits(window).is_empty())
            .map(|window| window.no)
            .collect();
        let sifted = session.sift(search.words(), 0).unwrap();
        // What waits at the end of the file is not told by its bytes: the last window always stays.
        let left: Vec<WindowNo> = (0..session.windows() - 1).filter(|no| sifted.has(*no)).collect();
        // A neighbour stays where the block of the file with the word reaches into it.
        assert!(
            hit.len() == 1 && left.contains(&hit[0]) && left.len() <= 2,
            "{query} in {text}: {left:?}, {hit:?}"
        );
    }
}

#[test]
fn what_cannot_be_told_from_raw_bytes_is_left_in() {
    let file = long("ü und 天");
    let session = opened(file.path()).unwrap();
    for query in ["天", "ü", "-", "a"] {
        let sifted = session.sift(Search::new(query).unwrap().words(), 0).unwrap();
        assert!((0..session.windows()).all(|no| sifted.has(no)), "{query}");
    }
}
