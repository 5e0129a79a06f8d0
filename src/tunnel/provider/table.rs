//! PURE: the rows. Facts about a client's output come from runs and from its source; where a line is easily misread, the
//! row says so.

use std::time::Duration;

use super::{Arg, PLAIN, Row, Traits, UrlColumn};
use crate::tunnel::spec::{Class, StopSignal, Streams};

/// The built-in providers.
pub const TABLE: &[Row] = &[LOCAL, CLOUDFLARE];

const LOCAL: Row = Row {
    name: crate::tunnel::LOCAL,
    program: None,
    install: "",
    args: &[],
    help_args: None,
    config_file: None,
    env: &[],
    env_required: &[],
    url: UrlColumn::Own,
    ready: None,
    ready_at: None,
    edge: None,
    lost: &[],
    rate_limited: &[],
    terminal: &[],
    ready_timeout: Duration::from_secs(5),
    stop_signal: StopSignal::Term,
    stop_timeout: Duration::from_secs(5),
    traits: Traits { stable_url: true, first_probe_after: Duration::ZERO, ..PLAIN },
};

/// Quick tunnels. On failure it prints `Post "https://api.trycloudflare.com/tunnel"`, and its disclaimer holds links
/// too: hence a whole token and a name with a hyphen. `--config` with an empty object, because the ingress rules of a
/// user's own `config.yml` would answer 404 for us.
const CLOUDFLARE: Row = Row {
    name: "cloudflare",
    program: Some("cloudflared"),
    install: "install cloudflared (https://developers.cloudflare.com/tunnel/downloads), or name it with provider_path",
    args: &[
        Arg::Always("tunnel"),
        Arg::Always("--config"),
        Arg::Always("{config}"),
        Arg::Always("--no-autoupdate"),
        Arg::IfListed("--no-prechecks"),
        Arg::Always("--loglevel"),
        Arg::Always("info"),
        Arg::Always("--grace-period"),
        Arg::Always("1s"),
        Arg::Always("--metrics"),
        Arg::Always("127.0.0.1:0"),
        Arg::Always("--url"),
        Arg::Always("http://127.0.0.1:{port}"),
    ],
    help_args: Some(&["tunnel", "--help"]),
    config_file: Some("{}\n"),
    env: &[],
    env_required: &[],
    url: UrlColumn::Token(Streams::Stderr, r"https://(?:[a-z0-9]+-)+[a-z0-9]+\.trycloudflare\.com/?"),
    ready: Some("Registered tunnel connection"),
    ready_at: Some((r"Starting metrics server on (\S+)/metrics", "/ready")),
    edge: Some("api.trycloudflare.com:443"),
    lost: &[
        "Lost connection with the edge",
        "Serve tunnel error",
        "Retrying connection in up to",
        "Connection terminated",
    ],
    rate_limited: &["error code: 1015", "429 Too Many Requests"],
    terminal: &[(
        "flag provided but not defined",
        Class::Program,
        "this cloudflared does not know one of the options panko needs",
        "update cloudflared",
    )],
    ready_timeout: Duration::from_secs(30),
    stop_signal: StopSignal::Term,
    stop_timeout: Duration::from_secs(5),
    traits: Traits {
        rate_limit_wait: Duration::from_secs(300),
        first_probe_after: Duration::from_secs(10),
        buffers_event_streams: true,
        ..PLAIN
    },
};
