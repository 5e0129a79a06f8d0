//! A stand-in tunnel client: a script named `cloudflared` in a folder of its own, whose behaviour a file chooses.
//!
//! A file and not a variable, because a tunnel's environment is cleared. The script notes each start, so that a test can
//! count them and look at the processes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// How the stand-in behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// URL, connected, stays.
    Ok,
    /// As `Ok`, once [`StandIn::go_on`] was called.
    Slow,
    /// Prints nothing, stays.
    Silent,
    /// URL, connected, exits 1 once [`StandIn::go_on`] was called.
    UpThenDie,
    /// URL, exits 1.
    UrlThenDie,
    /// Exits 1 at once.
    CrashLoop,
    /// URL, connected, then both streams as fast as they are read.
    Flood,
    /// A line of 64 MiB, then as `Ok`.
    HugeLine,
    /// As `Ok`, but TERM does nothing.
    IgnoreTerm,
    /// As `Ok`, with helpers: in its group, in a session of their own, and one without its environment.
    ForkGrandchild,
    /// As `ForkGrandchild`, but the client dies (exit 3) once [`StandIn::go_on`] was called.
    DieBesideGrandchild,
    /// Asked for patience, exits 1.
    RateLimited,
    /// As `Ok`; asked for patience, exits 1 once [`StandIn::go_on`] was called.
    UpThenLimited,
    /// The line that looks like a URL, exits 1.
    WrongUrl,
    /// As `Ok`, and another URL once [`StandIn::go_on`] was called.
    TwoUrls,
    /// As `Slow`, and another URL once [`StandIn::go_further`] was called.
    SlowTwoUrls,
    /// As `Ok`, the URL written in pieces.
    SplitUrl,
    /// As `Ok`, with bytes that are no text before the URL.
    InvalidUtf8,
    /// As `Ok`, but connected only once [`StandIn::go_on`] was called.
    UrlBeforeReady,
    /// As `Ok`; loses the connection and regains it once [`StandIn::go_on`] was called.
    LostAndFound,
    /// An option it does not know, exits 0.
    UnknownFlag,
    /// As `Ok`, and says at `/ready` whether it is connected: not while there is a file `unready`.
    Metrics,
}

impl Mode {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::UpThenDie => "up-then-die",
            Self::UrlThenDie => "url-then-die",
            Self::CrashLoop => "crash-loop",
            Self::Flood => "flood",
            Self::HugeLine => "huge-line",
            Self::IgnoreTerm => "ignore-term",
            Self::ForkGrandchild => "fork-grandchild",
            Self::DieBesideGrandchild => "die-beside-grandchild",
            Self::RateLimited => "rate-limited",
            Self::UpThenLimited => "up-then-limited",
            Self::WrongUrl => "wrong-url",
            Self::TwoUrls => "two-urls",
            Self::SlowTwoUrls => "slow-two-urls",
            Self::SplitUrl => "split-url",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::UrlBeforeReady => "url-before-ready",
            Self::LostAndFound => "lost-and-found",
            Self::UnknownFlag => "unknown-flag",
            Self::Metrics => "metrics",
        }
    }
}

