//! Real tunnels, end to end: `panko share` to a page that came through one, and what becomes of it when the far end
//! goes, comes back, or stands still.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use panko::tunnel::files;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::daemon::Home;
use crate::support::servers::{Bore, Sshd};
use crate::support::wait::until;

/// A real client takes its time, a share whose tunnel fails waits before it tries again, and a probe that gets no answer
/// is given up after some ten seconds, several times in a row.
const LONG: Duration = Duration::from_secs(150);

fn example() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/session.jsonl"))
}

/// The page at a URL of any host, by way of the tunnel; `None` if nothing answers.
fn page(url: &str) -> Option<String> {
    let (authority, path) = url.strip_prefix("http://")?.split_once('/')?;
    let mut stream = TcpStream::connect(authority).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let head = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.starts_with("HTTP/1.1 200").then_some(answer)
}

fn url_of(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

fn only_share(home: &Home) -> Value {
    let shares = home.shares();
    assert_eq!(shares.len(), 1, "{shares:?}");
    shares[0].clone()
}

/// Waits until the only share is active, at an address that leads to its page.
fn until_it_answers(home: &Home) -> String {
    let mut share = Value::Null;
    until(LONG, "the share is active again, and its page answers", || {
        share = only_share(home);
        share["status"] == "active" && share["public_url"].as_str().and_then(page).is_some()
    });
    share["public_url"].as_str().unwrap().to_owned()
}

/// Shares the example, and asserts that its page comes through the tunnel.
fn share(home: &Home, provider: &str) -> String {
    let url = url_of(&home.run(&["share", example().to_str().unwrap(), "--tunnel", provider]));
    let answer = page(&url).expect("the page answers through the tunnel");
    assert!(answer.contains("data-windows="), "{answer}");
    home.until_share(&only_share(home)["id"], "the page was seen through its address", |share| {
        share["public"] == "verified"
    });
    url
}

#[test]
fn a_share_through_openssh_is_up_with_its_server_and_comes_back_with_it() {
    let Some(mut sshd) = Sshd::start() else { return };
    let mut home = Home::new();
    home.configure(&format!(
        "[tunnels.own]\ncommand = ['ssh', '-F', 'none', '-T', '-N', '-i', '{}', '-p', '{port}', \
         '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new', '-o', 'UserKnownHostsFile={}', \
         '-o', 'ExitOnForwardFailure=yes', '-o', 'ServerAliveInterval=15', \
         '-R', '127.0.0.1:0:127.0.0.1:{{port}}', '127.0.0.1']\n\
         stream = 'stderr'\nurl_regex = 'Allocated port (\\d+) for remote forward'\n\
         url_template = 'http://127.0.0.1:{{1}}'\nprobe_after = 0\nprobe_every = 1\n",
        sshd.key().display(),
        home.path("known_hosts").display(),
        port = sshd.port,
    ));
    home.start();
    let url = share(&home, "own");

    sshd.server.kill();
    until(LONG, "the loss is seen", || only_share(&home)["status"] != "active");
    assert_eq!(page(&url), None, "the port went with its server");
    let lost = only_share(&home);
    assert!(lost["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{lost}");

    sshd.server.start();
    let again = until_it_answers(&home);
    home.ok(&["stop", "--all"]);
    assert_eq!(page(&again), None, "nothing answers at the address of what was stopped");
    home.assert_nothing_runs();
    assert!(files::known(&home.data("keepers")).unwrap().is_empty());
}

#[test]
fn a_loss_that_bore_never_notices_is_noticed_by_the_probe() {
    let Some(bore) = Bore::start() else { return };
    let mut home = Home::new();
    home.configure(&format!(
        "[tunnels.own]\ncommand = ['{}', 'local', '{{port}}', '--local-host', '127.0.0.1', '--to', '{host}']\n\
         url_regex = 'listening at (\\S+:\\d+)'\nurl_template = 'http://{{1}}'\nready_timeout = 5\n\
         probe_after = 0\nprobe_every = 1\nedge = '{host}:{}'\n",
        Bore::program().unwrap().display(),
        Bore::PORT,
        host = bore.host,
    ));
    home.start();
    let url = share(&home, "own");

    // It stands still: its connections stay, its client says nothing, and nothing comes through.
    bore.server.signal(Signal::STOP);
    until(LONG, "what nobody announced is seen", || only_share(&home)["status"] != "active");
    assert_eq!(page(&url), None);

    bore.server.signal(Signal::CONT);
    let again = until_it_answers(&home);
    home.ok(&["stop", "--all"]);
    assert_eq!(page(&again), None, "nothing answers at the address of what was stopped");
    home.assert_nothing_runs();
}
