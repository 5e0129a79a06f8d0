//! Which windows of a session may hold some words, told from the raw bytes of the file: what is said no to need not
//! be decoded. Only a prefilter: whether a window does hold them is asked of its clean text.
//!
//! The file is read once, from one end to the other; each word leaves a bit for each block of the file that it
//! stands in. A word stands in raw text as it does in clean text, unless it is escaped there; where letters are,
//! the block counts as if the word stood in it.

use regex::bytes::{Regex, RegexBuilder};

use super::Session;
use crate::session::error::ReadError;
use crate::session::index::Span;
use crate::session::model::WindowNo;

/// Bytes a bit stands for.
const BLOCK: u64 = 1 << 10;
/// Bytes read at once.
const CHUNK: usize = 256 << 10;
/// The longest word that is looked for; of a longer one a part is.
const LONGEST: usize = 64;
/// What is read twice, so that no match is torn: every letter may take three bytes.
const OVERLAP: usize = 4 * LONGEST;

/// The windows that may hold all words.
#[derive(Debug)]
pub struct Sifted {
    /// The first window that was looked at.
    from: WindowNo,
    may: Vec<bool>,
}

impl Sifted {
    /// Whether window `no` is worth decoding. What was not there to be looked at is.
    pub fn has(&self, no: WindowNo) -> bool {
        let at = no.checked_sub(self.from).map(|at| at as usize);
        at.and_then(|at| self.may.get(at)).is_none_or(|may| *may)
    }
}

/// What a word leaves in the file.
struct Trace {
    pattern: Regex,
    /// A bit for each block.
    blocks: Vec<u64>,
}

impl Trace {
    /// `None` for a word that cannot be told from raw bytes.
    fn of(word: &str) -> Option<Self> {
        let runs = word.split(|c: char| !c.is_ascii_alphanumeric());
        let run = runs.max_by_key(|run| run.len()).filter(|run| run.len() >= 2)?;
        let run = run.get(..run.len().min(LONGEST))?;
        // Escapes of letters and digits; the two letters beyond ASCII that a search in any case takes for `k` and
        // `s`; and where the words stand in a file of their own.
        let pattern = format!("(?i:{run})|u00[3-7][0-9a-fA-F]|u212[aA]|u017[fF]|persisted-output");
        let pattern = RegexBuilder::new(&pattern).build().ok()?;
        Some(Self { pattern, blocks: Vec::new() })
    }

    /// Looks through bytes that stand at `offset`.
    fn look(&mut self, bytes: &[u8], offset: u64) {
        let mut from = 0;
        while let Some(found) = self.pattern.find_at(bytes, from) {
            let block = (offset + found.start() as u64) / BLOCK;
            let (word, bit) = ((block / 64) as usize, block % 64);
            if word >= self.blocks.len() {
                self.blocks.resize(word + 1, 0);
            }
            if let Some(bits) = self.blocks.get_mut(word) {
                *bits |= 1 << bit;
            }
            // The block is told; on with the next.
            from = usize::try_from((block + 1) * BLOCK - offset).unwrap_or(usize::MAX);
            if from >= bytes.len() {
                break;
            }
        }
    }

    fn is_in(&self, span: &Span) -> bool {
        let last = span.to.saturating_sub(1).max(span.from) / BLOCK;
        (span.from / BLOCK..=last).any(|block| {
            self.blocks.get((block / 64) as usize).is_some_and(|bits| bits >> (block % 64) & 1 == 1)
        })
    }
}

impl Session {
    /// Which windows from number `from` on may hold all `words`, in any case.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sift(&self, words: &[String], from: WindowNo) -> Result<Sifted, ReadError> {
        let mut traces: Vec<Trace> = words.iter().filter_map(|word| Trace::of(word)).collect();
        if traces.is_empty() {
            return Ok(Sifted { from, may: Vec::new() });
        }
        let (spans, open) = {
            let desk = self.desk();
            let index = desk.index();
            (index.spans(from), index.opaque(from, self.source.beside().is_some()))
        };
        let begin = spans.iter().map(|span| span.from).min().unwrap_or(0);
        let end = spans.iter().map(|span| span.to).max().unwrap_or(0);
        self.trace(&mut traces, begin, end)?;
        // Every word in one of the spans of a window.
        let count = spans.iter().map(|span| (span.window - from) as usize + 1).max().unwrap_or(0);
        let mut may = vec![true; count];
        for trace in &traces {
            let mut has = vec![false; count];
            for span in &spans {
                if let Some(has) = has.get_mut((span.window - from) as usize) {
                    *has = *has || trace.is_in(span);
                }
            }
            may.iter_mut().zip(has).for_each(|(may, has)| *may = *may && has);
        }
        for no in open {
            if let Some(may) = may.get_mut((no - from) as usize) {
                *may = true;
            }
        }
        Ok(Sifted { from, may })
    }

    fn trace(&self, traces: &mut [Trace], begin: u64, end: u64) -> Result<(), ReadError> {
        let mut chunk = vec![0; CHUNK];
        let mut kept = 0;
        let mut next = begin;
        while next < end {
            let Some(room) = chunk.get_mut(kept..) else { break };
            let read = self.source.read_at(room, next)?;
            if read == 0 {
                break;
            }
            let filled = kept + read;
            let offset = next - kept as u64;
            if let Some(bytes) = chunk.get(..filled) {
                traces.iter_mut().for_each(|trace| trace.look(bytes, offset));
            }
            next += read as u64;
            kept = filled.min(OVERLAP);
            chunk.copy_within(filled - kept..filled, 0);
        }
        Ok(())
    }
}
