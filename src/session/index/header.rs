//! The header and the outline as they grow, and the [`Overview`] made of them.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use super::steps::Mark;
use super::tokens::{Spent, Tokens};
use super::{Index, hash};
use crate::redact::CleanText;
use crate::session::model::{Ended, OutlineAside, OutlineEntry, Overview, StepKind, TitleBy, WindowNo};
use crate::session::timeline::{Event, Timeline};

/// Summaries kept, the last ones: each is looked for among all messages.
const SUMMARIES: usize = 64;
/// Kinds kept of one turn, and of its sub-agents' steps.
pub(super) const KINDS: usize = 512;

/// A turn in the outline, as it grows.
#[derive(Debug)]
pub(crate) struct TurnHead {
    pub no: u32,
    pub window: WindowNo,
    text: CleanText,
    command: bool,
    at: Option<Timestamp>,
    last: Option<Timestamp>,
    kinds: Vec<StepKind>,
    ends: Vec<Ended>,
    steps: u32,
    /// Number of its first step.
    first: u32,
    asides: Vec<OutlineAside>,
}

impl TurnHead {
    /// A turn before which there were so many steps.
    pub(super) fn new(
        no: u32,
        window: WindowNo,
        text: CleanText,
        command: bool,
        at: Option<Timestamp>,
        before: u32,
    ) -> Self {
        let (kinds, ends, asides) = (vec![], vec![], vec![]);
        Self { no, window, text, command, at, last: None, kinds, ends, steps: 0, first: before + 1, asides }
    }

    pub(super) fn aside(&mut self, no: u32, window: WindowNo, text: CleanText, at: Option<Timestamp>) {
        self.asides.push(OutlineAside { no, window, text, at, after: self.steps });
    }

    /// When it was said.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.at
    }

    pub(super) fn asides(&self) -> impl Iterator<Item = &OutlineAside> {
        self.asides.iter()
    }

    /// Number of its first step, or of the next one if it has none.
    pub(super) fn first_step(&self) -> u32 {
        self.first
    }

    /// Notes how its step of this number ended.
    pub(super) fn ended(&mut self, no: u32, ended: Ended) {
        let nth = no.checked_sub(self.first).map(|nth| nth as usize);
        if let Some(kept) = nth.and_then(|nth| self.ends.get_mut(nth)) {
            *kept = ended;
        }
    }

    pub(super) fn went_on(&mut self, at: Option<Timestamp>, steps: &[Mark]) {
        // Timestamps go backwards here and there.
        self.last = self.last.max(at);
        self.steps += steps.len() as u32;
        let kept = steps.get(..KINDS.saturating_sub(self.kinds.len()).min(steps.len())).unwrap_or_default();
        self.kinds.extend(kept.iter().map(|step| step.kind));
        self.ends.extend(kept.iter().map(|step| step.ended));
    }

    fn entry(&self, timeline: &Timeline) -> OutlineEntry {
        let worked = self.at.zip(self.last).map(|(at, last)| timeline.active_between(at, last));
        OutlineEntry {
            no: self.no,
            window: self.window,
            text: self.text.clone(),
            command: self.command,
            at: self.at,
            worked: worked.filter(|worked| !worked.is_zero()),
            kinds: self.kinds.clone(),
            ends: self.ends.clone(),
            steps: self.steps,
            asides: self.asides.clone(),
            ..OutlineEntry::default()
        }
    }
}

/// What sub-agents in files of their own add to the overview.
#[derive(Debug, Default)]
pub(crate) struct Annex {
    pub steps: u32,
    /// The same by the position of the turn that sent them.
    pub turns: HashMap<u32, u32>,
    pub spent: Spent,
    pub events: Vec<Event>,
}

/// The header, as it grows.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub version: Option<CleanText>,
    pub project: Option<CleanText>,
    /// The first working folder, to shorten paths by. Not cleaned: never shown itself.
    pub root: Option<String>,
    pub branch: Option<CleanText>,
    /// A title the person gave, one the agent gave, and summaries with the id of the message they are of.
    pub custom_title: Option<CleanText>,
    pub agent_title: Option<CleanText>,
    summaries: VecDeque<(String, CleanText)>,
    /// What the person called the session, where the agent keeps that beside it.
    pub name: Option<CleanText>,
    /// Whether the file is a sub-agent's own, as its first record that tells says.
    pub sub_agent: Option<bool>,
    pub models: Vec<CleanText>,
    pub sub_steps: u32,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    pub tokens: Tokens,
}

impl Header {
    /// Notes a summary as a title, and the id of the message it is of.
    pub(crate) fn summary(&mut self, message: &str, title: CleanText) {
        self.summaries.push_back((message.to_owned(), title));
        if self.summaries.len() > SUMMARIES {
            self.summaries.pop_front();
        }
    }

