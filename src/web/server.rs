//! The server of one site: what is asked for, what is answered, and nothing else.

use std::io;
use std::net::TcpListener;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_service::{ServiceFactoryExt, fn_service, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Server, ServerHandle};
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::{App, HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::content::{Coding, Content, Freshness};
use super::guard::Guarded;
use super::live::{self, News, Places};
use super::pieces::{self, Download};
use super::pool::{Pool, PoolError};
use super::{Nonce, Token, headers};
use crate::descriptors;

/// What a server shows under its token.
pub trait Site: Send + Sync + 'static {
    /// The answer to a GET of `path` (what follows `/s/<token>/`, without a leading slash) with `query`, in
    /// `coding` or plain. Called on a thread of the render pool; may read files. `None`: there is no such thing.
    fn get(&self, path: &str, query: &str, coding: Coding) -> Option<Arc<Content>>;

    /// The same, if it is in memory and takes no time: called where other connections wait.
    fn ready(&self, path: &str, query: &str, coding: Coding) -> Option<Arc<Content>>;

    /// What `path` is, if it is handed out in pieces: it may be of any length.
    fn download(&self, path: &str) -> Option<Download>;

    /// Piece `no` of the download, from 0; `None` after the last. Called on a thread of the render pool.
    ///
    /// # Errors
    /// If the session cannot be read.
    fn piece(&self, no: u32) -> io::Result<Option<Bytes>>;

    /// How a live page stands; `None`: it is none.
    fn news(&self) -> Option<watch::Receiver<News>>;

    /// The body of the one page for everything that is not there.
    fn not_found(&self) -> &'static str;
}

/// Where a live page tells of its changes, below the token.
const LIVE: &str = "live";
/// Where the page shows, below the token, that it is the one: see [`Nonce`].
pub const PROBE: &str = "probe";
/// Connections of viewers at once, at most.
const VIEWERS: usize = 1024;
/// Characters of a challenge.
const LONGEST_CHALLENGE: usize = 64;

/// A running server. Poll [`Running::server`] where its owner lives: it ends with it.
pub struct Running {
    /// The future that is the server.
    pub server: BoxFuture<'static, io::Result<()>>,
    /// What it answers a probe.
    pub nonce: Nonce,
    /// For `stop(false)`: open connections are cut, for a page that was revoked must be gone at once.
    pub handle: ServerHandle,
}

/// Why a site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A server opens more files than there is room for.
    #[error(transparent)]
    Full(#[from] descriptors::Full),
    /// The socket, or the system's random numbers.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves `site` under `/s/<token>/` on `listener`.
///
/// # Errors
/// See [`StartError`].
pub fn start(
    listener: TcpListener,
    token: Token,
    site: Arc<dyn Site>,
    pool: Pool,
) -> Result<Running, StartError> {
    descriptors::room_for(descriptors::FOR_A_SERVER)?;
    let nonce = Nonce::random().map_err(io::Error::other)?;
    let served =
        web::Data::new(Served { token, nonce: nonce.clone(), site, pool, places: Places::default() });
    let server = Server::build()
        .workers(1)
        .disable_signals()
        .max_concurrent_connections(descriptors::quarter(VIEWERS))
        .shutdown_timeout(1)
        .listen("session", listener, move || {
            let app = App::new().app_data(served.clone()).default_service(web::to(answer));
            let http = HttpService::build()
                // Long enough for a phone in a train, short enough that slow clients do not pile up.
                .client_request_timeout(Duration::from_secs(10))
                .client_disconnect_timeout(Duration::from_secs(2))
                .keep_alive(Duration::from_secs(20))
                .finish(map_config(app, |()| AppConfig::default()));
            fn_service(|stream: TcpStream| async {
                let peer = stream.peer_addr().ok();
                Ok::<_, DispatchError>((Guarded::new(stream), Protocol::Http1, peer))
            })
            .and_then(http)
        })?
        .run();
    let handle = server.handle();
    Ok(Running { server: Box::pin(caught(server)), nonce, handle })
}

/// A server whose panic is an error: it starts its threads when it is polled first, and panics where it cannot.
async fn caught(server: Server) -> io::Result<()> {
    let ended = AssertUnwindSafe(server).catch_unwind().await;
    ended.unwrap_or_else(|_| Err(io::Error::other("its threads could not be started")))
}

struct Served {
    token: Token,
    nonce: Nonce,
    site: Arc<dyn Site>,
    pool: Pool,
    places: Places,
}

async fn answer(request: HttpRequest, body: web::Payload, served: web::Data<Served>) -> HttpResponse {
    let Some(path) = wanted(&request, &served.token) else { return not_found(&served) };
    if path == LIVE {
        let Some(news) = served.site.news() else { return not_found(&served) };
        let answer = live::answer(&request, body, news, &served.places).await;
        return answer.map_or_else(|| not_found(&served), |answer| finish(answer, Freshness::Never));
    }
    if path == PROBE && request.query_string().len() <= LONGEST_CHALLENGE {
        let answer = served.nonce.answer(request.query_string());
        return finish(HttpResponse::Ok().content_type("text/plain").body(answer), Freshness::Never);
    }
    if let Some(download) = served.site.download(&path) {
        let answer = pieces::answer(download, served.site.clone(), served.pool.clone());
        return finish(answer, Freshness::Never);
    }
    let (site, query, coding) = (served.site.clone(), request.query_string().to_owned(), wished(&request));
    if let Some(content) = site.ready(&path, &query, coding) {
        return respond(&request, &content);
    }
    match served.pool.run(move || site.get(&path, &query, coding)).await {
        Ok(Some(content)) => respond(&request, &content),
        Ok(None) => not_found(&served),
        Err(error) => trouble(error),
    }
}

/// The path below the token, if this is a request we answer at all.
fn wanted(request: &HttpRequest, token: &Token) -> Option<String> {
    let hosts = request.headers().get_all(header::HOST).count();
    let host_ok = hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11);
    let method_ok = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path();
    let (given, path) = path.strip_prefix("/s/")?.split_once('/')?;
    let method_ok = method_ok || (path == LIVE && *request.method() == Method::POST);
    // The token is compared in any case, so that the time tells nothing.
    let ours = token.matches(given);
    (ours && host_ok && method_ok).then(|| path.to_owned())
}

