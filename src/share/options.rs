//! What a person may ask for when sharing. Stored with the share as JSON; new fields are optional.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The options of a share. Unknown fields are ignored, so that an older daemon reads a newer client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShareOptions {
    /// A name other than the file's stem: shown in lists, on the page and in its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Follow the session as it grows, instead of showing what it is now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
    /// What is shown beside what was said and done: `context`. Words this version does not know show nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Viewers may take the whole session with them as a file, secrets masked as on the page.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_download: bool,
    /// Two StartShare with the same key make one share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Where the client found the tunnel program, absolute: a service's PATH is short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_path: Option<PathBuf>,
    /// Seconds after which the share ends by itself, counted from the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// The moment that makes, by the wall clock: set by the daemon, which keeps it across restarts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The port to listen on, on 127.0.0.1; any free one if absent or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl ShareOptions {
    /// Turns the time asked for into the moment when the share ends. One that lies beyond the calendar is no
    /// end at all.
    pub fn set_expiry(&mut self, now: Timestamp) {
        let after = self.expires_in.and_then(|secs| i64::try_from(secs).ok()).map(SignedDuration::from_secs);
        self.expires_at = after.and_then(|after| now.checked_add(after).ok());
    }

    /// How long the share is to last, if it ends by itself.
    pub fn lasts(&self) -> Option<Duration> {
        self.expires_at.and(self.expires_in).map(Duration::from_secs)
    }

    /// Whether the share has ended by itself.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| now >= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_ends_at_its_second_and_not_before() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut options = ShareOptions { expires_in: Some(60), ..Default::default() };
        options.set_expiry(now);
        assert!(!options.has_expired(now + SignedDuration::from_millis(59_999)));
        assert!(options.has_expired(now + SignedDuration::from_secs(60)));
        let stored: ShareOptions = serde_json::from_str(&serde_json::to_string(&options).unwrap()).unwrap();
        assert_eq!(stored, options);
        let mut forever = ShareOptions { expires_in: Some(u64::MAX), ..Default::default() };
        forever.set_expiry(now);
        assert!(!forever.has_expired(Timestamp::MAX));
    }
}
