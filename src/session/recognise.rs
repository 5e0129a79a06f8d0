//! Whose session a file is, told by its content: every agent looks at the first records, until one of them is
//! sure and no other is in question.

use super::agent::{AGENTS, Agent, Layout, Likeness, Line};
use super::discovery::{PLACES, Root};
use super::document::Document;
use super::error::OpenError;
use super::feeding::trimmed;
use super::lines::{MAX_LINE, Place, Sink};
use super::source::Source;

/// Bytes looked at, and more where these tell nothing: a session may begin with a prompt that holds pictures.
const SAMPLE: usize = 1 << 20;
const LARGER: [usize; 2] = [8 << 20, MAX_LINE + SAMPLE];
/// Bytes looked at first: most files tell by them.
const FIRST: usize = 64 << 10;
/// Records looked at, at most.
const RECORDS: usize = 400;
/// Records after which an agent that is sure is believed, if nothing spoke for another: a file may begin with
/// what was copied from another agent's.
const ENOUGH: usize = 8;

/// Whose session this is, by its first megabyte; by more where no whole record ends in that.
pub(super) fn recognised(source: &Source) -> Result<&'static dyn Agent, OpenError> {
    let len = usize::try_from(source.len()?).unwrap_or(usize::MAX);
    let first = source.bytes(0, len.min(FIRST))?;
    // The last line is looked at only where it is whole: its rest may speak for somebody else.
    let whole = if len > FIRST { memchr::memrchr(b'\n', &first).unwrap_or_default() } else { first.len() };
    if let Some(agent) = at_once(first.get(..whole).unwrap_or_default()) {
        return Ok(agent);
    }
    let bytes = if len > FIRST { source.bytes(0, len.min(SAMPLE))? } else { first };
    let mut told_by = told(&bytes);
    let mut seen = bytes;
    for size in LARGER {
        // Of a record that is cut only its words can speak.
        let sure = match &told_by {
            Ok((likeness, _)) => *likeness == Likeness::Certain || seen.contains(&b'\n'),
            Err(error) => !matches!(error, OpenError::NotASession { .. }),
        };
        if sure || seen.len() >= len {
            break;
        }
        seen = source.bytes(0, len.min(size))?;
        told_by = told(&seen);
    }
    told_by.map(|(_, agent)| agent)
}

/// The agent that [`ENOUGH`] lines are surely of, while none speaks for another.
fn at_once(bytes: &[u8]) -> Option<&'static dyn Agent> {
    let agents: Vec<_> =
        AGENTS.iter().filter(|agent| !matches!(agent.layout(), Layout::Document { .. })).collect();
    let mut votes = vec![(Likeness::Unknown, 0); agents.len()];
    for line in lines(bytes) {
        for (agent, (best, sure)) in agents.iter().zip(&mut votes) {
            let likeness = agent.likeness(&line);
            if likeness == Likeness::Foreign || *best == Likeness::Foreign {
                *best = Likeness::Foreign;
            } else {
                *best = likeness.max(*best);
                *sure += usize::from(likeness == Likeness::Certain);
            }
        }
        let mut likely = votes.iter().zip(&agents).filter(|((best, _), _)| *best >= Likeness::Likely);
        if let (Some(((_, sure), agent)), None) = (likely.next(), likely.next())
            && *sure >= ENOUGH
        {
            return Some(**agent);
        }
    }
    None
}

