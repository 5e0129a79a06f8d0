//! PURE: the last lines of a client's output, in bounded memory.
//!
//! In memory and not in a file: a client that writes 100 MB/s would write that to the disk as well, and a keeper that
//! lives through every restart of the daemon needs no file to remember. Lines come cleaned (see
//! [`crate::tunnel::lines`]).

use std::collections::VecDeque;

/// Bytes kept of one line.
const LINE_CAP: usize = 4096;
/// What a line costs beside its bytes: without it, empty lines would be free.
const LINE_COST: usize = 32;

/// A ring of lines.
#[derive(Debug)]
pub struct LogRing {
    lines: VecDeque<String>,
    bytes: usize,
    cap: usize,
}

impl LogRing {
    /// A ring of at most `cap` bytes.
    pub fn new(cap: usize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, cap }
    }

    /// Adds a line, at the price of the oldest.
    pub fn push(&mut self, line: &str) {
        let kept = shortened(line);
        self.bytes += kept.len() + LINE_COST;
        self.lines.push_back(kept);
        while self.bytes > self.cap {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len() + LINE_COST;
        }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The newest lines that fit in `max_bytes` and `max_lines`, oldest first.
    pub fn tail(&self, max_bytes: usize, max_lines: usize) -> Vec<String> {
        let mut room = max_bytes;
        let fits = |line: &&String| match room.checked_sub(line.len() + LINE_COST) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        };
        let mut tail: Vec<String> =
            self.lines.iter().rev().take(max_lines).take_while(fits).cloned().collect();
        tail.reverse();
        tail
    }
}

fn shortened(line: &str) -> String {
    if line.len() <= LINE_CAP {
        return line.to_owned();
    }
    let end = (0..=LINE_CAP).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", line.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stay_within_the_cap() {
        let mut ring = LogRing::new(10 * (LINE_COST + 2));
        for number in 10..99 {
            ring.push(&number.to_string());
        }
        assert_eq!(ring.tail(usize::MAX, usize::MAX).len(), 10);
        assert_eq!(ring.tail(usize::MAX, 2), ["97", "98"]);
        assert_eq!(ring.tail(LINE_COST + 2, 9), ["98"]);
        assert!(ring.tail(0, 9).is_empty());
    }

    #[test]
    fn empty_and_huge_lines_are_bounded_too() {
        let mut ring = LogRing::new(64 * 1024);
        for _ in 0..100_000 {
            ring.push("");
            ring.push(&"é".repeat(10_000));
        }
        assert!(ring.bytes() <= 64 * 1024 && ring.lines.len() <= 2048, "{}", ring.lines.len());
        assert!(ring.lines.iter().all(|line| line.len() <= LINE_CAP + 4));
    }
}