fn respond(request: &HttpRequest, content: &Content) -> HttpResponse {
    let etag = match content.coding.name() {
        Some(coding) => format!("\"{}-{coding}\"", content.etag),
        None => format!("\"{}\"", content.etag),
    };
    if content.status == StatusCode::OK && is_known(request, &etag) {
        let mut response = HttpResponse::NotModified().finish();
        set(&mut response, header::ETAG, &etag);
        return finish(response, content.freshness);
    }
    let mut response =
        HttpResponse::build(content.status).content_type(content.media_type).body(content.body.clone());
    set(&mut response, header::ETAG, &etag);
    if let Some(coding) = content.coding.name() {
        set(&mut response, header::CONTENT_ENCODING, coding);
    }
    finish(response, content.freshness)
}

/// The best coding the client names. One it does not name, or refuses with `q=0`, is not used.
fn wished(request: &HttpRequest) -> Coding {
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes = |coding: &Coding| {
        accepted.unwrap_or_default().split(',').any(|part| {
            let mut fields = part.split(';').map(str::trim);
            let named =
                fields.next().zip(coding.name()).is_some_and(|(name, ours)| name.eq_ignore_ascii_case(ours));
            named && !fields.any(|field| matches!(field, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    };
    [Coding::Brotli, Coding::Gzip].into_iter().find(takes).unwrap_or(Coding::Plain)
}

fn is_known(request: &HttpRequest, etag: &str) -> bool {
    let given = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    given.is_some_and(|given| {
        given.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == etag)
    })
}

fn not_found(served: &Served) -> HttpResponse {
    let response =
        HttpResponse::NotFound().content_type("text/html; charset=utf-8").body(served.site.not_found());
    finish(response, Freshness::Never)
}

fn trouble(error: PoolError) -> HttpResponse {
    let mut response = match error {
        PoolError::Busy => HttpResponse::ServiceUnavailable(),
        PoolError::Panicked => HttpResponse::InternalServerError(),
    };
    if error == PoolError::Busy {
        response.insert_header((header::RETRY_AFTER, "2"));
    }
    let text = match error {
        PoolError::Busy => "Too many readers at the moment. Reload in a few seconds.\n",
        PoolError::Panicked => "This part of the session could not be shown.\n",
    };
    finish(response.content_type("text/plain; charset=utf-8").body(text), Freshness::Never)
}

fn finish(mut response: HttpResponse, freshness: Freshness) -> HttpResponse<BoxBody> {
    let cache = match freshness {
        Freshness::Never => "no-store",
        Freshness::AskAgain => "private, no-cache",
        Freshness::Forever => "private, max-age=31536000, immutable",
    };
    let headers = response.headers_mut();
    headers::add(headers);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn set(response: &mut HttpResponse, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