/// The most likely agent, all of the sample considered; of several the last of the table, which is the more
/// particular.
fn told(bytes: &[u8]) -> Result<(Likeness, &'static dyn Agent), OpenError> {
    if bytes.starts_with(b"SQLite format 3\0") {
        return Err(OpenError::Database);
    }
    let lines: Vec<Line<'_>> = lines(bytes).collect();
    if lines.is_empty() {
        return Err(OpenError::Empty);
    }
    let likeness = |agent: &dyn Agent| match agent.layout() {
        Layout::Lines | Layout::Runs(_) => overall(lines.iter().map(|line| agent.likeness(line))),
        Layout::Document { array, head } => {
            let elements = Elements::of(array, head, bytes);
            overall(elements.0.iter().map(|element| agent.likeness(&Line::of(element))))
        }
    };
    let best = AGENTS.iter().map(|agent| (likeness(*agent), *agent)).max_by_key(|(likeness, _)| *likeness);
    match best {
        Some((likeness @ (Likeness::Likely | Likeness::Certain), agent)) => Ok((likeness, agent)),
        _ => Err(OpenError::NotASession { records: lines.len(), agents: names().join(", ") }),
    }
}

fn overall(mut all: impl Iterator<Item = Likeness>) -> Likeness {
    let best = all.try_fold(Likeness::Unknown, |best, likeness| match likeness {
        Likeness::Foreign => None,
        likeness => Some(best.max(likeness)),
    });
    best.unwrap_or(Likeness::Foreign)
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let lines = bytes.split(|b| *b == b'\n').map(trimmed).filter(|line| !line.is_empty());
    lines.take(RECORDS).map(Line::of)
}

/// The agents' names, each once, and where each keeps its sessions by default.
fn names() -> Vec<String> {
    let mut names: Vec<_> = AGENTS.iter().map(|agent| agent.name()).collect();
    names.dedup();
    let folder = |name: &str| match PLACES.iter().find(|place| place.agent == name)?.root {
        Root::Home(below) => Some(format!(" ~/{below}")),
        Root::Data(below) => Some(format!(" ~/.local/share/{below}")),
    };
    names.into_iter().map(|name| format!("{name}{}", folder(name).unwrap_or_default())).collect()
}

/// The first elements of a document.
#[derive(Default)]
struct Elements(Vec<Vec<u8>>);

impl Elements {
    fn of(array: &'static str, head: Option<&'static str>, bytes: &[u8]) -> Self {
        let mut elements = Self::default();
        Document::new(array, head).split(bytes, &mut elements);
        elements
    }
}

impl Sink for Elements {
    fn line(&mut self, _: Place, bytes: &[u8]) {
        if self.0.len() < RECORDS {
            self.0.push(bytes.to_vec());
        }
    }

    fn too_long(&mut self, _: Place, _: u64) {}

    fn tail(&mut self, _: Place, _: &[u8]) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn files(folder: &Path, found: &mut Vec<Vec<u8>>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(fs::read(path).unwrap());
            }
        }
    }

    /// Files of this repository, and those of the corpus where it is there.
    fn all_files() -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for folder in ["examples", "tests/fixtures", "target/corpus"] {
            files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
        }
        found
    }

    #[test]
    fn who_is_believed_early_is_who_all_records_speak_for() {
        let mut early = 0;
        for bytes in all_files() {
            let sample = &bytes[..bytes.len().min(SAMPLE)];
            if let Some(agent) = at_once(&bytes[..bytes.len().min(FIRST)]) {
                assert_eq!(agent.name(), told(sample).unwrap().1.name());
                early += 1;
            }
        }
        assert!(early >= 3, "{early} were believed early");
    }

    #[test]
    fn a_few_records_of_another_agent_at_the_start_do_not_decide() {
        let codex = r#"{"timestamp":"2026-05-04T09:00:02.000Z","type":"event_msg","payload":{"type":"x"}}"#;
        let kimi = r#"{"type":"context.append_message","message":{"role":"user","content":[]}}"#;
        let text = [vec![codex; ENOUGH - 1], vec![kimi; 20]].concat().join("\n");
        assert!(at_once(text.as_bytes()).is_none(), "both are sure: all of the sample is looked at");
        let text = [vec![codex; ENOUGH], vec!["{}"; 20]].concat().join("\n");
        assert_eq!(at_once(text.as_bytes()).map(Agent::name), Some("Codex"));
    }
}
