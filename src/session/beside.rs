//! The files that an agent keeps beside a session's own: records of its sub-agents, and output too large for a
//! record. They are named by base name alone, and looked for in the folders where the agent puts them: paths in
//! a record are of the author's machine.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::agent::{self, Agent};
use super::json::Obj;

/// Folder of sub-agents' records, in the folder named for the session.
const AGENTS: &str = "subagents";
/// Folder with a folder of such records for each workflow, beside them.
const WORKFLOWS: &str = "subagents/workflows";
/// Folder with a folder of such records for each call: exports have it beside the session.
const TASKS: &str = "tasks";
/// Most folders that are looked into.
const FOLDERS: usize = 1_000;
/// Folder of large outputs, beside that.
const OUTPUTS: &str = "tool-results";
/// Longest base name that is looked for, in bytes.
const NAME: usize = 128;
/// File with what the person called the session, beside the folders, and the most bytes of it that are read.
const NAME_KEPT: &str = "name.txt";
const NAME_BYTES: u64 = 4096;
/// Most notes beside records of sub-agents that are read for one call.
const NOTES: usize = 1_000;
/// How much of a record is read to tell whose sub-agent it is of, in bytes.
const SAMPLE: u64 = 64 << 10;

/// Where the files beside a session may be.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The folder the session's own file lies in.
    folder: PathBuf,
    /// The session's id: its file's name without extension.
    session: String,
}

/// A file beside a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// Where it is.
    pub path: PathBuf,
    /// Where it belongs in the folder named for the session.
    pub place: PathBuf,
}

impl Companion {
    /// Brings to its place below `folder` what of it is not there yet, `most` bytes of it at most. Returns how many
    /// are missing still. Files and folders are made for their owner alone.
    ///
    /// # Errors
    /// When it cannot be read, or what is read not written: what was written is right, too.
    pub fn copy_below(&self, folder: &Path, most: u64) -> io::Result<u64> {
        // It was there when it was listed; a session goes on without it.
        let Some(mut source) = open(&self.path) else { return Ok(0) };
        let to = folder.join(&self.place);
        if let Some(folder) = to.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let flags = OFlags::NOFOLLOW.bits() as i32;
        let mut copy =
            OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(to)?;
        let copied = copy.metadata()?.len();
        let missing = source.metadata()?.len().saturating_sub(copied);
        source.seek(SeekFrom::Start(copied))?;
        let more = io::copy(&mut source.take(missing.min(most)), &mut copy)?;
        Ok(missing.saturating_sub(more))
    }
}

impl Beside {
    /// What may lie beside the session at `path`.
    pub fn of(path: &Path) -> Option<Self> {
        let folder = path.parent()?.to_owned();
        let session = path.file_stem()?.to_str()?.to_owned();
        Some(Self { folder, session })
    }

    /// The path of the session.
    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.jsonl", self.session))
    }

    /// What the person called the session, where this agent keeps that in one file for all, or a copy beside it.
    pub(super) fn name_by(&self, agent: &dyn Agent) -> Option<String> {
        let (file, id) = agent.name_place(&self.path()).unzip();
        self.name().or_else(|| agent.names(&file?).remove(&id?))
    }

    /// What was kept of what the person called the session, see [`Beside::keep_name`].
    fn name(&self) -> Option<String> {
        let mut name = String::new();
        open(&self.own().join(NAME_KEPT))?.take(NAME_BYTES).read_to_string(&mut name).ok()?;
        Some(name)
    }

    /// The records of the sub-agent of this id.
    pub(crate) fn agent(&self, id: &str) -> Option<File> {
        let name = is_name(id).then(|| format!("agent-{id}.jsonl"))?;
        // Until about version 2.1 they lay flat beside the sessions of all.
        let flat = self.folder.join(&name);
        open(&self.own().join(AGENTS).join(&name))
            .or_else(|| self.is_ours(&flat).then(|| open(&flat))?)
            .or_else(|| self.nested().find_map(|(folder, _)| open(&folder.join(&name))))
    }

    /// The folders, one for each workflow or call, with records of sub-agents, and where these belong in the folder
    /// named for the session.
    fn nested(&self) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        let places = [(self.own(), WORKFLOWS), (self.own(), TASKS), (self.folder.clone(), TASKS)];
        let within = |(base, place): (PathBuf, &'static str)| {
            let found = entries(&base.join(place), fs::FileType::is_dir);
            found.map(move |name| (base.join(place).join(&name), Path::new(place).join(name)))
        };
        places.into_iter().flat_map(within).take(FOLDERS)
    }

    /// The id of the sub-agent that the call of this id sent, where a note beside its records tells. Reads such notes
    /// until one does.
    pub(crate) fn sent_by(&self, call: &str) -> Option<String> {
        let folder = self.own().join(AGENTS);
        names(&folder).take(NOTES).find_map(|name| {
            let id = name.strip_prefix("agent-")?.strip_suffix(".meta.json")?;
            let mut note = String::new();
            open(&folder.join(&name))?.take(SAMPLE).read_to_string(&mut note).ok()?;
            let named = Obj::parse(&note)?.text("toolUseId")?;
            (!call.is_empty() && named == call).then(|| id.to_owned())
        })
    }

    /// The output of this base name.
    pub(crate) fn output(&self, name: &str) -> Option<File> {
        is_name(name).then(|| open(&self.own().join(OUTPUTS).join(name)))?
    }

    /// Keeps below `folder` what the person called the session, for a copy beside that folder: where its agent keeps it,
    /// in one file for all sessions, nobody can look for that of the copy. What is kept there stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_name(&self, folder: &Path) -> io::Result<()> {
        let Some(name) = agent::AGENTS.iter().find_map(|agent| self.name_by(*agent)) else {
            return Ok(());
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(NAME_KEPT)) {
            Ok(mut file) => file.write_all(name.as_bytes()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All there are, for a copy.
    pub fn companions(&self) -> Vec<Companion> {
        let below = |place: &str| {
            let place = PathBuf::from(place);
            names(&self.own().join(&place)).map(move |name| place.join(name)).collect::<Vec<_>>()
        };
        let own = [AGENTS, OUTPUTS].map(below).into_iter().flatten();
        let own = own.map(|place| Companion { path: self.own().join(&place), place });
        let records_in = |folder: PathBuf, place: PathBuf| {
            let records =
                names(&folder).filter(|name| name.starts_with("agent-") && name.ends_with(".jsonl"));
            records.map(move |name| Companion { path: folder.join(&name), place: place.join(name) })
        };
        let flat = records_in(self.folder.clone(), PathBuf::from(AGENTS));
        let flat = flat.filter(|companion| self.is_ours(&companion.path));
        own.chain(flat).chain(self.nested().flat_map(|(folder, place)| records_in(folder, place))).collect()
    }

    /// The folder named for the session.
    fn own(&self) -> PathBuf {
        self.folder.join(&self.session)
    }

    /// Whether the records at `path`, which lie beside many sessions, name this one.
    fn is_ours(&self, path: &Path) -> bool {
        let mut sample = Vec::new();
        let read = open(path).and_then(|file| file.take(SAMPLE).read_to_end(&mut sample).ok());
        let named = format!("\"sessionId\":\"{}\"", self.session);
        read.is_some() && memchr::memmem::find(&sample, named.as_bytes()).is_some()
    }
}

/// A base name that cannot lead anywhere else.
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= NAME && !name.starts_with('.') && name.bytes().all(plain)
}