/// Everything goes to standard error, as cloudflared's log does. Each start has a URL of its own.
const SCRIPT: &str = r#"#!/bin/sh
here=${0%/*}
case "$*" in *--help*) cat "$here/help"; exit 0;; esac
echo $$ >> "$here/starts"
mode=$(cat "$here/mode")
url="https://stand-in-$$.trycloudflare.com"
banner() { echo "2026-01-01T00:00:00Z INF |  $1  |" >&2; }
connected() { echo "2026-01-01T00:00:00Z INF Registered tunnel connection connIndex=0 protocol=quic" >&2; }
wait_for_go() { while [ ! -e "$here/go" ]; do sleep 0.02; done; }
# Longer than any test: also than a thousand kills on a slow disk.
stay() { exec sleep 86400; }
limited() {
    echo 'ERR Error unmarshaling QuickTunnel response: error code: 1015 status_code="429 Too Many Requests"' >&2
    exit 1
}
helpers() {
    sleep 86400 & echo $! >> "$here/helpers"
    setsid sleep 86400 & echo $! >> "$here/helpers"
    setsid env -i sleep 86400 & echo $! >> "$here/helpers"
}
case "$mode" in
    ok) banner "$url"; connected; stay;;
    slow) wait_for_go; banner "$url"; connected; stay;;
    silent) stay;;
    up-then-die) banner "$url"; connected; wait_for_go; echo "the last words" >&2; exit 1;;
    url-then-die) banner "$url"; exit 1;;
    crash-loop) echo "cannot work" >&2; exit 1;;
    flood)
        banner "$url"; connected
        line=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        yes "$line$line" >&2 & exec yes "$line";;
    huge-line) head -c 67108864 /dev/zero | tr '\0' x >&2; echo >&2; banner "$url"; connected; stay;;
    ignore-term) trap '' TERM; banner "$url"; connected; stay;;
    fork-grandchild) helpers; banner "$url"; connected; stay;;
    die-beside-grandchild) helpers; banner "$url"; connected; wait_for_go; exit 3;;
    rate-limited) limited;;
    up-then-limited) banner "$url"; connected; wait_for_go; limited;;
    wrong-url)
        echo 'ERR failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: timeout' >&2
        exit 1;;
    two-urls) banner "$url"; connected; wait_for_go; banner "https://second-$$.trycloudflare.com"; stay;;
    slow-two-urls)
        wait_for_go; banner "$url"; connected
        while [ -e "$here/go" ]; do sleep 0.02; done; banner "https://second-$$.trycloudflare.com"; stay;;
    split-url)
        printf 'INF |  https://stand-' >&2; sleep 0.05; printf 'in-%s.trycloud' $$ >&2; sleep 0.05
        printf 'flare.com |\r' >&2; sleep 0.05; printf '\n' >&2; connected; stay;;
    invalid-utf8) printf '\377\376\200 INF |  %s  | \303\n' "$url" >&2; connected; stay;;
    url-before-ready) banner "$url"; wait_for_go; connected; stay;;
    lost-and-found)
        banner "$url"; connected; wait_for_go
        echo "WRN Lost connection with the edge connIndex=0" >&2; sleep 0.3; connected; stay;;
    metrics)
        banner "$url"
        exec perl -MIO::Socket::INET -e '
            my $s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1:0") or die;
            print STDERR "INF Starting metrics server on 127.0.0.1:", $s->sockport, "/metrics\n";
            print STDERR "INF Registered tunnel connection connIndex=0\n";
            while (my $c = $s->accept) {
                <$c>;
                print $c "HTTP/1.1 ", (-e "$ARGV[0]/unready" ? 503 : 200), " x\r\ncontent-length: 0\r\n\r\n";
            }' "$here";;
    unknown-flag) echo "Incorrect Usage: flag provided but not defined: -metrics" >&2; exit 0;;
esac
"#;

/// A folder with a stand-in `cloudflared`.
pub struct StandIn {
    folder: TempDir,
}

impl StandIn {
    /// A stand-in that behaves as `mode` says.
    pub fn new(mode: Mode) -> Self {
        let stand_in = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(stand_in.path("help"), "   --no-autoupdate   Disable it\n   --no-prechecks   Skip them\n")
            .unwrap();
        stand_in.behave(mode);
        // Written by another process: a child forked by a parallel test while this one holds the script open for writing
        // would make its execution fail ("text file busy").
        let script = stand_in.program();
        let done = std::process::Command::new("/bin/sh")
            .args(["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""])
            .arg(&script)
            .arg(SCRIPT)
            .status()
            .unwrap();
        assert!(done.success());
        assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o755);
        stand_in
    }

    /// From its next start on it behaves as `mode` says.
    pub fn behave(&self, mode: Mode) {
        fs::write(self.path("mode"), mode.word()).unwrap();
    }

    /// Lets modes that wait go on.
    pub fn go_on(&self) {
        fs::write(self.path("go"), "").unwrap();
    }

    /// Lets modes that wait a second time go on.
    pub fn go_further(&self) {
        fs::remove_file(self.path("go")).unwrap();
    }

    /// The script.
    pub fn program(&self) -> PathBuf {
        self.path("cloudflared")
    }

    /// The folder, to be first on a PATH.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The processes started so far, first to last.
    pub fn starts(&self) -> Vec<u32> {
        self.numbers("starts")
    }

    /// The helpers started so far.
    pub fn helpers(&self) -> Vec<u32> {
        self.numbers("helpers")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn numbers(&self, name: &str) -> Vec<u32> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

/// The URL that the stand-in's process `pid` prints.
pub fn url_of(pid: u32) -> String {
    format!("https://stand-in-{pid}.trycloudflare.com")
}
