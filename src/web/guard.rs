//! The stream below the server: gives the answers that actix makes by itself the headers of all others.
//!
//! A request that is no HTTP, has no Host, or comes too slowly is answered by actix's dispatcher before any
//! code of ours runs, with a status line and `content-length: 0` alone. There is no hook for that, so the
//! headers are put behind such a status line on its way out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::headers;

/// What the dispatcher answers by itself begins with one of these (`actix_http::h1::dispatcher`).
const OWN_ANSWERS: [&[u8]; 3] = [
    b"HTTP/1.1 400 Bad Request\r\n",
    b"HTTP/1.1 408 Request Timeout\r\n",
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
];

/// A stream whose bare error answers get [`headers::ALWAYS`].
pub(super) struct Guarded<S> {
    stream: S,
    /// Bytes that go out before anything else.
    ahead: Vec<u8>,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new() }
    }
}

impl<S: AsyncWrite + Unpin> Guarded<S> {
    fn poll_ahead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.ahead.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.ahead))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.ahead.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

/// `answer` with the headers, if it is one that the dispatcher made by itself. Ours name the policy already.
fn completed(answer: &[u8]) -> Option<Vec<u8>> {
    let line = OWN_ANSWERS.into_iter().find(|line| answer.starts_with(line))?;
    let (name, _) = headers::ALWAYS.first()?;
    if memchr::memmem::find(answer, name.as_bytes()).is_some() {
        return None;
    }
    let mut whole = line.to_vec();
    for (name, value) in headers::ALWAYS.into_iter().chain([("cache-control", "no-store")]) {
        whole.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    whole.extend_from_slice(answer.strip_prefix(line)?);
    Some(whole)
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_ahead(cx))?;
        match completed(buf) {
            Some(whole) => {
                // Taken as a whole; what the socket does not take now goes out before the next bytes.
                self.ahead = whole;
                let _ = self.poll_ahead(cx)?;
                Poll::Ready(Ok(buf.len()))
            }
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ahead(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_ahead(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_answers_of_the_dispatcher_are_completed() {
        let bare = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let whole = String::from_utf8(completed(bare).unwrap()).unwrap();
        assert!(
            whole.starts_with("HTTP/1.1 400 Bad Request\r\ncontent-security-policy: default-src 'none'"),
            "{whole}"
        );
        assert!(whole.ends_with("cache-control: no-store\r\ncontent-length: 0\r\n\r\n"), "{whole}");
        assert_eq!(completed(whole.as_bytes()), None, "twice is too much");
        assert_eq!(completed(b"HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(completed(b"a body that quotes HTTP/1.1 400 Bad Request\r\n"), None);
    }
}
