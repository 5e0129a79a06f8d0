//! Requests and replies, as they stand on the wire. Pure.
//!
//! Newline-delimited JSON, one object a line. `StartShare`, `StopShare`, `ListShares`, `Ping` and `Shutdown`
//! are the original's, to the letter; the rest is added. A known method never loses a field, a reply
//! neither: additions are optional fields and new methods.
//!
//! A request without `id` is answered in order; one with an `id` may be answered out of order, with that `id`.

mod info;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

pub use info::{ShareEvent, ShareInfo};

use crate::share::{Failure, ShareOptions};

/// Version of this protocol, as `Hello` tells it. Grows with additions; nothing is ever taken away.
pub const VERSION: u32 = 1;

/// Longest frame, in bytes, its newline not counted.
pub const MAX_FRAME: usize = 1 << 20;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
pub enum Request {
    /// Share a session; answered when its page can be reached, or with why not.
    StartShare(StartShare),
    /// End a share; answered when server, keeper and tunnel are gone.
    StopShare {
        /// Which.
        share_id: Uuid,
    },
    /// Take back a StartShare that has not been answered, by its idempotency key.
    CancelStart {
        /// The key it was sent with.
        idempotency_key: String,
    },
    /// The shares that are up or wanted up. `{"all": true}` adds those that ended.
    ListShares(Option<ListShares>),
    /// One share, ended or not.
    GetShare {
        /// Which.
        share_id: Uuid,
    },
    /// Start a share afresh now: forget its backoff.
    RestartShare {
        /// Which.
        share_id: Uuid,
    },
    /// The end of a share's tunnel log.
    Logs {
        /// Which.
        share_id: Uuid,
        /// At most so many bytes of it; 64 KiB if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_bytes: Option<u32>,
    },
    /// What happened to a share, as long as it is remembered.
    History {
        /// Which.
        share_id: Uuid,
    },
    /// Tell of every change of a share from now on, on this connection.
    Subscribe,
    /// Are you there?
    Ping,
    /// Who are you?
    Hello,
    /// Stop the daemon, and the shares with it unless they are to be kept for the next daemon.
    Shutdown(Option<Shutdown>),
    /// Makes an actor panic, or does now what is else done now and then, for tests. Debug builds only.
    #[cfg(debug_assertions)]
    Fault {
        /// `supervisor`, `db`, `ipc`, or `share`; `sweep`: keepers that belong to nobody are ended, and ends recorded
        /// that could not be; `hang` stops the reactor.
        actor: String,
        /// Which share.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        share_id: Option<Uuid>,
    },
}

/// Parameters of [`Request::StartShare`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartShare {
    /// Absolute path of the session file.
    pub session_path: PathBuf,
    /// The tunnel provider.
    pub provider: String,
    /// What else is wanted.
    #[serde(default)]
    pub options: ShareOptions,
}

/// Parameters of [`Request::ListShares`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListShares {
    /// Those that ended, too.
    pub all: bool,
}

/// Parameters of [`Request::Shutdown`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shutdown {
    /// Leave keepers and tunnels for the next daemon.
    pub keep_tunnels: bool,
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", content = "data")]
pub enum Reply {
    /// To `StartShare`.
    ShareStarted(Box<ShareInfo>),
    /// To `StopShare`.
    ShareStopped {
        /// Which.
        share_id: Uuid,
    },
    /// To `ListShares`.
    ShareList(Vec<ShareInfo>),
    /// To `GetShare`.
    Share(Box<ShareInfo>),
    /// To `RestartShare`.
    ShareRestarting {
        /// Which.
        share_id: Uuid,
    },
    /// To `Logs`.
    Logs {
        /// The end of the log, control characters removed.
        text: String,
    },
    /// To `History`: oldest first.
    History(Vec<ShareEvent>),
    /// To `Subscribe`: the shares as they are; events follow.
    Subscribed(Vec<ShareInfo>),
    /// Something happened; sent without being asked for, to those who subscribed.
    Event(Event),
    /// To `Ping`.
    Pong,
    /// To `Hello`.
    Hello(Box<Hello>),
    /// To `Shutdown`: the process ends after it.
    ShuttingDown,
    /// To anything that failed.
    Error(ErrorReply),
}

/// Who the daemon is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Of this protocol.
    pub protocol: u32,
    /// Of the program.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// When the process started, RFC 3339 UTC.
    pub since: String,
    /// Shares that are up or wanted up.
    pub shares: usize,
    /// Methods it knows.
    pub features: Vec<String>,
    /// Something a person should know about the state, such as a database that was set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
}

/// What subscribers are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A share is new, or has another status, phase or URL.
    ShareChanged {
        /// As it is now.
        share: Box<ShareInfo>,
    },
    /// A share is over, or was left to its keeper: it is listed no more.
    ShareGone {
        /// Which.
        share_id: Uuid,
    },
    /// The client read too slowly: so many events were dropped. Ask for the list.
    Missed {
        /// How many.
        events: u64,
    },
    /// Something that a later version tells of.
    #[serde(other)]
    Unknown,
}

