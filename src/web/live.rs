//! Live pages: who looks at a session that goes on is told that there is more.
//!
//! # The contract with the page's script
//!
//! Everything stands below the token, at `…/live`; on a page that is no live one there is no such thing (404).
//! What is told is one line of JSON, and never a word of the session: that is fetched as before, as window
//! parts (`…/w/<n>?part=1`), so that nothing goes around the choke point.
//!
//! ```json
//! {"revision":1790000000123,"windows":3,"state":"live"}
//! ```
//!
//! - `revision` grows whenever something that a page shows has changed, across restarts of the daemon too. Its
//!   steps mean nothing.
//! - `windows` is how many windows there are now; the last one is the one that grows.
//! - `state`: `live` (the session has grown within the last minutes), `idle` (it has not, and may again), or
//!   `gone` (its file was deleted, cut or replaced: what is shown is the last that was there).
//!
//! `GET …/live` as a WebSocket sends the line at once and then at every change; it takes nothing. It is closed
//! without a word when the share ends. `POST …/live?since=N` is for edges that hold streams back: it answers
//! with the line as soon as the revision is another than `N`, and after [`POLL`] at the latest; without `since`
//! at once. Past the limit of connections both are refused with 503 and a `Retry-After` in seconds: then ask
//! without `since`, in that rhythm. A request from another origin gets 403.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{CloseCode, CloseReason, Message};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{interval, timeout};

/// How long a POST waits for a change.
pub const POLL: Duration = Duration::from_secs(25);
/// WebSockets of one share. A Cloudflare quick tunnel has 200 requests in flight, and the page needs some.
const SOCKETS: usize = 100;
/// POSTs of one share that wait.
const POLLS: usize = 50;
/// In which rhythm to ask past the limits, in seconds.
const RETRY: u64 = 5;
/// Between two pings: edges cut what is silent for 100 s, and a viewer that is gone answers none.
const PING: Duration = Duration::from_secs(25);
/// How long a viewer may take to read a line.
const WRITE: Duration = Duration::from_secs(10);
/// Bytes of a message of a viewer, who has nothing to say.
const LONGEST_MESSAGE: usize = 1024;

/// Whether the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Going {
    /// It has grown lately.
    Live,
    /// It has not, and may again.
    Idle,
    /// Its file is not there any more: what is shown is the last that was.
    Gone,
}

impl Going {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Going::Live => "live",
            Going::Idle => "idle",
            Going::Gone => "gone",
        }
    }
}

/// How a live page stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct News {
    /// Grows with each change.
    pub revision: u64,
    /// Windows there are.
    pub windows: u32,
    /// Whether it goes on.
    pub state: Going,
    /// What keeps it from going on. For who shares; viewers are not told.
    #[serde(skip)]
    pub trouble: Option<String>,
}

impl News {
    fn line(&self) -> String {
        // Two numbers and a word: there is nothing in it that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The live connections a server still has room for.
pub(super) struct Places {
    sockets: Arc<Semaphore>,
    polls: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self { sockets: Arc::new(Semaphore::new(SOCKETS)), polls: Arc::new(Semaphore::new(POLLS)) }
    }
}

/// Answers a request of `…/live`; `None`: it is none.
pub(super) async fn answer(
    request: &HttpRequest,
    body: web::Payload,
    news: watch::Receiver<News>,
    places: &Places,
) -> Option<HttpResponse> {
    let upgrade = request.headers().contains_key(header::UPGRADE);
    if *request.method() != Method::POST && !(*request.method() == Method::GET && upgrade) {
        return None;
    }
    if !is_from_here(request) {
        return Some(HttpResponse::Forbidden().finish());
    }
    if *request.method() == Method::POST {
        return Some(poll(request, news, places).await);
    }
    Some(match places.sockets.clone().try_acquire_owned() {
        Ok(place) => open_socket(request, body, news, place),
        Err(_) => full(),
    })
}

/// Browsers name the origin of a script that opens a stream. Behind a tunnel the page's own is the public one,
/// which arrives as the Host, or beside it where a proxy puts its own there; neither is a script's to choose.
fn is_from_here(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let mut origins = headers.get_all(header::ORIGIN);
    let Some(origin) = origins.next() else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let hosts = headers.get_all(header::HOST).chain(headers.get_all("x-forwarded-host"));
    let mut hosts = hosts.filter_map(|host| host.to_str().ok());
    origins.next().is_none()
        && origin.is_some_and(|origin| hosts.any(|host| host.eq_ignore_ascii_case(origin)))
}

async fn poll(request: &HttpRequest, mut news: watch::Receiver<News>, places: &Places) -> HttpResponse {
    let since = request.query_string().strip_prefix("since=").and_then(|since| since.parse::<u64>().ok());
    if let Some(since) = since {
        let Ok(_place) = places.polls.try_acquire() else { return full() };
        // Both a pause that is over and a site that ended are answered with what is known.
        let _ = timeout(POLL, news.wait_for(|news| news.revision != since)).await;
    }
    let line = news.borrow().line();
    HttpResponse::Ok().content_type("application/json").body(line)
}

fn full() -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, RETRY)).finish()
}

