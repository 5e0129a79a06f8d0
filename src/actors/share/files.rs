//! What of a share lies outside this process: its keeper, its snapshot, its log. Blocking.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use actix::{AsyncContext as _, Context};
use uuid::Uuid;

use super::{Record, ShareActor, translate};
use crate::actors::env::Env;
use crate::paths::Paths;
use crate::session::{Companion, Identity, Include, Source};
use crate::share::{Cause, Failure};
use crate::tunnel::attach::Attached;
use crate::tunnel::end;
use crate::tunnel::keeper::protocol::{KeeperSpec, StartErrorCode};
use crate::tunnel::spawn::{ReachError, SpawnError, own_executable, spawn_or_attach};
use crate::web::session::{SessionSite, SiteSource};

/// How long attach or spawn may take; the state machine's own deadline lies a little later.
const ATTACH_TIME: Duration = Duration::from_secs(8);
/// Bytes copied between two looks whether the copy is still wanted.
const PIECE: u64 = 4 << 20;
/// After a copy that could not be made.
const COPY_AGAIN: Duration = Duration::from_secs(10);
/// How the name of a copy begins that is being made.
const CUT_SHORT: &str = ".tmp";
/// How much of a tunnel's log is kept when its keeper ends, in bytes.
const KEPT_LOG: usize = 64 * 1024;

/// Attaches the share's keeper, spawning it if it is absent.
pub(super) fn attach(env: &Env, record: &Record) -> Result<Attached, Failure> {
    let exe = own_executable().map_err(|error| translate::no_keeper(&error.to_string()))?;
    let spec = KeeperSpec {
        port: record.options.port.unwrap_or_default(),
        orphan_grace_ms: u64::try_from(env.config().orphan_grace().as_millis()).unwrap_or(u64::MAX),
        ..KeeperSpec::new(&record.keeper_id(), env.paths.keepers())
    };
    let (attached, spawned) =
        spawn_or_attach(&spec, &exe, ATTACH_TIME).map_err(|error| unreachable(&error))?;
    if let Some(spawned) = spawned
        && let Err(error) = spawned.reap_in_background()
    {
        tracing::warn!(share = %record.id, %error, "the keeper stays as a zombie when it ends");
    }
    Ok(attached)
}

fn unreachable(error: &ReachError) -> Failure {
    let cause = match error {
        ReachError::Spawn(SpawnError::Refused(refused)) if refused.code == StartErrorCode::PortTaken => {
            Cause::PortTaken
        }
        ReachError::Spawn(SpawnError::Full(_)) => Cause::Descriptors,
        _ => Cause::Keeper,
    };
    let remedy = match error {
        ReachError::Spawn(error) => error.remedy().to_owned(),
        _ => "try again; the daemon's log may tell more".to_owned(),
    };
    Failure::new(cause, error.to_string(), remedy)
}

/// Ends the keeper of a share and its tunnel, keeps the end of its log, deletes the snapshot. Returns when
/// nothing of it runs any more.
pub fn end_keeper(paths: &Paths, id: Uuid) {
    let log = end::end_keeper(&paths.keepers(), &id.simple().to_string(), KEPT_LOG, translate::END_TIME);
    if !log.is_empty()
        && let Err(error) = write_private(&paths.share_log(id), log.join("\n").as_bytes())
    {
        tracing::warn!(share = %id, %error, "the end of the tunnel's log is lost");
    }
    remove_copy(&paths.snapshot(id));
}

/// Deletes from the folder of private copies what belongs to no share: `copies` are the ids whose copy stays,
/// `known` those whose log does, both as they were at `then`: what was written since stays. Copies that were cut short by
/// a crash go, too. What panko gave no name to is not its own, and stays.
pub fn sweep_copies(
    paths: &Paths,
    copies: &HashSet<Uuid>,
    known: &HashSet<Uuid>,
    then: SystemTime,
) -> io::Result<()> {
    for entry in fs::read_dir(paths.snapshots())? {
        let entry = entry?;
        if entry.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|at| at >= then) {
            continue;
        }
        let path = entry.path();
        let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let goes = match (Uuid::try_parse(name), path.extension().and_then(OsStr::to_str)) {
            (Ok(id), Some("jsonl") | None) => !copies.contains(&id),
            (Ok(id), Some("log")) => !known.contains(&id),
            _ => name.starts_with(CUT_SHORT),
        };
        if goes {
            remove(&path);
        }
    }
    Ok(())
}

/// Deletes what is kept of a share that is forgotten.
pub fn remove_files(paths: &Paths, id: Uuid) {
    remove_copy(&paths.snapshot(id));
    remove(&paths.share_log(id));
}

/// Deletes a file, or a folder with all that is in it.
fn remove(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "left behind");
        }
        _ => {}
    }
}

