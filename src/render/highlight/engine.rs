//! TextMate grammars, run by syntaxmate: their scopes (`comment.line.rust`) become inks.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

use syntaxmate::{Catalog, PreparedLanguage, Scopes, TokenizerOptions};

use super::{Grammars, Ink, Inks, is_time};

/// Longest line looked into, in bytes; longer ones are minified or data, and stay plain.
const LINE: usize = 1_000;
/// Deepest nesting followed: each open bracket costs time at every step after it.
const DEPTH: usize = 200;
/// Steps of the engine from one question whether to go on to the next, about.
const POLL: u64 = 16;
/// Languages kept ready: each holds its compiled expressions.
const READY: usize = 12;
/// What has a grammar and gains nothing by it: prose and what tools print.
const PLAIN: [&str; 6] = ["markdown", "mdx", "log", "ansi", "csv", "tsv"];

/// The grammars in the binary.
pub(super) static BUNDLED: LazyLock<Bundled> =
    LazyLock::new(|| Bundled { catalog: Catalog::bundled(), ready: Mutex::default() });

pub(super) struct Bundled {
    catalog: Catalog,
    /// Most recently used last.
    ready: Mutex<VecDeque<(String, PreparedLanguage)>>,
}

impl Grammars for Bundled {
    fn named(&self, name: &str) -> Option<String> {
        coloured(self.catalog.canonical_language(name))
    }

    fn of_path(&self, path: &str) -> Option<String> {
        coloured(self.catalog.detect_path(path))
    }

    fn inks(&self, language: &str, text: &str, steps: u64) -> Vec<Inks> {
        let Some(prepared) = self.prepared(language) else { return Vec::new() };
        let options = TokenizerOptions { max_line_bytes: LINE, line_cache_entries: 0 };
        let mut tokenizer = prepared.tokenizer(options);
        let mut state = tokenizer.initial_state();
        let left = Cell::new(steps);
        let spend = |n: u64| left.set(left.get().saturating_sub(n));
        let mut lines = Vec::new();
        for line in text.split('\n') {
            let mut inks = Inks::new();
            let take = |token: syntaxmate::Token| {
                spend(1);
                if let Some(ink) = ink(token.scopes()) {
                    push(&mut inks, token.range(), ink);
                }
            };
            let spent = || {
                spend(POLL);
                left.get() == 0 || !is_time()
            };
            match tokenizer.tokenize_line_with_interrupt(line, &mut state, take, spent) {
                Ok(_) if left.get() > 0 && state.depth() <= DEPTH && is_time() => lines.push(inks),
                // The steps are used up: from here on it is plain.
                _ => break,
            }
        }
        lines
    }
}

impl Bundled {
    fn prepared(&self, language: &str) -> Option<PreparedLanguage> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = ready.iter().position(|(name, _)| name == language).and_then(|at| ready.remove(at));
        let kept = match kept {
            Some(kept) => kept,
            None => (language.to_owned(), PreparedLanguage::from_catalog(&self.catalog, language).ok()?),
        };
        let prepared = kept.1.clone();
        if ready.len() >= READY {
            ready.pop_front();
        }
        ready.push_back(kept);
        Some(prepared)
    }
}

fn coloured(language: Option<&str>) -> Option<String> {
    language.filter(|language| !PLAIN.contains(language)).map(str::to_owned)
}

/// The ink of what has these scopes, from the outermost to the innermost.
fn ink(scopes: Scopes<'_>) -> Option<Ink> {
    let mut found = None;
    for scope in scopes {
        let mut parts = scope.split('.');
        match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
            ("comment", _) => return Some(Ink::Comment),
            ("string", "unquoted" | "template") | ("meta", "template" | "interpolation" | "embedded") => {
                found = None
            }
            ("string", _) => found = Some(Ink::Quoted),
            ("keyword", "operator") => found = operator(scope),
            ("keyword" | "storage", _) => found = Some(Ink::Keyword),
            ("constant", "language") | ("variable", "language") => found = Some(Ink::Keyword),
            ("entity", "name") if scope.starts_with("entity.name.tag") => found = Some(Ink::Keyword),
            _ => {}
        }
    }
    found
}

/// Operators that are words (`not`, `instanceof`) are words of the language; signs speak for themselves.
fn operator(scope: &str) -> Option<Ink> {
    [".word", ".expression", ".new", ".logical.python"]
        .iter()
        .any(|word| scope.contains(word))
        .then_some(Ink::Keyword)
}

/// Neighbours of one ink are one part.
fn push(inks: &mut Inks, range: Range<usize>, ink: Ink) {
    match inks.last_mut() {
        Some((last, same)) if *same == ink && last.end == range.start => last.end = range.end,
        _ => inks.push((range, ink)),
    }
}
