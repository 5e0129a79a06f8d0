//! A private copy that grows as its source does: what a live page is made from.
//!
//! The page reads the copy alone, so whatever becomes of the source (deleted, cut, replaced, also while no
//! daemon runs), what it showed last stays. The source is looked up by its path each time: a program that
//! appends by writing a longer file in its place is followed as well. It counts as the same file while the
//! end of the copy is found where it was copied from. What lies beside the source is brought beside the copy.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::OFlags;

use crate::own_file;
use crate::session::Beside;

/// Bytes copied by one look, so that it takes a bounded time.
const PIECE: u64 = 4 << 20;
/// How much of the copy's end is compared with the source before anything is appended, in bytes.
const TAIL: u64 = 4096;

/// What a look at the source found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing new.
    Same,
    /// The copy has grown to all that is there.
    Grown,
    /// The copy has grown, and there is more: look again at once.
    More,
    /// The source is not what was copied: the copy stays as it is.
    Lost(Lost),
}

/// Why a source is not followed any more. It is again, should it come back as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nothing stands at its path.
    Missing,
    /// It is shorter than what was copied.
    Cut,
    /// Something else stands at its path.
    Replaced,
    /// The system refuses to read it.
    Unreadable(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Missing => f.write_str("the session file is gone"),
            Lost::Cut => f.write_str("the session file was cut"),
            Lost::Replaced => f.write_str("the session file was replaced by another"),
            Lost::Unreadable(why) => write!(f, "the session file cannot be read: {why}"),
        }
    }
}

/// A source and its copy.
#[derive(Debug)]
pub(super) struct Follower {
    source: PathBuf,
    copy: File,
    /// Bytes of the source that are in the copy.
    copied: u64,
    /// What the last whole look found, and of which state of the file: while that is the same, so is the answer.
    known: Option<(Stamp, Look)>,
    /// When the source was last seen to grow.
    grown: Instant,
    companions: Companions,
}

/// What lies beside a source, to be brought beside its copy: sub-agents, large outputs.
#[derive(Debug)]
struct Companions {
    beside: Option<Beside>,
    to: PathBuf,
    /// All that was there at the last look is.
    whole: bool,
}

impl Companions {
    /// Brings a piece of what is missing.
    fn bring(&mut self) -> io::Result<()> {
        self.whole = false;
        for companion in self.beside.iter().flat_map(Beside::companions) {
            if companion.copy_below(&self.to, PIECE)? > 0 {
                return Ok(());
            }
        }
        self.whole = true;
        Ok(())
    }
}

