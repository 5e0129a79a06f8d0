//! Telling the outside that a share has another public URL: the command and the webhook of the configuration.
//!
//! Nobody waits for either, and neither for long; what fails is logged. A share's URL is a secret: it goes to
//! whom the person named, and into no log.

use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;

use super::Env;
use crate::config::OnUrlChange;
use crate::ipc::protocol::ShareInfo;
use crate::tunnel::environment::{own_environment, tunnel_environment};
use crate::tunnel::probe;

/// How long a command may run.
const COMMAND_TIME: Duration = Duration::from_secs(30);
/// Variables of ours that a notification on the desktop needs.
const DESKTOP: [&str; 4] = ["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY"];

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UrlChange {
    /// The share.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its session file.
    pub session_path: String,
    /// The tunnel provider.
    pub provider: String,
    /// The public URL from now on.
    pub url: String,
    /// The one before, which leads nowhere any more.
    pub old_url: String,
}

impl UrlChange {
    /// That `share` has moved from `old_url`.
    pub fn new(share: &ShareInfo, old_url: &str) -> Self {
        Self {
            id: share.id.to_string(),
            name: share.session_name.clone(),
            session_path: share.session_path.display().to_string(),
            provider: share.provider_name.clone(),
            url: share.public_url.clone(),
            old_url: old_url.to_owned(),
        }
    }

    fn variables(&self) -> [(&'static str, &str); 6] {
        [
            ("PANKO_ID", &self.id),
            ("PANKO_NAME", &self.name),
            ("PANKO_SESSION", &self.session_path),
            ("PANKO_PROVIDER", &self.provider),
            ("PANKO_URL", &self.url),
            ("PANKO_OLD_URL", &self.old_url),
        ]
    }
}

/// Tells of `change`, if the configuration names anybody.
pub fn url_change(env: &Env, change: UrlChange) {
    let OnUrlChange { command, webhook } = env.config().on_url_change.clone();
    if !command.is_empty() {
        let change = change.clone();
        actix::spawn(async move {
            if let Err(why) = run(&command, &change).await {
                tracing::warn!(share = change.id, why, "the command of on_url_change failed");
            }
        });
    }
    if let Some(webhook) = webhook {
        actix::spawn(async move {
            let id = change.id.clone();
            let sent = tokio::task::spawn_blocking(move || probe::post(&webhook, &change)).await;
            if let Err(why) = sent.unwrap_or_else(|error| Err(error.to_string())) {
                tracing::warn!(share = id, why, "the webhook of on_url_change failed");
            }
        });
    }
}

/// No shell, and of our environment what a tunnel would see, and the desktop.
async fn run(command: &[String], change: &UrlChange) -> Result<(), String> {
    let Some((program, args)) = command.split_first() else { return Ok(()) };
    let own = own_environment();
    let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .env_clear()
        .envs(tunnel_environment(own, &DESKTOP).0)
        .envs(change.variables())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    match tokio::time::timeout(COMMAND_TIME, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("{program}: {status}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("{program} did not end within {} s", COMMAND_TIME.as_secs())),
    }
}
