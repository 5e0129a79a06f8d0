//! Questions to the index: where things are.

use super::steps::Mark;
use super::{Entry, Index, Kind, WindowMark};
use crate::session::model::{StepKind, WindowNo};

/// A stretch of the file from which a window shows something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub window: WindowNo,
    /// Offset of its first byte.
    pub from: u64,
    /// Offset behind its last byte.
    pub to: u64,
}

/// What a window is made of.
#[derive(Debug)]
pub(crate) struct WindowPlan {
    pub mark: WindowMark,
    pub entries: Vec<Entry>,
    /// Number of the first of `entries`.
    pub first: u32,
    pub next: bool,
    /// The last turn goes on in the next window.
    pub unfinished: bool,
}

impl Index {
    /// How many windows are known.
    pub(crate) fn window_count(&self) -> WindowNo {
        self.windows.len() as WindowNo
    }

    /// Whether all that the file held when it was last read is in here.
    pub(crate) fn complete(&self) -> bool {
        self.complete
    }

    /// Grows with every change.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn plan(&self, no: WindowNo) -> Option<WindowPlan> {
        let mark = *self.windows.get(no as usize)?;
        let next = self.windows.get(no as usize + 1);
        let end = next.map_or(self.entries.len(), |next| next.entry as usize);
        let mut entries = self.entries.range(mark.entry as usize..end)?;
        if next.is_none() {
            entries.extend(self.pending.iter().map(|(_, entry)| *entry));
        }
        let unfinished = next.is_some_and(|next| next.continued);
        Some(WindowPlan { mark, entries, first: mark.entry, next: next.is_some(), unfinished })
    }

    /// The last window that can be read without what stands before it: where its first record stands, its
    /// number, and the turn open at its start. What waits to be said is behind that.
    pub(crate) fn resume(&self) -> Option<(u64, WindowNo, u32)> {
        let waits = self.pending.iter().map(|(new, _)| new.place.offset).min().unwrap_or(u64::MAX);
        self.windows.iter().enumerate().rev().find_map(|(no, mark)| {
            let first = self.entries.get(mark.entry)?;
            (first.offset <= waits).then_some((first.offset, no as WindowNo, mark.turn))
        })
    }

    /// How many entries there are.
    pub(crate) fn entry_count(&self) -> u32 {
        u32::try_from(self.entries.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn entry(&self, no: u32) -> Option<Entry> {
        self.entries.get(no)
    }

    /// The record that brings the result of a call.
    pub(crate) fn result_of(&self, id: u64) -> Option<(u32, Entry)> {
        let no = self.steps.result_of(id)?;
        Some((no, self.entry(no)?))
    }

    /// Whether the result of this id in record `entry` is shown by a step.
    pub(crate) fn is_shown(&self, id: u64, entry: u32) -> bool {
        self.steps.is_shown(id, entry)
    }

    /// The records of the sub-agent that `step` sent with this brief, at most `max` of them, and how many more there are.
    pub(crate) fn sub_agent(&self, brief: u64, step: u32, max: usize) -> (Vec<(u32, Entry)>, usize) {
        let chain = self.briefs.get(&brief).and_then(|brief| {
            let nth = brief.steps.binary_search(&step).ok()?;
            self.chains.get(*brief.chains.get(nth)? as usize)
        });
        let entries = chain.map(|chain| chain.entries.as_slice()).unwrap_or_default();
        let first = entries.iter().take(max).filter_map(|no| Some((*no, self.entry(*no)?)));
        (first.collect(), entries.len().saturating_sub(max))
    }

    /// Where what the sub-agent does is relayed that a call sent: offset and length of each record.
    pub(crate) fn relayed(&self, call: u64) -> &[(u64, u32)] {
        self.relayed.get(&call).map(Vec::as_slice).unwrap_or_default()
    }

    /// If a chain begins at `entry` that no step sent: how many records it has.
    pub(crate) fn stray_chain(&self, entry: u32) -> Option<usize> {
        let chain = self.chains.get(*self.roots.get(&entry)? as usize)?;
        let sent = self.briefs.get(&chain.brief).is_some_and(|brief| chain.nth < brief.steps.len());
        (!sent).then_some(chain.entries.len())
    }

    /// The record with the step of this number.
    pub(crate) fn step_entry(&self, no: u32) -> Option<(u32, Entry)> {
        if no == 0 || no > self.main_steps {
            return None;
        }
        // Entries of sub-agents share the count of what follows them: the last below `no` holds it.
        let at = self.entries.before_step(no)?;
        Some((at, self.entry(at)?)).filter(|(_, entry)| entry.kind != Kind::Side)
    }

    /// The record with the image of this number.
    pub(crate) fn image_entry(&self, no: u32) -> Option<Entry> {
        self.entry(self.entries.with_image(no)?)
    }

    fn window_of(&self, entry: u32) -> Option<WindowNo> {
        let at = self.windows.partition_point(|w| w.entry <= entry).checked_sub(1)?;
        Some(at as WindowNo)
    }

    pub(crate) fn place_of_step(&self, no: u32) -> Option<WindowNo> {
        self.step_entry(no).and_then(|(at, _)| self.window_of(at))
    }

    pub(crate) fn place_of_prompt(&self, no: u32) -> Option<WindowNo> {
        let at = self.turns.partition_point(|turn| turn.no < no);
        self.turns.get(at).filter(|turn| turn.no == no).map(|turn| turn.window)
    }

    pub(crate) fn place_of_aside(&self, no: u32) -> Option<WindowNo> {
        let pending: usize = self.pending.iter().map(|(new, _)| new.asides.len()).sum();
        let asides = self.entries.asides();
        if no > asides && no as usize <= asides as usize + pending {
            return self.window_count().checked_sub(1);
        }
        self.window_of(self.entries.with_aside(no)?)
    }

    /// From where in the file the windows from number `from` on show something; at least one a window.
    pub(crate) fn spans(&self, from: WindowNo) -> Vec<Span> {
        let mut spans = Vec::new();
        for (no, window) in self.windows.iter().enumerate().skip(from as usize) {
            let next = self.windows.get(no + 1).map_or(self.entries.len() as u32, |next| next.entry);
            let (from, to) = self.entries.stretch(window.entry..next);
            spans.push(Span { window: no as WindowNo, from, to });
        }
        let far = |entry: u32, window: WindowNo| {
            let away = self.window_of(entry).is_some_and(|own| own != window) && window >= from;
            let (from, to) = self.entries.stretch(entry..entry + 1);
            away.then_some(Span { window, from, to })
        };
        // Results that stand in another window than their calls.
        spans.extend(
            self.steps.all().iter().filter_map(|mark| far(mark.result()?, self.window_of(mark.entry)?)),
        );
        // Sub-agents inside the same file.
        for brief in self.briefs.values() {
            for (step, chain) in brief.steps.iter().zip(&brief.chains) {
                let (Some(window), Some(chain)) =
                    (self.place_of_step(*step), self.chains.get(*chain as usize))
                else {
                    continue;
                };
                spans.extend(chain.entries.iter().filter_map(|entry| far(*entry, window)));
            }
        }
        spans
    }

    /// The windows from number `from` on that show something from elsewhere than the file: the last one (what waits
    /// to be said), and those with steps that sent sub-agents, if these lie `beside` the file.
    pub(crate) fn opaque(&self, from: WindowNo, beside: bool) -> Vec<WindowNo> {
        let sends = |mark: &&Mark| beside && mark.kind == StepKind::Agent;
        let senders = self.steps.all().iter().filter(sends).filter_map(|mark| self.window_of(mark.entry));
        senders.chain(self.window_count().checked_sub(1)).filter(|no| *no >= from).collect()
    }
}
