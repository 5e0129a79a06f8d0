//! Tokens of messages, each counted once. A message is told of several times, the last one counts; these stand
//! close together, so that only what the last messages used is kept.

use std::collections::{HashSet, VecDeque};

use crate::session::model::Usage;

/// Messages whose tokens may still be told anew.
const RECENT: usize = 1_000;

/// What was used so far.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    total: Usage,
    /// What the agent told of the session as a whole, last.
    session: Usage,
    /// Every message that is in the total.
    counted: HashSet<u64>,
    recent: VecDeque<(u64, Usage)>,
}

impl Tokens {
    /// All of them.
    pub(super) fn total(&self) -> Usage {
        self.total + self.session
    }

    /// Notes the tokens of the whole session up to here.
    pub(crate) fn of_session(&mut self, usage: Usage) {
        self.session = usage;
    }

    /// Notes the tokens of the message of this id. What is told once more of a message that was followed by a
    /// thousand others is a copy, and does not count.
    pub(crate) fn of_message(&mut self, id: u64, usage: Usage) {
        if self.counted.insert(id) {
            self.total = self.total + usage;
            self.recent.push_back((id, usage));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        } else if let Some((_, told)) = self.recent.iter_mut().rev().find(|(recent, _)| *recent == id) {
            self.total = self.total - *told + usage;
            *told = usage;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(output: u64) -> Usage {
        Usage { output, ..Usage::default() }
    }

    #[test]
    fn of_several_reports_on_a_message_the_last_counts_and_a_late_copy_does_not() {
        let mut tokens = Tokens::default();
        for (id, output) in [(1, 10), (2, 5), (1, 30)] {
            tokens.of_message(id, used(output));
        }
        tokens.of_session(used(100));
        tokens.of_session(used(7));
        assert_eq!(tokens.total(), used(42));
        (3..3 + RECENT as u64).for_each(|id| tokens.of_message(id, used(1)));
        tokens.of_message(1, used(30));
        assert_eq!(tokens.total(), used(42 + RECENT as u64));
    }
}