fn open_socket(
    request: &HttpRequest,
    body: web::Payload,
    news: watch::Receiver<News>,
    place: OwnedSemaphorePermit,
) -> HttpResponse {
    match actix_ws::handle(request, body) {
        Ok((response, session, messages)) => {
            actix_web::rt::spawn(async move {
                tell(session, messages.max_frame_size(LONGEST_MESSAGE), news).await;
                drop(place);
            });
            response
        }
        Err(_) => HttpResponse::BadRequest().finish(),
    }
}

/// Tells one viewer, until one of both sides is gone.
async fn tell(
    mut session: actix_ws::Session,
    mut messages: actix_ws::MessageStream,
    mut news: watch::Receiver<News>,
) {
    let mut pings = interval(PING);
    let mut answered = true;
    news.mark_changed();
    let goodbye = loop {
        tokio::select! {
            changed = news.changed() => {
                let line = news.borrow_and_update().line();
                if changed.is_err() {
                    break Some(CloseCode::Away);
                }
                if !matches!(timeout(WRITE, session.text(line)).await, Ok(Ok(()))) {
                    break None;
                }
            }
            _ = pings.tick() => {
                let sent = timeout(WRITE, session.ping(b"")).await;
                if !std::mem::take(&mut answered) || !matches!(sent, Ok(Ok(()))) {
                    break None;
                }
            }
            message = messages.recv() => match message {
                Some(Ok(Message::Pong(_))) => answered = true,
                Some(Ok(Message::Ping(bytes))) => {
                    if session.pong(&bytes).await.is_err() {
                        break None;
                    }
                }
                Some(Ok(Message::Nop)) => {}
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_))) => {
                    break Some(CloseCode::Policy);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
            },
        }
    };
    let reason = goodbye.map(CloseReason::from);
    // A viewer that is gone already hears no goodbye.
    let _ = timeout(WRITE, session.close(reason)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_the_pages_own_scripts_are_heard() {
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[("host", "a.example")], true),
            (&[("host", "a.example"), ("origin", "https://a.example")], true),
            (&[("host", "127.0.0.1:80"), ("origin", "http://127.0.0.1:80")], true),
            (&[("host", "inner"), ("x-forwarded-host", "a.example"), ("origin", "https://A.example")], true),
            (&[("host", "a.example"), ("origin", "https://b.example")], false),
            (&[("host", "a.example"), ("origin", "https://a.example.b.example")], false),
            (&[("host", "a.example"), ("origin", "https://a.example:8443")], false),
            (&[("host", "a.example"), ("origin", "null")], false),
            (
                &[("host", "a.example"), ("origin", "https://a.example"), ("origin", "https://b.example")],
                false,
            ),
        ];
        for (headers, expected) in cases {
            let request =
                headers.iter().fold(TestRequest::get(), |request, header| request.append_header(*header));
            assert_eq!(is_from_here(&request.to_http_request()), expected, "{headers:?}");
        }
    }

    #[test]
    fn news_are_two_numbers_and_a_word() {
        let trouble = Some("the file /home/somebody/x is gone".to_owned());
        let news = News { revision: 12, windows: 3, state: Going::Gone, trouble };
        assert_eq!(news.line(), r#"{"revision":12,"windows":3,"state":"gone"}"#);
    }
}