    /// Notes a time.
    pub(crate) fn seen(&mut self, at: Option<Timestamp>) {
        self.started = match (self.started, at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.ended = self.ended.max(at);
    }
}

/// Folders of a repository in which tools keep further working trees of it.
const WORKTREES: [&str; 2] = ["/.worktrees/", "/.claude/worktrees/"];

/// What a working folder is called: its base name, with the folder above it where that is a mere number. A further
/// working tree of a repository is called as the repository: the branch tells it apart.
pub(crate) fn project_name(cwd: &str) -> String {
    let repository = WORKTREES.iter().find_map(|folder| Some(cwd.split_once(folder)?.0));
    let cwd = repository.unwrap_or(cwd);
    let mut parts = cwd.trim_end_matches(['/', '\\']).rsplit(['/', '\\']);
    let base = parts.next().unwrap_or_default();
    match parts.next().filter(|above| !above.is_empty()) {
        Some(above) if !base.contains(char::is_alphabetic) => format!("{above}/{base}"),
        _ => base.to_owned(),
    }
}

impl Index {
    /// The working folder, where the agent told.
    pub(crate) fn root(&self) -> Option<&str> {
        self.header.root.as_deref()
    }

    /// The summaries that may be the title, the last first, each with the id of the message it is of; none if there is
    /// a better one.
    pub(crate) fn summaries(&self) -> Vec<(String, CleanText)> {
        let Header { custom_title, agent_title, summaries, .. } = &self.header;
        let better = custom_title.is_some() || agent_title.is_some();
        summaries.iter().rev().filter(|_| !better).cloned().collect()
    }

    /// Whether the file is a sub-agent's own.
    pub(crate) fn is_sub_agents(&self) -> bool {
        self.header.sub_agent == Some(true)
    }

    /// The title that the records give, and who gave it.
    pub(crate) fn title(&self) -> Option<(TitleBy, CleanText)> {
        let Header { custom_title, agent_title, summaries, .. } = &self.header;
        let summary = || summaries.iter().rev().find(|(leaf, _)| self.ids.contains(&hash(leaf)));
        let by = |by| move |title: &CleanText| (by, title.clone());
        let given = custom_title.as_ref().map(by(TitleBy::Person));
        let given = given.or_else(|| agent_title.as_ref().map(by(TitleBy::Agent)));
        given.or_else(|| summary().map(|(_, title)| (TitleBy::Summary, title.clone())))
    }

    /// The overview of what is indexed so far.
    pub(crate) fn overview(&self, agent: &'static str) -> Overview {
        let header = &self.header;
        let timeline = self.timeline();
        let (sub_steps, mut inside) = (self.sub_steps(), self.inside());
        let lines = |turn: u32| self.changes.as_ref()?.turns.get(&turn).copied();
        let mut outline: Vec<OutlineEntry> = (0..)
            .zip(&self.turns)
            .map(|(no, turn)| {
                let (added, removed) = lines(no).unwrap_or_default();
                let sub_steps = sub_steps.get(&no).copied().unwrap_or_default();
                let inside = inside.remove(&no).unwrap_or_default();
                OutlineEntry { sub_steps, inside, added, removed, ..turn.entry(&timeline) }
            })
            .collect();
        let window = self.window_count().saturating_sub(1);
        if let Some(last) = outline.last_mut() {
            let waiting = self.pending.iter().flat_map(|(new, entry)| {
                new.asides.iter().map(move |text| (entry.asides + 1, text.clone(), new.at))
            });
            let after = last.steps;
            last.asides.extend(waiting.map(|(no, text, at)| OutlineAside { no, window, text, at, after }));
        }
        let spent = header.tokens.total() + self.annex.spent;
        Overview {
            agent,
            version: header.version.clone(),
            models: header.models.clone(),
            title: self.title().map(|(_, title)| title).or_else(|| header.name.clone()),
            project: header.project.clone(),
            // A detached head is on no branch.
            branch: header.branch.clone().filter(|branch| branch.as_str() != "HEAD"),
            started: header.started,
            ended: header.ended,
            usage: spent.usage,
            cost: spent.cost,
            steps: self.main_steps,
            sub_steps: header.sub_steps + self.annex.steps,
            outline,
            timeline,
            changes: self.changes.clone(),
            ending: None,
            windows: self.window_count(),
            complete: self.complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::project_name;

    #[test]
    fn a_project_is_called_by_its_folder_and_a_worktree_by_its_repository() {
        for (cwd, want) in [
            ("/home/ada/tally/", "tally"),
            ("/home/ada/tally/2", "tally/2"),
            (r"C:\ada\tally", "tally"),
            ("/home/ada/tally/.worktrees/2", "tally"),
            ("/home/ada/tally/.worktrees/ada/fix/src", "tally"),
            ("/home/ada/tally/.claude/worktrees/fix", "tally"),
        ] {
            assert_eq!(project_name(cwd), want, "{cwd}");
        }
    }
}
