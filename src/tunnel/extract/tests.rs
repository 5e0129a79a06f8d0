use proptest::prelude::*;

use super::*;
use crate::tunnel::lines::Lines;
use crate::tunnel::provider::{Context, Provider, tunnel_spec};
use crate::tunnel::spec::{FailureRule, Streams};

fn cloudflare() -> Extractor {
    let custom = std::collections::BTreeMap::new();
    let provider = Provider::find("cloudflare", &custom).unwrap();
    let context = Context { program: std::path::Path::new("/c"), help: None, environment: &[] };
    Extractor::new(&tunnel_spec(&provider, context).unwrap().unwrap().watch, 4000).unwrap()
}

fn line_rules(pattern: &str, template: &str) -> WatchRules {
    let url =
        UrlRule::Line { stream: Streams::Both, pattern: pattern.to_owned(), template: template.to_owned() };
    WatchRules { url, ready: None, failures: Vec::new(), ready_at: None }
}

fn run(extractor: &mut Extractor, chunks: &[&[u8]]) -> Vec<TunnelEvent> {
    let mut lines = Lines::default();
    let mut events = Vec::new();
    for chunk in chunks {
        lines.feed(chunk, |line| events.extend(extractor.line(Stream::Stderr, line)));
    }
    lines.finish(|line| events.extend(extractor.line(Stream::Stderr, line)));
    events
}

fn url(text: &str) -> TunnelEvent {
    TunnelEvent::Url(text.to_owned())
}

const REGISTERED: &str = "INF Registered tunnel connection connIndex=0 ip=198.51.100.7 protocol=quic";

#[test]
fn the_quick_tunnels_url_is_found_in_every_form_it_is_printed_in() {
    let table: &[&[u8]] = &[
        b"2026-01-01T00:00:00Z INF |  https://calm-blue-sky.trycloudflare.com                    |",
        b"INF |  https://calm-blue-sky.trycloudflare.com  |\r",
        b"\x1b[90m12:00\x1b[0m \x1b[32mINF\x1b[0m |  \x1b[1mhttps://calm-blue-sky.trycloudflare.com\x1b[0m  |",
        br#"{"level":"info","time":"t","message":"|  https://calm-blue-sky.trycloudflare.com  |"}"#,
        b"visit https://calm-blue-sky.trycloudflare.com/.",
        b"bad bytes \xff\xfe then https://calm-blue-sky.trycloudflare.com",
    ];
    for line in table {
        let events = run(&mut cloudflare(), &[line]);
        assert_eq!(
            events,
            [url("https://calm-blue-sky.trycloudflare.com")],
            "{}",
            String::from_utf8_lossy(line)
        );
    }
}

#[test]
fn what_only_looks_like_the_url_is_refused() {
    let table = [
        r#"ERR failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: timeout"#,
        "https://api.trycloudflare.com",
        "https://trycloudflare.com",
        "http://calm-blue-sky.trycloudflare.com",
        "https://calm-blue-sky.trycloudflare.com.evil.example",
        "https://evil.example/https://calm-blue-sky.trycloudflare.com",
        "https://evil.example?u=https://calm-blue-sky.trycloudflare.com",
        "https://user@calm-blue-sky.trycloudflare.com",
        "https://calm-blue-sky.trycloudflare.com:8443",
        "https://calm-blue-sky.trycloudflare.com/path",
        "https://-blue.trycloudflare.com",
        "https://Calm-Blue.trycloudflare.com",
        "https://calm-blue-sky.trycloudflare.com\u{430}",
        "https://calm-blue-skytrycloudflare.com",
        "terms: https://www.cloudflare.com/website-terms/ and https://developers.cloudflare.com/tunnel",
    ];
    for line in table {
        assert_eq!(run(&mut cloudflare(), &[line.as_bytes()]), [], "{line}");
    }
}

#[test]
fn the_other_stream_does_not_count() {
    let mut extractor = cloudflare();
    assert_eq!(extractor.line(Stream::Stdout, "https://calm-blue-sky.trycloudflare.com"), []);
}

#[test]
fn the_url_is_a_stream_of_updates_and_each_is_said_once() {
    let lines = format!(
        "https://one-a.trycloudflare.com\nhttps://one-a.trycloudflare.com\n{REGISTERED}\n{REGISTERED}\n\
         https://two-b.trycloudflare.com\n"
    );
    let expected =
        [url("https://one-a.trycloudflare.com"), TunnelEvent::Ready, url("https://two-b.trycloudflare.com")];
    assert_eq!(run(&mut cloudflare(), &[lines.as_bytes()]), expected);
}

#[test]
fn a_loss_and_the_return_are_told_once_each() {
    let lines = format!(
        "Retrying connection in up to 2s\n{REGISTERED}\nERR Lost connection with the edge connIndex=0\n\
         INF Retrying connection in up to 1s\n{REGISTERED}\n"
    );
    let events = run(&mut cloudflare(), &[lines.as_bytes()]);
    assert!(
        matches!(&events[..], [TunnelEvent::Ready, TunnelEvent::Lost { reason }, TunnelEvent::Ready]
            if reason == "ERR Lost connection with the edge connIndex=0"),
        "{events:?}"
    );
}