/// Names of the regular files in a folder.
fn names(folder: &Path) -> impl Iterator<Item = String> + use<> {
    entries(folder, fs::FileType::is_file)
}

/// Names of what is of this kind in a folder.
fn entries(folder: &Path, is_wanted: fn(&fs::FileType) -> bool) -> impl Iterator<Item = String> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let wanted = entries.filter(move |entry| entry.file_type().is_ok_and(|kind| is_wanted(&kind)));
    wanted.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_name(name))
}

/// Opens a regular file that is no symbolic link; never waits.
fn open(path: &Path) -> Option<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags as i32).open(path).ok()?;
    file.metadata().is_ok_and(|found| found.is_file()).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_folders_of_a_session_is_reached() {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join("s1");
        for folder in [AGENTS, OUTPUTS] {
            fs::create_dir_all(own.join(folder)).unwrap();
        }
        fs::write(home.path().join("secret.txt"), "secret").unwrap();
        fs::write(own.join("secret.txt"), "secret").unwrap();
        fs::write(own.join(OUTPUTS).join("a.txt"), "output").unwrap();
        std::os::unix::fs::symlink("../../secret.txt", own.join(OUTPUTS).join("b.txt")).unwrap();
        let beside = Beside::of(&home.path().join("s1.jsonl")).unwrap();
        assert!(beside.output("a.txt").is_some());
        for name in ["b.txt", "../secret.txt", "../../secret.txt", "/etc/passwd", "", ".", "..", "a.txt\0"] {
            assert!(beside.output(name).is_none(), "{name}");
        }
    }

    #[test]
    fn companions_are_the_files_of_this_session_alone() {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join("s1");
        fs::create_dir_all(own.join(AGENTS)).unwrap();
        fs::create_dir_all(own.join(OUTPUTS)).unwrap();
        fs::write(own.join(AGENTS).join("agent-a1.jsonl"), "x").unwrap();
        fs::write(own.join(OUTPUTS).join("o.txt"), "x").unwrap();
        fs::write(home.path().join("agent-b2.jsonl"), r#"{"sessionId":"s1"}"#).unwrap();
        fs::write(home.path().join("agent-c3.jsonl"), r#"{"sessionId":"s2"}"#).unwrap();
        fs::write(home.path().join("s2.jsonl"), "x").unwrap();
        for (folder, file) in [
            (own.join(WORKFLOWS).join("wf_1"), "agent-d4.jsonl"),
            (own.join(WORKFLOWS).join("wf_1"), "journal.jsonl"),
            (home.path().join(TASKS).join("toolu_1"), "agent-e5.jsonl"),
        ] {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(file), "x").unwrap();
        }
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("agent-f6.jsonl"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), own.join(WORKFLOWS).join("wf_2")).unwrap();
        let beside = Beside::of(&home.path().join("s1.jsonl")).unwrap();
        let mut places: Vec<_> = beside.companions().into_iter().map(|found| found.place).collect();
        places.sort();
        let expected = [
            "subagents/agent-a1.jsonl",
            "subagents/agent-b2.jsonl",
            "subagents/workflows/wf_1/agent-d4.jsonl",
            "tasks/toolu_1/agent-e5.jsonl",
            "tool-results/o.txt",
        ];
        assert_eq!(places, expected.map(PathBuf::from));
        let found = |id: &str| beside.agent(id).is_some();
        assert_eq!(
            ["a1", "b2", "d4", "e5", "c3", "f6", "x9"].map(found),
            [true, true, true, true, false, false, false]
        );
    }
}
