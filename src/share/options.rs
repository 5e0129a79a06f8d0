//! What a person may ask for when sharing. Stored with the share as JSON; new fields are optional.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The options of a share. Unknown fields are ignored, so that an older daemon reads a newer client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShareOptions {
    /// A name other than the file's stem: shown in lists, on the page and in its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Two StartShare with the same key make one share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Where the client found the tunnel program, absolute: a service's PATH is short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_path: Option<PathBuf>,
    /// The port to listen on, on 127.0.0.1; any free one if absent or 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}
