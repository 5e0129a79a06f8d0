//! Asking from outside: does the public URL lead to the page, does the client say that it is connected, is this
//! machine online at all.
//!
//! Blocking, with deadlines: for a thread that may block. What is made of the answers decides the share.

use std::net::{IpAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use serde::Serialize;
use ureq::Agent;

/// How long the way through the public URL may take: a tunnel goes around half the world.
const PUBLIC: Duration = Duration::from_secs(15);
/// How long a client on this machine may take.
const LOCAL: Duration = Duration::from_secs(3);
/// How long an edge may take to accept a connection.
const EDGE: Duration = Duration::from_secs(3);
/// Bytes read of an answer: ours has 64.
const LONGEST: u64 = 4096;
/// Free plans put a page of their own before ours, unless asked not to.
const SKIP_WARNING: (&str, &str) = ("ngrok-skip-browser-warning", "1");

/// What came back through the public URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What our page alone can say.
    Ours,
    /// Something else: what.
    Other(String),
    /// Nothing: why.
    None(String),
}

/// Asks for `url`, where our page says `expected`.
pub fn ask_public(url: &str, expected: &str) -> Answer {
    let request = agent(url, PUBLIC).get(url).header(SKIP_WARNING.0, SKIP_WARNING.1);
    let mut response = match request.call() {
        Ok(response) => response,
        Err(error) => return Answer::None(error.to_string()),
    };
    let status = response.status();
    if status != 200 {
        return Answer::Other(format!("it is answered by HTTP {}", status.as_u16()));
    }
    match response.body_mut().with_config().limit(LONGEST).read_to_string() {
        Ok(body) if body.trim() == expected => Answer::Ours,
        Ok(_) => Answer::Other("another page is there".to_owned()),
        Err(error) => Answer::None(error.to_string()),
    }
}

/// Asks a client on this machine whether it is connected.
///
/// # Errors
/// Why not, for a person.
pub fn ask_client(url: &str) -> Result<(), String> {
    match agent(url, LOCAL).get(url).call() {
        Ok(response) if response.status() == 200 => Ok(()),
        Ok(response) => {
            Err(format!("it says that it is not connected (HTTP {})", response.status().as_u16()))
        }
        Err(error) => Err(format!("it does not say whether it is connected: {error}")),
    }
}

/// Sends `message` as JSON.
///
/// # Errors
/// Why it did not arrive, for a person.
pub fn post(url: &str, message: &impl Serialize) -> Result<(), String> {
    let json = serde_json::to_string(message).map_err(|error| error.to_string())?;
    match agent(url, PUBLIC).post(url).content_type("application/json").send(json) {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("it is answered by HTTP {}", response.status().as_u16())),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether `edge` (`host:port`) accepts a connection.
pub fn reaches(edge: &str) -> bool {
    let addresses = edge.to_socket_addrs().into_iter().flatten();
    addresses.take(4).any(|address| TcpStream::connect_timeout(&address, EDGE).is_ok())
}

/// How a process is, as far as that can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs, or waits; or the system does not say.
    Fine,
    /// It was stopped (SIGSTOP).
    Stopped,
    /// It has ended, and whoever started it has not noticed yet.
    Ended,
}

/// How a process that was started is (proc_pid_stat(5)).
pub fn condition(pid: u32) -> Condition {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it may hold anything, blanks and brackets included.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    match state {
        Some('T' | 't') => Condition::Stopped,
        Some('Z' | 'X') => Condition::Ended,
        _ => Condition::Fine,
    }
}

/// Whether `url` is one of this machine.
pub fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn agent(url: &str, patience: Duration) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("panko/", env!("CARGO_PKG_VERSION")));
    // What runs on this machine is not asked by way of anybody's proxy.
    let config = if is_loopback(url) { config.proxy(None) } else { config };
    config.build().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// A server that gives each connection this answer.
    fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(1) {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        format!("http://{address}/x")
    }

    fn closed() -> String {
        format!("http://{}/", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
    }

    #[test]
    fn only_our_own_words_are_our_page() {
        let ours = server("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc");
        assert_eq!(ask_public(&ours, "abc"), Answer::Ours);
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nabcd",
            "HTTP/1.1 530 \r\ncontent-length: 3\r\n\r\nabc",
            "HTTP/1.1 302 Found\r\nlocation: /y\r\ncontent-length: 0\r\n\r\n",
        ] {
            let answer = ask_public(&server(other), "abc");
            assert!(matches!(answer, Answer::Other(_)), "{other}: {answer:?}");
        }
        for none in [closed(), server(""), "http://no-such-host.invalid/".to_owned()] {
            let answer = ask_public(&none, "abc");
            assert!(matches!(answer, Answer::None(_)), "{none}: {answer:?}");
        }
    }

    #[test]
    fn a_client_is_connected_when_it_says_so() {
        assert_eq!(ask_client(&server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")), Ok(()));
        let no = ask_client(&server("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")).unwrap_err();
        assert!(no.contains("503"), "{no}");
        assert!(ask_client(&closed()).is_err());
    }

    #[test]
    fn who_is_reached_proves_that_this_machine_is_online() {
        let edge = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(reaches(&edge.local_addr().unwrap().to_string()));
        assert!(!reaches(closed().trim_start_matches("http://").trim_end_matches('/')));
        assert!(!reaches("no-such-host.invalid:443") && !reaches("nonsense"));
    }

    #[test]
    fn only_other_hosts_prove_that_there_is_a_network() {
        for (url, expected) in [
            ("http://127.0.0.1:80/s/x/", true),
            ("http://localhost:80/", true),
            ("http://[::1]:80/", true),
            ("https://a.example/s/x/", false),
            ("http://192.0.2.1:80/", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }

    #[test]
    fn a_process_is_fine_stopped_or_has_ended() {
        assert_eq!(condition(std::process::id()), Condition::Fine);
        assert_eq!(condition(u32::MAX), Condition::Fine, "nothing is known of it");
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        let id = rustix::process::WaitId::Pid(rustix::process::Pid::from_child(&ended));
        let look = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(id, look).unwrap();
        assert_eq!(condition(ended.id()), Condition::Ended);
        ended.wait().unwrap();
    }
}