/// A failure on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// What happened, one sentence.
    pub message: String,
    /// Stable word for programs.
    #[serde(default)]
    pub code: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// The codes of [`ErrorReply`] that are the protocol's own; a share's failure has the code of its
/// [`crate::share::Cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The frame is longer than [`MAX_FRAME`]; the connection is closed.
    FrameTooLarge,
    /// The frame is no valid UTF-8.
    NotUtf8,
    /// The frame is no JSON object.
    NotJson,
    /// The method is not known.
    UnknownMethod,
    /// The parameters have the wrong type, or one is missing.
    BadParams,
    /// There is no such share.
    NoSuchShare,
    /// There are as many shares as the configuration allows.
    TooManyShares,
    /// Too much is under way, or another program holds the database; nothing was changed, try again.
    Busy,
    /// The daemon is ending.
    ShuttingDown,
    /// A part of the daemon failed and is being restarted; whether the request took effect is not known.
    Internal,
    /// The state could not be written: the request did not take effect.
    State,
}

impl ErrorCode {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::FrameTooLarge => "frame_too_large",
            ErrorCode::NotUtf8 => "not_utf8",
            ErrorCode::NotJson => "not_json",
            ErrorCode::UnknownMethod => "unknown_method",
            ErrorCode::BadParams => "bad_params",
            ErrorCode::NoSuchShare => "no_such_share",
            ErrorCode::TooManyShares => "too_many_shares",
            ErrorCode::Busy => "busy",
            ErrorCode::ShuttingDown => "shutting_down",
            ErrorCode::Internal => "internal",
            ErrorCode::State => "state",
        }
    }
}

impl ErrorReply {
    /// A failure of the protocol's own.
    pub fn new(code: ErrorCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), code: code.as_str().to_owned(), remedy: remedy.into() }
    }
}

impl From<&Failure> for ErrorReply {
    fn from(failure: &Failure) -> Self {
        Self {
            message: failure.what.clone(),
            code: failure.cause.code().to_owned(),
            remedy: failure.remedy.clone(),
        }
    }
}

/// A frame from a client: a request, and the id its answer is to carry.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The client's own id of this request, any JSON value, given back untouched.
    pub id: Option<Box<RawValue>>,
    /// The request, or why it is none.
    pub request: Result<Request, ErrorReply>,
}

/// Reads one frame.
pub fn decode(frame: &[u8]) -> Incoming {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(default)]
        id: Option<Box<RawValue>>,
        method: Option<String>,
    }
    let failed = |code, message: String, remedy: &str| ErrorReply::new(code, message, remedy);
    let Ok(text) = std::str::from_utf8(frame) else {
        let error = failed(ErrorCode::NotUtf8, "the frame is not valid UTF-8".to_owned(), "send UTF-8");
        return Incoming { id: None, request: Err(error) };
    };
    let envelope: Envelope = match serde_json::from_str(text) {
        Ok(envelope) => envelope,
        Err(error) => {
            let message = format!("the frame is not a JSON object with a method: {error}");
            let error = failed(ErrorCode::NotJson, message, "send one JSON object a line");
            return Incoming { id: None, request: Err(error) };
        }
    };
    let request = match &envelope.method {
        None => Err(failed(
            ErrorCode::NotJson,
            "the frame has no method".to_owned(),
            "send {\"method\": …}; `Hello` lists the methods",
        )),
        Some(method) if !METHODS.contains(&method.as_str()) => Err(failed(
            ErrorCode::UnknownMethod,
            format!("this daemon knows no method {:?}", cut(method)),
            "`Hello` lists the methods; a newer client may need `panko serve --replace`",
        )),
        Some(method) => serde_json::from_str(text).map_err(|error| {
            let message = format!("the parameters of {method} do not fit: {error}");
            failed(ErrorCode::BadParams, message, "see the documentation of the protocol")
        }),
    };
    Incoming { id: envelope.id, request }
}

/// The methods, as `Hello` lists them.
pub const METHODS: &[&str] = &[
    "StartShare",
    "StopShare",
    "CancelStart",
    "ListShares",
    "GetShare",
    "RestartShare",
    "Logs",
    "History",
    "Subscribe",
    "Ping",
    "Hello",
    "Shutdown",
    #[cfg(debug_assertions)]
    "Fault",
];

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Writes one frame, without its newline.
pub fn encode(id: Option<&RawValue>, reply: &Reply) -> String {
    #[derive(Serialize)]
    struct Outgoing<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RawValue>,
        #[serde(flatten)]
        reply: &'a Reply,
    }
    serde_json::to_string(&Outgoing { id, reply }).unwrap_or_else(|error| {
        // A path that is not UTF-8 could not be written; none is accepted, so this is for the row of a stranger.
        let reply = Reply::Error(ErrorReply::new(ErrorCode::Internal, error.to_string(), ""));
        serde_json::to_string(&Outgoing { id, reply: &reply }).unwrap_or_default()
    })
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