/// What tells cheaply whether anybody has touched a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    len: u64,
    written: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            len: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Follower {
    /// Follows `source` into `copy`, which is made (0600), or gone on with if it is there.
    ///
    /// # Errors
    /// When the copy cannot be opened or made.
    pub(super) fn open(source: &Path, copy: &Path) -> io::Result<Self> {
        let to = copy.with_extension("");
        let mut options = OpenOptions::new();
        let copy = own_file::open_regular(copy, options.read(true).write(true).create(true).truncate(false))?;
        let copied = copy.metadata()?.len();
        // Before the daemon's time, the file's own clock tells.
        let written = fs::metadata(source).and_then(|metadata| metadata.modified()).ok();
        let age = written.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
        let now = Instant::now();
        let grown = now.checked_sub(age).unwrap_or(now);
        let beside = Beside::of(source);
        // Before the copy is read.
        beside.as_ref().map_or(Ok(()), |beside| beside.keep_name(&to))?;
        let companions = Companions { beside, to, whole: false };
        Ok(Self { source: source.to_owned(), copy, copied, known: None, grown, companions })
    }

    /// How long the source has not grown.
    pub(super) fn quiet(&self) -> Duration {
        self.grown.elapsed()
    }

    /// Looks at the source, and takes a piece of what it has grown by into the copy. Costs one `stat` while
    /// nothing happens.
    ///
    /// # Errors
    /// When the copy cannot be written: what it holds stays right, and the next look tries again.
    pub(super) fn look(&mut self) -> io::Result<Look> {
        let look = self.look_at_session()?;
        if matches!(look, Look::Grown | Look::More) || !self.companions.whole {
            self.companions.bring()?;
        }
        Ok(if look == Look::Grown && !self.companions.whole { Look::More } else { look })
    }

    fn look_at_session(&mut self) -> io::Result<Look> {
        let lost = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Look::Lost(Lost::Missing),
            _ => Look::Lost(Lost::Unreadable(error.to_string())),
        };
        let stamp = match fs::metadata(&self.source) {
            Ok(metadata) => Stamp::of(&metadata),
            Err(error) => return Ok(lost(error)),
        };
        if let Some((known, look)) = &self.known
            && *known == stamp
        {
            return Ok(look.clone());
        }
        // Opening never waits: a pipe may stand in the file's place by now.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        let source = match OpenOptions::new().read(true).custom_flags(flags as i32).open(&self.source) {
            Ok(source) => source,
            Err(error) => return Ok(lost(error)),
        };
        let metadata = match source.metadata() {
            Ok(metadata) => metadata,
            Err(error) => return Ok(lost(error)),
        };
        let stamp = Stamp::of(&metadata);
        let known = if !metadata.is_file() {
            Look::Lost(Lost::Replaced)
        } else if stamp.len < self.copied {
            Look::Lost(Lost::Cut)
        } else {
            match self.is_continued_by(&source) {
                Ok(true) => Look::Same,
                Ok(false) => Look::Lost(Lost::Replaced),
                Err(error) => return Ok(lost(error)),
            }
        };
        if known != Look::Same || stamp.len == self.copied {
            self.known = Some((stamp, known.clone()));
            return Ok(known);
        }
        self.append(&source, stamp.len)?;
        self.grown = Instant::now();
        if self.copied < stamp.len {
            self.known = None;
            return Ok(Look::More);
        }
        self.known = Some((stamp, Look::Same));
        Ok(Look::Grown)
    }

    /// Whether the end of the copy is what stands in the source at the same place.
    fn is_continued_by(&self, source: &File) -> io::Result<bool> {
        let len = self.copied.min(TAIL);
        let mut ours = vec![0; usize::try_from(len).unwrap_or_default()];
        let mut theirs = ours.clone();
        self.copy.read_exact_at(&mut ours, self.copied - len)?;
        match source.read_exact_at(&mut theirs, self.copied - len) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
            Ok(()) => Ok(ours == theirs),
        }
    }

    fn append(&mut self, mut source: &File, len: u64) -> io::Result<()> {
        let mut copy = &self.copy;
        copy.seek(SeekFrom::Start(self.copied))?;
        source.seek(SeekFrom::Start(self.copied))?;
        let copied = io::copy(&mut source.take((len - self.copied).min(PIECE)), &mut copy);
        // What was written before it failed (a full disk) is right, too.
        self.copied = self.copy.metadata()?.len();
        copied.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    struct Pair {
        folder: tempfile::TempDir,
    }

    impl Pair {
        fn new(text: &str) -> Self {
            let pair = Self { folder: tempfile::tempdir().unwrap() };
            fs::write(pair.source(), text).unwrap();
            pair
        }

        fn source(&self) -> PathBuf {
            self.folder.path().join("session.jsonl")
        }

        fn copy(&self) -> PathBuf {
            self.folder.path().join("copy.jsonl")
        }

        fn follower(&self) -> Follower {
            Follower::open(&self.source(), &self.copy()).unwrap()
        }

        fn append(&self, text: &str) {
            OpenOptions::new().append(true).open(self.source()).unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn copied(&self) -> String {
            fs::read_to_string(self.copy()).unwrap()
        }
    }

    #[test]
    fn a_copy_grows_with_its_source_and_is_private() {
        let pair = Pair::new("one\n");
        let mut follower = pair.follower();
        assert_eq!(follower.look().unwrap(), Look::Grown);
        assert_eq!(follower.look().unwrap(), Look::Same);
        pair.append("two\n");
        assert_eq!(follower.look().unwrap(), Look::Grown);
        assert_eq!(pair.copied(), "one\ntwo\n");
        assert_eq!(fs::metadata(pair.copy()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_long_source_is_copied_in_pieces() {
        let pair = Pair::new("");
        let text = "x".repeat(usize::try_from(PIECE).unwrap() + 1);
        pair.append(&text);
        let mut follower = pair.follower();
        assert_eq!(follower.look().unwrap(), Look::More);
        assert_eq!(follower.look().unwrap(), Look::Grown);
        assert_eq!(pair.copied().len(), text.len());
    }

    #[test]
    fn a_copy_is_gone_on_with_by_the_next_daemon() {
        let pair = Pair::new("one\n");
        pair.follower().look().unwrap();
        pair.append("two\n");
        let mut next = pair.follower();
        assert_eq!(next.look().unwrap(), Look::Grown);
        assert_eq!(pair.copied(), "one\ntwo\n");
        fs::remove_file(pair.source()).unwrap();
        assert_eq!(pair.follower().look().unwrap(), Look::Lost(Lost::Missing));
        assert_eq!(pair.copied(), "one\ntwo\n");
    }

    /// Whatever happens to the source, the copy stays; the source is followed again when it is itself again.
    #[test]
    fn a_source_that_is_lost_leaves_the_copy_alone() {
        type Change = fn(&Pair);
        let cases: [(Change, Lost); 5] = [
            (|pair| fs::remove_file(pair.source()).unwrap(), Lost::Missing),
            (|pair| fs::write(pair.source(), "on").unwrap(), Lost::Cut),
            (|pair| fs::write(pair.source(), "other").unwrap(), Lost::Replaced),
            (|pair| fs::write(pair.source(), "another that is longer").unwrap(), Lost::Replaced),
            (|pair| put_folder_at(&pair.source()), Lost::Replaced),
        ];
        for (at, (change, lost)) in cases.into_iter().enumerate() {
            let pair = Pair::new("one\n");
            let mut follower = pair.follower();
            follower.look().unwrap();
            change(&pair);
            assert_eq!(follower.look().unwrap(), Look::Lost(lost.clone()), "{at}");
            assert_eq!(follower.look().unwrap(), Look::Lost(lost), "{at}, again");
            assert_eq!(pair.copied(), "one\n", "{at}");
            // What stands there now may be a folder.
            let _ = fs::remove_dir(pair.source());
            fs::write(pair.source(), "one\ntwo\n").unwrap();
            assert_eq!(follower.look().unwrap(), Look::Grown, "{at}");
            assert_eq!(pair.copied(), "one\ntwo\n", "{at}");
        }
    }

    fn put_folder_at(path: &Path) {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    }

    #[test]
    fn a_pipe_in_the_sources_place_is_not_waited_for() {
        let pair = Pair::new("one\n");
        let mut follower = pair.follower();
        follower.look().unwrap();
        fs::remove_file(pair.source()).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, pair.source(), rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert_eq!(follower.look().unwrap(), Look::Lost(Lost::Replaced));
    }

    #[test]
    fn a_longer_file_in_the_sources_place_with_the_same_beginning_is_followed() {
        let pair = Pair::new("one\n");
        let mut follower = pair.follower();
        follower.look().unwrap();
        let new = pair.folder.path().join("new");
        fs::write(&new, "one\ntwo\n").unwrap();
        fs::rename(new, pair.source()).unwrap();
        assert_eq!(follower.look().unwrap(), Look::Grown);
        assert_eq!(pair.copied(), "one\ntwo\n");
    }

    #[test]
    fn what_lies_beside_the_source_is_brought_beside_the_copy_and_stays() {
        let pair = Pair::new("one\n");
        let own = pair.folder.path().join("session/subagents");
        let copied = pair.folder.path().join("copy/subagents/agent-a1.jsonl");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("agent-a1.jsonl"), "x\n").unwrap();
        let mut follower = Follower::open(&pair.source(), &pair.copy()).unwrap();
        assert_eq!(follower.look().unwrap(), Look::Grown);
        assert_eq!(fs::read_to_string(&copied).unwrap(), "x\n");
        assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(own.join("agent-a1.jsonl"), "x\ny\n").unwrap();
        pair.append("two\n");
        assert_eq!(follower.look().unwrap(), Look::Grown);
        assert_eq!(fs::read_to_string(&copied).unwrap(), "x\ny\n");
        fs::remove_dir_all(pair.folder.path().join("session")).unwrap();
        fs::remove_file(pair.source()).unwrap();
        assert_eq!(follower.look().unwrap(), Look::Lost(Lost::Missing));
        assert_eq!(fs::read_to_string(&copied).unwrap(), "x\ny\n");
    }
}
