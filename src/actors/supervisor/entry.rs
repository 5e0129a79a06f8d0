//! What the Supervisor knows of one share.

use std::path::PathBuf;
use std::time::Duration;

use actix::Addr;
use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::actors::env::Env;
use crate::actors::share::{Record, ShareActor};
use crate::db::ShareRow;
use crate::ipc::protocol::{ErrorReply, ShareEvent, ShareInfo};
use crate::share::{Failure, Public, Status, StopReason};
use crate::web::live::Going;

/// The answer to a StartShare.
pub(super) type Waiter = Result<ShareInfo, ErrorReply>;

/// How a share stands, as it tells.
#[derive(Clone, Debug)]
pub struct View {
    /// The word on the wire.
    pub status: Status,
    /// Where exactly it stands.
    pub phase: &'static str,
    /// The whole public URL.
    pub url: Option<String>,
    /// The port on 127.0.0.1.
    pub port: Option<u16>,
    /// Why it does not work.
    pub failure: Option<Failure>,
    /// When it is tried again, in the daemon's monotonic time.
    pub next_attempt: Option<Duration>,
    /// How often it came back.
    pub recoveries: u32,
    /// Whether a live session goes on, and what keeps it from that.
    pub going: Option<(Going, Option<String>)>,
    /// Whether the public URL leads to the page, and why not.
    pub public: Option<(Public, Option<String>)>,
}

impl View {
    /// Of a share whose actor has not told anything yet.
    pub(super) fn starting() -> Self {
        Self {
            status: Status::Starting,
            phase: "new",
            url: None,
            port: None,
            failure: None,
            next_attempt: None,
            recoveries: 0,
            going: None,
            public: None,
        }
    }
}

/// One share.
pub(super) struct Entry {
    pub(super) session_path: PathBuf,
    pub(super) session_name: String,
    pub(super) provider: String,
    pub(super) started_at: String,
    pub(super) id: Uuid,
    /// The idempotency key it was asked for with.
    pub(super) key: Option<String>,
    /// When it ends by itself.
    pub(super) expires_at: Option<Timestamp>,
    /// The same, since the machine started.
    pub(super) ends: Option<Duration>,
    /// The latest URL and port that were recorded: shown while there is no newer one.
    pub(super) last_url: String,
    pub(super) last_port: u16,
    /// The URL under which it was active last: who has it is told when it is another.
    pub(super) known_url: String,
    /// `None` while it is being prepared, or rebuilt after a panic.
    pub(super) addr: Option<Addr<ShareActor>>,
    pub(super) view: View,
    /// Its StartShare has not been answered.
    pub(super) pending: bool,
    /// It is being ended: why.
    pub(super) ending: Option<StopReason>,
    /// Its actor fell, and the next is not built yet.
    pub(super) rebuilding: bool,
    /// Panics of its actor, and when the last was.
    pub(super) panics: u32,
    pub(super) fell: Duration,
    pub(super) waiters: Vec<oneshot::Sender<Waiter>>,
    pub(super) ended: Vec<oneshot::Sender<()>>,
}

impl Entry {
    pub(super) fn new(id: Uuid, session_path: PathBuf, session_name: String, provider: String) -> Self {
        Self {
            session_path,
            session_name,
            provider,
            started_at: jiff::Timestamp::now().to_string(),
            id,
            key: None,
            expires_at: None,
            ends: None,
            last_url: String::new(),
            last_port: 0,
            known_url: String::new(),
            addr: None,
            view: View::starting(),
            pending: false,
            ending: None,
            rebuilding: false,
            panics: 0,
            fell: Duration::ZERO,
            waiters: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub(super) fn restored(record: &Record, row: &ShareRow) -> Self {
        Self {
            started_at: record.started_at.clone(),
            key: record.options.idempotency_key.clone(),
            expires_at: record.options.expires_at,
            ends: record.ends,
            last_url: row.public_url.clone(),
            known_url: row.public_url.clone(),
            last_port: u16::try_from(row.local_port).unwrap_or_default(),
            ..Self::new(
                record.id,
                record.session_path.clone(),
                record.session_name.clone(),
                record.provider.clone(),
            )
        }
    }

    /// The URL before, if it is active under another one now.
    pub(super) fn moved(&mut self) -> Option<String> {
        let url = self.view.url.as_ref().filter(|_| self.view.status == Status::Active)?;
        let before = std::mem::replace(&mut self.known_url, url.clone());
        (!before.is_empty() && before != *url).then_some(before)
    }

    pub(super) fn info(&self, env: &Env) -> ShareInfo {
        let View { status, phase, url, port, failure, next_attempt, recoveries, going, public } = &self.view;
        let (live, trouble) = match going {
            Some((going, trouble)) => (Some(going.as_str().to_owned()), trouble.clone()),
            None => (None, None),
        };
        let (public, public_trouble) = match public {
            Some((public, trouble)) => (Some(public.as_str().to_owned()), trouble.clone()),
            None => (None, None),
        };
        ShareInfo {
            id: self.id,
            session_path: self.session_path.clone(),
            session_name: self.session_name.clone(),
            public_url: url.clone().unwrap_or_else(|| self.last_url.clone()),
            provider_name: self.provider.clone(),
            local_port: port.unwrap_or(self.last_port),
            started_at: self.started_at.clone(),
            status: *status,
            phase: (*phase).to_owned(),
            reason: failure.as_ref().map(|failure| failure.what.clone()),
            remedy: failure
                .as_ref()
                .map(|failure| failure.remedy.clone())
                .filter(|remedy| !remedy.is_empty()),
            next_attempt_in: next_attempt.map(|at| at.saturating_sub(env.now()).as_secs()),
            recoveries: *recoveries,
            public,
            public_trouble,
            live,
            live_trouble: trouble,
            expires_at: self.expires_at.map(|at| at.to_string()),
            ended_at: None,
        }
    }
}

/// An event on the wire.
pub(super) fn event_info(event: crate::db::ShareEvent) -> ShareEvent {
    let crate::db::ShareEvent { at, status, phase, public_url, reason, .. } = event;
    ShareEvent { at, status, phase, public_url, reason }
}

/// A row without a living share, on the wire. `None` if its id is no UUID: nobody could ask for it.
pub(super) fn ended_info(row: ShareRow) -> Option<ShareInfo> {
    Some(ShareInfo {
        session_path: row.session_path.into(),
        session_name: row.session_name,
        public_url: row.public_url,
        provider_name: row.provider_name,
        local_port: u16::try_from(row.local_port).unwrap_or_default(),
        started_at: row.started_at,
        status: if row.status == "error" { Status::Error } else { Status::Stopped },
        phase: "ended".to_owned(),
        reason: row.reason,
        remedy: row.remedy,
        ended_at: row.ended_at,
        ..ShareInfo::down(Uuid::try_parse(&row.id).ok()?)
    })
}