impl Record {
    /// What the page of this share is made from: the private copy, once there is one. That of a live share is
    /// made at once, and grows.
    pub(super) fn site(&self, snapshot: PathBuf) -> SiteSource {
        let (source, name) = (self.session_path.clone(), self.options.name.clone());
        let include = Include::of(&self.options.include);
        let downloads = self.options.allow_download;
        if self.options.live {
            return SiteSource { path: snapshot, len: None, name, include, follows: Some(source), downloads };
        }
        let path = if snapshot.exists() { snapshot } else { source };
        SiteSource { path, len: Some(self.source_len), name, include, follows: None, downloads }
    }

    /// Opens what [`Self::site`] says.
    pub(super) fn open(&self, snapshot: &Path) -> Result<SessionSite, Failure> {
        let source = self.site(snapshot.to_owned());
        let site = SessionSite::open(&source)?;
        if source.path == self.session_path {
            self.refuse_another(site.source())?;
        }
        Ok(site)
    }

    /// Without a private copy, the file itself is shown: if it is the one that was shared. Another may stand in its place
    /// when a daemon was killed before the copy was made.
    fn refuse_another(&self, source: &Source) -> Result<(), Failure> {
        let Some(shared) = &self.identity else { return Ok(()) };
        let path = self.session_path.display();
        match Identity::of(source, self.source_len) {
            Ok(found) if found == *shared => Ok(()),
            Ok(_) => {
                let what =
                    format!("{path} is not the file any more that was shared, and there is no private copy");
                Err(Failure::new(Cause::Session, what, "share it again, if what is in it now is to be shown"))
            }
            Err(error) => Err(Failure::new(Cause::Session, format!("{path}: {error}"), "check the file")),
        }
    }
}

impl ShareActor {
    pub(super) fn snapshot(&self) -> PathBuf {
        self.env.paths.snapshot(self.record.id)
    }

