//! The composition root of `panko view`: one session server in the foreground, no daemon, no tunnel.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::session::Include;
use crate::share::{Cause, Failure};
use crate::web::pool::Pool;
use crate::web::session::{SessionSite, SiteSource};
use crate::web::{self, Token};

/// How long the whole session is read before the first view, which tells how it ended and what it changed.
const PATIENCE: Duration = Duration::from_millis(500);

/// Serves the session at `file` on `port` of 127.0.0.1 (0: any) until Ctrl+C; `ready` is told the URL.
///
/// # Errors
/// A [`Failure`]: no session, port taken.
pub fn run(file: &Path, include: Include, port: u16, ready: impl FnOnce(&str)) -> Result<(), Failure> {
    let path = file.to_owned();
    let source = SiteSource { path, len: None, name: None, include, follows: None, downloads: true };
    let site = Arc::new(SessionSite::open(&source)?);
    site.read_on_for(PATIENCE);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        Failure::new(
            Cause::PortTaken,
            format!("cannot listen on port {port}: {error}"),
            "name another `--port`",
        )
    })?;
    let internal =
        |error: &dyn std::fmt::Display| Failure::new(Cause::Internal, error.to_string(), "try again");
    let port = listener.local_addr().map_err(|error| internal(&error))?.port();
    let token = Token::random().map_err(|error| internal(&error))?;
    let pool = Pool::new(2).map_err(|error| internal(&error))?;
    let url = format!("http://127.0.0.1:{port}/s/{}/", token.as_str());
    actix_web::rt::System::new().block_on(async {
        site.read_on_behind(pool.clone());
        let web::Running { server, handle, .. } =
            web::start(listener, token, site, pool).map_err(|error| match error {
                web::StartError::Full(full) => Failure::from(&full),
                other => internal(&other),
            })?;
        ready(&url);
        tokio::select! {
            ended = server => ended.map_err(|error| internal(&error)),
            _ = tokio::signal::ctrl_c() => {
                drop(handle.stop(false));
                Ok(())
            }
        }
    })
}
