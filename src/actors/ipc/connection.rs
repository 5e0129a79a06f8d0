//! One connection: frames in, answers out, in order unless a request has an id.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::UnixStream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec, LinesCodecError};

use super::{Desk, Room};
use crate::ipc::protocol::{
    ErrorCode, ErrorReply, Event, Incoming, MAX_FRAME, Reply, Request, decode, encode,
};

/// Answers that wait for the client to read them. Beyond that, no more of its requests are read.
const UNREAD: usize = 16;
/// Requests with an id under way on one connection.
const AT_ONCE: usize = 64;
/// How long a client may leave an answer unread before it is dropped.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a client may say nothing whole while others wait for its place.
const IDLE: Duration = Duration::from_secs(5);

/// Serves one client until it goes, sends too long a frame, or stops reading; or until it says nothing, asked for
/// nothing, and there is no place in `room` for others.
pub(super) async fn serve(stream: UnixStream, desk: Arc<Desk>, room: &Room) {
    let (reader, writer) = stream.into_split();
    let mut lines = FramedRead::new(reader, LinesCodec::new_with_max_length(MAX_FRAME));
    let mut sink = FramedWrite::new(writer, LinesCodec::new());
    let (answers, mut unsent) = mpsc::channel::<String>(UNREAD);

    let write = async move {
        while let Some(answer) = unsent.recv().await {
            match tokio::time::timeout(PATIENCE, sink.send(answer)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    };
    let read = async move {
        let mut apart = JoinSet::new();
        // Ends with the reading: a client that subscribed and closed its writing side is gone.
        let mut subscription = JoinSet::new();
        loop {
            let idle = apart.is_empty() && subscription.is_empty();
            let line = tokio::select! {
                line = lines.next() => line,
                () = crowded(room), if idle => None,
            };
            let Some(line) = line else { break };
            while apart.try_join_next().is_some() {}
            let incoming = match line {
                Ok(line) if line.trim().is_empty() => continue,
                Ok(line) => decode(line.as_bytes()),
                Err(error) => {
                    // The framing is lost: say why, and close.
                    let _ = answers.send(encode(None, &Reply::Error(unframed(&error)))).await;
                    break;
                }
            };
            if matches!(incoming.request, Ok(Request::Subscribe)) && subscription.is_empty() {
                // Subscribed before the list is made: what changes meanwhile is told, not lost.
                let events = desk.events();
                match answer(incoming, &desk, &answers).await {
                    Some(Reply::Subscribed(_)) => {
                        drop(subscription.spawn_local(forward(events, answers.clone())))
                    }
                    Some(_) => {}
                    None => break,
                }
                continue;
            }
            if incoming.id.is_some() && apart.len() < AT_ONCE {
                let (desk, answers) = (desk.clone(), answers.clone());
                apart.spawn_local(async move { answer(incoming, &desk, &answers).await });
            } else if answer(incoming, &desk, &answers).await.is_none() {
                break;
            }
        }
        // Answers under way still go out, should the client have closed its writing side only.
        while apart.join_next().await.is_some() {}
    };
    // Reading ends first and drops its sender; writing then ends with the last answer. A client that reads
    // nothing ends both.
    let mut write = std::pin::pin!(write);
    tokio::select! {
        () = &mut write => {}
        () = read => write.await,
    }
}

/// Returns when a client that has been idle takes the place of another.
async fn crowded(room: &Room) {
    tokio::time::sleep(IDLE).await;
    room.is_wanted().await;
}

/// Events as they come, until the client reads no more.
async fn forward(mut events: broadcast::Receiver<Event>, answers: mpsc::Sender<String>) {
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(events)) => Event::Missed { events },
            Err(RecvError::Closed) => return,
        };
        if answers.send(encode(None, &Reply::Event(event))).await.is_err() {
            return;
        }
    }
}

/// What was answered; `None` if the client reads no answers any more.
async fn answer(incoming: Incoming, desk: &Desk, answers: &mpsc::Sender<String>) -> Option<Reply> {
    let reply = match incoming.request {
        Ok(request) => desk.answer(request).await,
        Err(error) => Reply::Error(error),
    };
    answers.send(encode(incoming.id.as_deref(), &reply)).await.ok().map(|()| reply)
}

fn unframed(error: &LinesCodecError) -> ErrorReply {
    match error {
        LinesCodecError::MaxLineLengthExceeded => {
            let what = format!("a frame is longer than {MAX_FRAME} bytes");
            ErrorReply::new(ErrorCode::FrameTooLarge, what, "send one request a line")
        }
        LinesCodecError::Io(_) => {
            ErrorReply::new(ErrorCode::NotUtf8, "a frame is not valid UTF-8", "send UTF-8")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::sync::Semaphore;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    use super::*;
    use crate::actors::Env;
    use crate::config::Config;
    use crate::paths::Paths;
    use crate::web::pool::Pool;

    #[test]
    fn who_was_told_that_he_is_not_subscribed_is_not() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::new(home.path().join("data"), home.path().join("config.toml")).unwrap();
        actix::System::new().block_on(async {
            // Nobody can be asked for the list.
            let env = Env::new(paths, Config::default(), Pool::new(1).unwrap(), Vec::new(), HashMap::new());
            let env = Arc::new(env);
            let desk = Arc::new(Desk::new(env.clone(), CancellationToken::new(), Semaphore::new(4)));
            let (ours, theirs) = UnixStream::pair().unwrap();
            actix::spawn(async move { serve(theirs, desk, &Room::new(4)).await });
            let (reader, mut writer) = ours.into_split();
            let mut answers = BufReader::new(reader).lines();
            writer.write_all(b"{\"method\":\"Subscribe\"}\n").await.unwrap();
            let refused = answers.next_line().await.unwrap().unwrap();
            assert!(refused.contains("\"Error\""), "{refused}");
            env.announce(Event::ShareGone { share_id: Uuid::nil() });
            // What the event would be told with has its turn before this is answered.
            tokio::task::yield_now().await;
            writer.write_all(b"{\"method\":\"Ping\"}\n").await.unwrap();
            let next = answers.next_line().await.unwrap().unwrap();
            assert!(next.contains("Pong"), "{next}");
        });
    }
}
