//! The ids of what has no number of its own: replies and thoughts are counted from the step, aside or prompt before
//! them. `s12r1` is the first reply after step 12, `p3t2` the second thought for prompt 3. Those ids stay while a
//! session grows, and whatever else of it comes to be shown.

use crate::session::model::{Turn, WindowNo};

/// Hands out ids in the order of the page.
#[derive(Clone, Default)]
pub(super) struct Anchors {
    /// What stands before; blank where nothing has an id.
    near: String,
    replies: u32,
    thoughts: u32,
}

impl Anchors {
    /// The ids after what has the id `near`.
    pub(super) fn after(near: String) -> Self {
        Self { near, ..Self::default() }
    }

    /// The ids of a turn. One that goes on in another window does not know what stands before: `w3r1`.
    pub(super) fn of(turn: &Turn, window: WindowNo) -> Self {
        Self::after(if turn.continued { format!("w{window}") } else { format!("p{}", turn.no) })
    }

    /// The ids inside the sub-agent that the step of this id sent, before its first step.
    pub(super) fn inside(step: &str) -> Self {
        Self::after(format!("{step}.0"))
    }

    /// The id of the next reply; blank where there is none to be had.
    pub(super) fn reply(&mut self) -> String {
        self.replies += 1;
        self.id('r', self.replies)
    }

    /// The id of the next thought.
    pub(super) fn thought(&mut self) -> String {
        self.thoughts += 1;
        self.id('t', self.thoughts)
    }

    fn id(&self, kind: char, no: u32) -> String {
        if self.near.is_empty() { String::new() } else { format!("{}{kind}{no}", self.near) }
    }
}
