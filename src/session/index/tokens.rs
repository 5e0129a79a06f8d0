//! Tokens of messages, each counted once. A message is told of several times, the last one counts; these stand
//! close together, so that only what the last messages used is kept.

use std::collections::VecDeque;

use foldhash::{HashMap, HashSet};

use crate::session::model::{Cost, Usage};

/// Messages whose tokens may still be told anew.
const RECENT: usize = 1_000;

/// Tokens and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub usage: Usage,
    pub cost: Cost,
}

impl std::ops::Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { usage: self.usage + other.usage, cost: self.cost + other.cost }
    }
}

impl std::ops::Sub for Spent {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { usage: self.usage - other.usage, cost: self.cost - other.cost }
    }
}

/// What was used so far.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    total: Spent,
    /// What the agent told of the session as a whole, last.
    session: Spent,
    /// Every message that is in the total.
    counted: HashSet<u64>,
    recent: HashMap<u64, Spent>,
    /// In the order in which they were first told of.
    order: VecDeque<u64>,
}

impl Tokens {
    /// All of them.
    pub(super) fn total(&self) -> Spent {
        self.total + self.session
    }

    /// Notes the tokens of the whole session up to here.
    pub(crate) fn of_session(&mut self, spent: Spent) {
        self.session = spent;
    }

    /// Notes the tokens of the message of this id. What is told once more of a message that was followed by a
    /// thousand others is a copy, and does not count.
    pub(crate) fn of_message(&mut self, id: u64, spent: Spent) {
        if self.counted.insert(id) {
            self.total = self.total + spent;
            self.recent.insert(id, spent);
            self.order.push_back(id);
            if self.order.len() > RECENT
                && let Some(oldest) = self.order.pop_front()
            {
                self.recent.remove(&oldest);
            }
        } else if let Some(told) = self.recent.get_mut(&id) {
            self.total = self.total - *told + spent;
            *told = spent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(output: u64) -> Spent {
        Spent {
            usage: Usage { output, ..Usage::default() },
            cost: Cost { nanodollars: output * 7, unpriced: 0 },
        }
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
