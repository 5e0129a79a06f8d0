//! What is durable about a share, read from its row.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{NewShare, ShareRow};
use crate::session::Identity;
use crate::share::{Cause, Failure, ShareOptions, Status};
use crate::web::Token;

/// What a share is, whatever happens to it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// The session file.
    pub session_path: PathBuf,
    /// Its name.
    pub session_name: String,
    /// The secret in its URL.
    pub token: Token,
    /// The tunnel provider.
    pub provider: String,
    /// RFC 3339 UTC.
    pub started_at: String,
    /// Bytes of the session file that are shared.
    pub source_len: u64,
    /// What tells that file from another in its place; not known of shares of earlier versions.
    pub identity: Option<Identity>,
    /// What was asked for.
    pub options: ShareOptions,
    /// Its provider has asked for patience.
    pub held: Option<Held>,
    /// When its time is over, since the machine started: a clock that is set changes nothing about that.
    pub ends: Option<Duration>,
}

/// A wait that a provider asked for.
#[derive(Clone, Debug)]
pub struct Held {
    /// No tunnel is started before.
    pub until: Timestamp,
    /// In words.
    pub failure: Failure,
}

impl Held {
    /// `None` if nothing was asked for, or not so that it can be read.
    fn of(row: &ShareRow) -> Option<Self> {
        let until = row.not_before.as_deref()?.parse().ok()?;
        let words = |text: &Option<String>| text.clone().unwrap_or_default();
        let failure = Failure::new(Cause::RateLimited, words(&row.reason), words(&row.remedy));
        Some(Self { until, failure })
    }
}

/// Why a row cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Its id is no UUID.
    #[error("the id {0:?} is no UUID")]
    Id(String),
    /// It was written by the original, which had no tokens.
    #[error("it was recorded by an earlier version")]
    NoToken,
    /// Its options cannot be read.
    #[error("its options cannot be read: {0}")]
    Options(String),
    /// What is remembered of its file cannot be read.
    #[error("what is remembered of its session file cannot be read: {0}")]
    Identity(String),
}

impl TryFrom<ShareRow> for Record {
    type Error = RecordError;

    fn try_from(row: ShareRow) -> Result<Self, RecordError> {
        Ok(Self {
            held: Held::of(&row),
            ends: None,
            id: Uuid::try_parse(&row.id).map_err(|_| RecordError::Id(row.id.clone()))?,
            session_path: row.session_path.into(),
            session_name: row.session_name,
            token: Token::stored(row.token.ok_or(RecordError::NoToken)?),
            provider: row.provider_name,
            started_at: row.started_at,
            source_len: row.source_len.unwrap_or_default().unsigned_abs(),
            identity: row
                .source_identity
                .as_deref()
                .map(serde_json::from_str)
                .transpose()
                .map_err(|error| RecordError::Identity(error.to_string()))?,
            options: serde_json::from_str(&row.options)
                .map_err(|error| RecordError::Options(error.to_string()))?,
        })
    }
}

impl From<&Record> for NewShare {
    /// The row of a share that is about to be started.
    fn from(record: &Record) -> Self {
        let identity = record.identity.as_ref();
        Self {
            id: record.id.to_string(),
            session_path: record.session_path.to_string_lossy().into_owned(),
            session_name: record.session_name.clone(),
            public_url: String::new(),
            provider_name: record.provider.clone(),
            local_port: 0,
            started_at: record.started_at.clone(),
            status: Status::Starting.as_str().to_owned(),
            token: Some(record.token.as_str().to_owned()),
            options: serde_json::to_string(&record.options).unwrap_or_else(|_| "{}".to_owned()),
            source_len: i64::try_from(record.source_len).ok(),
            source_identity: identity.and_then(|identity| serde_json::to_string(identity).ok()),
        }
    }
}

impl Record {
    /// Tells shares apart in the jitter of their backoff.
    pub fn seed(&self) -> u64 {
        self.id.as_u64_pair().0 ^ self.id.as_u64_pair().1
    }

    /// The id as keepers know it: short, for it is part of a socket's path.
    pub fn keeper_id(&self) -> String {
        self.id.simple().to_string()
    }
}
