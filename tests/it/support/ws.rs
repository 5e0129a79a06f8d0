//! A WebSocket client that is just enough to hear what a live page is told.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// An open WebSocket.
pub struct Socket {
    stream: TcpStream,
    /// The reason the server gave for closing, as RFC 6455, 7.4.1, numbers them.
    pub closed: Option<u16>,
}

/// Opens a WebSocket with these headers more; the status of the answer if that is not 101.
pub fn open(port: u16, path: &str, headers: &[(&str, &str)]) -> Result<Socket, u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the head of an answer");
        answer.push(byte[0]);
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    if status == 101 { Ok(Socket { stream, closed: None }) } else { Err(status) }
}

impl Socket {
    /// The next text, as JSON; `None` when the server closes.
    pub fn next(&mut self) -> Option<Value> {
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).ok()?;
            let mut body = vec![0; usize::from(head[1] & 0x7f)];
            assert!(body.len() < 126, "a short frame, not masked");
            self.stream.read_exact(&mut body).ok()?;
            match head[0] & 0x0f {
                1 => return Some(serde_json::from_slice(&body).unwrap()),
                8 => {
                    self.closed = body.first_chunk().map(|code| u16::from_be_bytes(*code));
                    return None;
                }
                9 => {}
                other => panic!("a frame of kind {other}"),
            }
        }
    }

    /// Sends a text, masked as a client's must be.
    pub fn say(&mut self, text: &str) {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap()];
        frame.extend(mask);
        frame.extend(text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame).unwrap();
    }
}