#[test]
fn a_rate_limit_and_an_error_no_retry_mends_are_told_once() {
    let limited =
        "ERR Error unmarshaling QuickTunnel response: error code: 1015 status_code=\"429 Too Many Requests\"";
    let lines = format!("{limited}\n{limited}\nIncorrect Usage: flag provided but not defined: -metrics\n");
    let events = run(&mut cloudflare(), &[lines.as_bytes()]);
    assert!(
        matches!(&events[..], [TunnelEvent::RateLimited, TunnelEvent::Terminal { remedy, .. }]
            if remedy == "update cloudflared"),
        "{events:?}"
    );
}

#[test]
fn templates_are_filled_in_one_pass() {
    let cases = [
        (
            r"listening at (\S+):(\d+)",
            "http://{1}:{2}",
            "listening at relay.example:4711",
            "http://relay.example:4711",
        ),
        (
            r"Allocated port (\d+)",
            "https://me.example:{1}",
            "Allocated port 40123 for",
            "https://me.example:40123",
        ),
        (
            r"(\S+) tunneled with tls",
            "https://{url}",
            "a-b.lhr.life tunneled with tls",
            "https://a-b.lhr.life",
        ),
        (r"https://\S+", "{url}", "at https://x.example/p?q=1", "https://x.example/p?q=1"),
        (r"at (\S+)", "http://{1}/{port}", "at x.example", "http://x.example/4000"),
    ];
    for (pattern, template, line, expected) in cases {
        let mut extractor = Extractor::new(&line_rules(pattern, template), 4000).unwrap();
        assert_eq!(extractor.line(Stream::Stdout, line), [url(expected), TunnelEvent::Ready], "{line}");
    }
    let mut injected = Extractor::new(&line_rules(r"at (\S+) (\S+)", "http://h.example/{1}"), 4000).unwrap();
    assert_eq!(injected.line(Stream::Stdout, "at {2} second")[0], url("http://h.example/{2}"));
}

#[test]
fn a_fixed_url_is_known_at_the_start() {
    let fixed = |ready: Option<&str>| WatchRules {
        url: UrlRule::Fixed { url: "https://me.example:{port}/".to_owned() },
        ready: ready.map(str::to_owned),
        failures: vec![FailureRule { pattern: "gone".to_owned(), meaning: Meaning::Lost }],
        ready_at: None,
    };
    let mut without = Extractor::new(&fixed(None), 4000).unwrap();
    assert_eq!(without.started(), [url("https://me.example:4000"), TunnelEvent::Ready]);
    let mut with = Extractor::new(&fixed(Some("^up$")), 4000).unwrap();
    assert_eq!(with.started(), [url("https://me.example:4000")]);
    assert_eq!(with.line(Stream::Stdout, "up"), [TunnelEvent::Ready]);
}

#[test]
fn only_urls_that_are_fit_to_be_opened_pass() {
    for good in ["http://h", "https://a.example/x?y=z#f", "http://127.0.0.1:80/", "https://[::1]:8443/p"] {
        assert!(public_url(good).is_some(), "{good}");
    }
    let long = format!("https://h/{}", "x".repeat(URL_CAP));
    for bad in [
        "",
        "ftp://h",
        "https://",
        "https://user:pw@h",
        "https://h:0",
        "https://h:99999",
        "https://h:x",
        "https://h/\u{1b}",
        "https://h/ x",
        "https://h/\"",
        "javascript:alert(1)",
        "https://.h",
        "https://[zz]",
        "https://b\u{fc}cher.example",
        &long,
    ] {
        assert_eq!(public_url(bad), None, "{bad}");
    }
}

/// Output made of what a client prints, traps included.
fn output() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"INF |  https://calm-blue-sky.trycloudflare.com  |".to_vec()),
        Just(b"\x1b[1mhttps://two-b.trycloudflare.com\x1b[0m".to_vec()),
        Just(REGISTERED.as_bytes().to_vec()),
        Just(b"Serve tunnel error".to_vec()),
        Just(b"error code: 1015".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn how_the_output_was_cut_into_reads_changes_nothing(
        bytes in output(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let whole = run(&mut cloudflare(), &[&bytes]);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(run(&mut cloudflare(), &chunks), whole);
    }

    #[test]
    fn no_output_makes_a_url_of_another_domain(bytes in output()) {
        for event in run(&mut cloudflare(), &[&bytes]) {
            if let TunnelEvent::Url(url) = event {
                prop_assert!(url.starts_with("https://") && url.ends_with(".trycloudflare.com"), "{url}");
            }
        }
    }
}

#[test]
fn where_a_client_says_that_it_is_ready_is_on_this_machine() {
    let rules = WatchRules {
        ready_at: Some(ReadyAt {
            pattern: r"metrics server on (\S+)/metrics".to_owned(),
            path: "/ready".to_owned(),
        }),
        ..line_rules("url: (.*)", "{1}")
    };
    let mut extractor = Extractor::new(&rules, 1).unwrap();
    let line = |address: &str| format!("INF Starting metrics server on {address}/metrics");
    let found = extractor.line(Stream::Stderr, &line("127.0.0.1:20241"));
    assert_eq!(found, [TunnelEvent::ReadyAt("http://127.0.0.1:20241/ready".to_owned())]);
    for elsewhere in ["192.0.2.1:80", "metadata.internal:80", "127.0.0.1", "127.0.0.1:80@192.0.2.1:80"] {
        assert_eq!(extractor.line(Stream::Stderr, &line(elsewhere)), [], "{elsewhere}");
    }
}
