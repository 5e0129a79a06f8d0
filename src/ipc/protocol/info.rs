//! What is told of a share. Pure.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::share::Status;

/// A share on the wire. The first eight fields are the original's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShareInfo {
    /// Its id.
    pub id: Uuid,
    /// The session file.
    pub session_path: PathBuf,
    /// Its name.
    pub session_name: String,
    /// The whole URL, token included; empty before the first.
    pub public_url: String,
    /// The tunnel provider.
    pub provider_name: String,
    /// The port on 127.0.0.1.
    pub local_port: u16,
    /// RFC 3339 UTC.
    pub started_at: String,
    /// One of the original's four words.
    pub status: Status,
    /// Where exactly it stands.
    #[serde(default)]
    pub phase: String,
    /// Why it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a person can do about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Seconds until the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_in: Option<u64>,
    /// How often it came back after a failure, in this daemon's life.
    #[serde(default)]
    pub recoveries: u32,
    /// While it is up: whether its public URL was seen to lead to the page: `pending` (not asked yet), `verified`,
    /// or `unverified`, which may be this machine's view alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,
    /// Why it is unverified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_trouble: Option<String>,
    /// Of a live share: `live`, `idle` (its session has not grown lately) or `gone` (its file is not there any
    /// more).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<String>,
    /// What keeps a live share's session from going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_trouble: Option<String>,
    /// When it ends by itself, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it ended, RFC 3339 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

impl ShareInfo {
    /// A share of which nothing is up and nothing is known: what is, is said by who makes it.
    pub fn down(id: Uuid) -> Self {
        Self {
            id,
            session_path: PathBuf::new(),
            session_name: String::new(),
            public_url: String::new(),
            provider_name: String::new(),
            local_port: 0,
            started_at: String::new(),
            status: Status::Stopped,
            phase: String::new(),
            reason: None,
            remedy: None,
            next_attempt_in: None,
            recoveries: 0,
            public: None,
            public_trouble: None,
            live: None,
            live_trouble: None,
            expires_at: None,
            ended_at: None,
        }
    }
}

/// One change of a share's status or URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareEvent {
    /// When, RFC 3339 UTC.
    pub at: String,
    /// The status from then on.
    pub status: String,
    /// Where exactly it stood.
    pub phase: String,
    /// The public URL from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