    /// Makes the private copy, while the tunnel starts: from then on, the source may change or vanish. What a viewer
    /// sees until then comes from the source up to the same length. It is copied from the very file that is shown: by
    /// now its path may name another, or none.
    pub(super) fn keep_snapshot(&mut self, ctx: &mut Context<Self>) {
        let (copy, len) = (self.snapshot(), self.record.source_len);
        // One copy at a time: two would move one place in one file.
        let is_due = !self.copying && !copy.exists();
        let Some(site) = self.site.upgrade().filter(|_| is_due) else { return };
        self.copying = true;
        let (env, id, wanted) = (self.env.clone(), self.record.id, Arc::downgrade(&self.alive));
        let pool = self.env.pool.clone();
        let make = move || {
            make_snapshot(site.source(), &copy, len, &wanted)?;
            remove_if_ended(&env, id, &wanted, &copy);
            Ok::<_, io::Error>(())
        };
        let made = async move { pool.run_behind(make).await };
        self.spawn_then(ctx, made, |share, made, ctx| {
            share.copied.cancel();
            let error = match made {
                Ok(Ok(())) => {
                    share.copying = false;
                    return;
                }
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::warn!(share = %share.record.id, error, "no snapshot could be kept: the source is served");
            if !std::mem::replace(&mut share.copy_failed, true) {
                share.env.add_notice(format!(
                    "no private copy of {} could be kept ({error}): the share shows the file itself, and ends with it; \
                     it is tried again",
                    share.record.session_path.display()
                ));
            }
            // Until then it counts as being made: whatever changes meanwhile begins no second row of attempts.
            ctx.run_later(COPY_AGAIN, |share, ctx| {
                share.copying = false;
                share.keep_snapshot(ctx);
            });
        });
    }
}

/// Whole or not at all: a copy that was cut short is never taken for a snapshot. Given up when nobody wants
/// it any more: a share that ends must not leave a copy of what it showed.
fn make_snapshot(source: &Source, copy: &Path, len: u64, wanted: &Weak<()>) -> io::Result<()> {
    let folder = copy.parent().unwrap_or(Path::new("."));
    // tempfile makes it 0600.
    let mut file = tempfile::Builder::new().prefix(CUT_SHORT).tempfile_in(folder)?;
    // A copy before this one may have been cut short; everybody else reads at offsets.
    let mut from = source.file();
    from.seek(SeekFrom::Start(0))?;
    let mut left = len;
    while left > 0 && wanted.strong_count() > 0 {
        // By the system's own means, which share blocks where the file system can.
        match io::copy(&mut from.take(left.min(PIECE)), &mut file)? {
            0 => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the source has become shorter")),
            copied => left -= copied,
        }
    }
    if left > 0 {
        return Ok(());
    }
    // First: once the copy is in its place, it is taken for all there is.
    if let Some(beside) = source.beside() {
        copy_companions(&beside.companions(), &companions_of(copy), wanted)?;
        beside.keep_name(&companions_of(copy))?;
    }
    file.as_file().sync_data()?;
    file.persist(copy).map_err(|error| error.error)?;
    Ok(())
}

/// Where the copies lie of what was beside the session that `copy` is of: where it will be looked for.
fn companions_of(copy: &Path) -> PathBuf {
    copy.with_extension("")
}

/// Copies what lies beside a session: records of sub-agents, and large outputs.
fn copy_companions(companions: &[Companion], to: &Path, wanted: &Weak<()>) -> io::Result<()> {
    // What a copy that was cut short has left.
    remove(to);
    for companion in companions {
        while wanted.strong_count() > 0 && companion.copy_below(to, PIECE)? > 0 {}
    }
    Ok(())
}

/// Deletes a private copy that has just been made of a share that ended meanwhile: who ended it may have looked before it
/// was in its place. A share that lost its actor alone keeps it.
pub(super) fn remove_if_ended(env: &Env, id: Uuid, alive: &Weak<()>, copy: &Path) {
    if alive.strong_count() == 0 && !env.wanted.has(id) {
        remove_copy(copy);
    }
}

/// Deletes a private copy with all that lies beside it.
fn remove_copy(copy: &Path) {
    remove(copy);
    remove(&companions_of(copy));
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Cleaner;
    use crate::session::{Progress, Session};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_snapshot_is_private_and_ends_where_the_share_began() {
        let folder = tempfile::tempdir().unwrap();
        let (source, copy) = (folder.path().join("s.jsonl"), folder.path().join("copy"));
        fs::write(&source, b"what was there, and what came later").unwrap();
        let wanted = Arc::new(());
        make_snapshot(&Source::open(&source).unwrap(), &copy, 14, &Arc::downgrade(&wanted)).unwrap();
        assert_eq!(fs::read(&copy).unwrap(), b"what was there");
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_source_that_shrank_leaves_no_half_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let (source, copy) = (folder.path().join("s.jsonl"), folder.path().join("copy"));
        fs::write(&source, b"short").unwrap();
        let wanted = Arc::new(());
        make_snapshot(&Source::open(&source).unwrap(), &copy, 14, &Arc::downgrade(&wanted)).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the source is there");
    }

    #[test]
    fn what_lies_beside_a_session_lies_beside_its_copy_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (source, copy) = (folder.path().join("s.jsonl"), folder.path().join("copies/c.jsonl"));
        for (place, text) in
            [("s.jsonl", "{}"), ("s/subagents/agent-1.jsonl", "sub"), ("s/tool-results/o.txt", "out")]
        {
            let path = folder.path().join(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir(folder.path().join("copies")).unwrap();
        let wanted = Arc::new(());
        make_snapshot(&Source::open(&source).unwrap(), &copy, 2, &Arc::downgrade(&wanted)).unwrap();
        let kept = folder.path().join("copies/c");
        assert_eq!(fs::read(kept.join("subagents/agent-1.jsonl")).unwrap(), b"sub");
        assert_eq!(fs::read(kept.join("tool-results/o.txt")).unwrap(), b"out");
        let mode = |place: &str| fs::metadata(kept.join(place)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("subagents"), mode("tool-results/o.txt")), (0o700, 0o700, 0o600));
        remove_copy(&copy);
        assert_eq!(fs::read_dir(folder.path().join("copies")).unwrap().count(), 0);
    }

    #[test]
    fn a_copy_keeps_the_name_that_its_agent_keeps_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join(".codex");
        let id = "019a2b3c-4d5e-6f70-8192-a3b4c5d6e7f8";
        let source = home.join(format!("sessions/2026/09/01/rollout-2026-09-01T10-00-00-{id}.jsonl"));
        fs::create_dir_all(source.parent().unwrap()).unwrap();
        let records = br#"{"timestamp":"2026-09-01T10:00:00Z","type":"event_msg","payload":{"type":"user_message","message":"hello"}}
"#;
        fs::write(&source, records).unwrap();
        let names = format!("{{\"id\":\"{id}\",\"thread_name\":\"tide tables\"}}\n");
        fs::write(home.join("session_index.jsonl"), names).unwrap();
        let copies = folder.path().join("copies");
        fs::create_dir(&copies).unwrap();
        let copy = copies.join("c.jsonl");
        let wanted = Arc::new(());
        let len = records.len() as u64;
        make_snapshot(&Source::open(&source).unwrap(), &copy, len, &Arc::downgrade(&wanted)).unwrap();
        let title = |path: &Path| {
            let session = Session::open(Source::open(path).unwrap(), Cleaner::new()).unwrap();
            while session.advance(1 << 20).unwrap() == Progress::More {}
            session.overview().title.as_ref().map(ToString::to_string)
        };
        assert_eq!(title(&source).as_deref(), Some("tide tables"));
        fs::remove_dir_all(&home).unwrap();
        assert_eq!(title(&copy).as_deref(), Some("tide tables"));
        let kept = fs::metadata(copies.join("c/name.txt")).unwrap().permissions().mode() & 0o777;
        assert_eq!(kept, 0o600);
        remove_copy(&copy);
        assert_eq!(fs::read_dir(&copies).unwrap().count(), 0);
    }

    #[test]
    fn a_share_that_ended_leaves_no_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let (source, copy) = (folder.path().join("s.jsonl"), folder.path().join("copy"));
        fs::write(&source, b"what was there").unwrap();
        make_snapshot(&Source::open(&source).unwrap(), &copy, 14, &Weak::new()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the source is there");
    }
}
