//! Does the page answer on this machine?

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Token;

/// How long the page may take. It is the first rendering of a session that may be large.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for the page under `token` on `port` of 127.0.0.1 as a browser would.
///
/// # Errors
/// What went wrong, for a person.
pub async fn page_answers(port: u16, token: &Token) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, status_line(port, token)).await {
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(line)) if line.starts_with("HTTP/1.1 200 ") => Ok(()),
        Ok(Ok(line)) => Err(format!("it answered {line:?}")),
    }
}

async fn status_line(port: u16, token: &Token) -> io::Result<String> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let request = format!(
        "HEAD /s/{}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nAccept-Encoding: br\r\n\r\n",
        token.as_str()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The head of an answer is a few hundred bytes, and only its first line is looked at.
    stream.take(4096).read_to_end(&mut answer).await?;
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}
