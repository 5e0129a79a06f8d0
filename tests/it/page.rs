//! The page: what a viewer gets, on every path and status, whatever the session's length.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use serde_json::Value;

use crate::support::daemon::Home;
use crate::support::http::{self, Answer};
use crate::support::sessions;
use crate::support::wait::{SOON, until};

fn share(home: &Home, session: &Path) -> (u16, String) {
    http::parts(home.share(session, "local")["public_url"].as_str().unwrap())
}

/// An answer without what differs by nature.
fn comparable(answer: Answer) -> Answer {
    Answer { headers: answer.headers.into_iter().filter(|(name, _)| name != "date").collect(), ..answer }
}

#[test]
fn everything_but_the_page_is_one_and_the_same_404() {
    let home = Home::started();
    let (port, root) = share(&home, &sessions::example());
    let expected = comparable(http::request(port, "GET", "/", &[]));
    assert_eq!(expected.status, 404);
    let token = root.trim_start_matches("/s/").trim_end_matches('/');
    let wrong: String = token.chars().rev().collect();
    for path in [
        "/s",
        "/s/",
        "/s/x",
        "/robots.txt",
        "/favicon.ico",
        "/index.html",
        "/s/x/",
        "/s//",
        "/%73/x/",
        "/../etc/passwd",
        &format!("/s/{token}"),
        &format!("/s/{wrong}/"),
        &format!("/s/{}/", token.to_uppercase()),
        &format!("/s/{token}x/"),
        &format!("//s/{token}/"),
        &format!("/s/{token}//"),
        &format!("{root}nothing"),
        &format!("{root}w/9999"),
        &format!("{root}w/-1"),
        &format!("{root}s0"),
        &format!("{root}i1"),
        &format!("{root}../"),
        &format!("{root}a/../a"),
        &format!("{root}w/0"),
        &format!("{root}w/0?part=1"),
        "/a/x.css",
        &format!("/{}", stylesheet(&http::request(port, "GET", &root, &[]).text())),
    ] {
        assert_eq!(comparable(http::request(port, "GET", path, &[])), expected, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        assert_eq!(comparable(http::request(port, method, &root, &[])), expected, "{method}");
    }
    let no_host =
        http::raw(port, format!("GET {root} HTTP/1.1\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    assert_eq!((no_host.status, no_host.body.len()), (400, 0), "without a Host");
    let two = format!("GET {root} HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n");
    let two = http::raw(port, two.as_bytes()).unwrap();
    assert!(two.status == 404 || two.status == 400, "{two:?}");
}

#[test]
fn every_status_carries_the_headers_that_protect() {
    let home = Home::started();
    let (port, root) = share(&home, &sessions::example());
    let page = http::request(port, "GET", &root, &[]);
    let etag = page.header("etag").unwrap().to_owned();
    let asset = stylesheet(&page.text());
    let endless = "x: y\r\n".repeat(40_000);
    let not_modified = http::request(port, "GET", &root, &[("If-None-Match", &etag)]);
    assert_eq!((not_modified.status, not_modified.body.len()), (304, 0));
    let asset = http::request(port, "GET", &format!("{root}{asset}"), &[]);
    for (answer, status, cache) in [
        (page, 200, "private, no-cache"),
        (not_modified, 304, "private, no-cache"),
        (http::request(port, "GET", "/", &[]), 404, "no-store"),
        (asset, 200, "private, max-age=31536000, immutable"),
        (http::request(port, "HEAD", &root, &[]), 200, "private, no-cache"),
        (http::raw(port, b"no http at all\r\n\r\n").unwrap(), 400, "no-store"),
        (http::raw(port, format!("GET {root} HTTP/1.1\r\n\r\n").as_bytes()).unwrap(), 400, "no-store"),
        (
            http::raw(port, format!("GET {root} HTTP/1.1\r\nHost: a\r\n{endless}").as_bytes()).unwrap(),
            431,
            "no-store",
        ),
    ] {
        assert_eq!(answer.status, status);
        let policy =
            answer.header("content-security-policy").unwrap_or_else(|| panic!("{status}: no policy"));
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{status}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{status}");
        assert!(answer.header("x-robots-tag").is_some_and(|tag| tag.contains("noindex")), "{status}");
        assert_eq!(answer.header("cache-control"), Some(cache), "{status}");
    }
}

/// The whole session is to be had where its sharer allows it; its Markdown, which says no more than the page, always.
#[test]
fn the_whole_session_is_handed_out_where_that_is_allowed() {
    let home = Home::started();
    let path = home.path("session.jsonl");
    sessions::write(&path, 3, 32);
    // A key in a reply, put together here: the repository holds nothing that looks like one.
    let key = format!("{}{}", "gh", "p_") + &"a1B2c3D4e5F6".repeat(3);
    let text = fs::read_to_string(&path).unwrap().replace("reply-1", &format!("reply-1 {key}"));
    fs::write(&path, text).unwrap();
    for allowed in [false, true] {
        let reply = home.ask(&serde_json::json!({"method": "StartShare", "params": {
            "session_path": path, "provider": "local", "options": {"allow_download": allowed}}}));
        let (port, root) = http::parts(reply["data"]["public_url"].as_str().unwrap());
        for (name, media_type, open_to_all) in [
            ("session.md", "text/markdown; charset=utf-8", true),
            ("session.json", "application/json", false),
            ("session.jsonl", "application/jsonl", false),
            ("session.html", "application/octet-stream", false),
        ] {
            let answer = http::request(port, "GET", &format!("{root}{name}"), &[]);
            assert_eq!(
                answer.status,
                if allowed || open_to_all { 200 } else { 404 },
                "{name}, allowed: {allowed}"
            );
            if answer.status == 200 {
                assert_eq!(answer.header("content-type"), Some(media_type));
                let text = answer.text();
                assert!(text.contains("reply-1") && text.contains("reply-2"), "{name} is not whole");
                assert!(!text.contains(&key), "{name} tells the key");
            }
        }
        let page = http::request(port, "GET", &root, &[]).text();
        assert_eq!(page.contains("session.json\""), allowed);
        assert_eq!(page.contains("session.jsonl\""), allowed);
    }
}

/// A search costs so much and no more, and says how far it looked.
#[test]
fn a_search_finds_what_the_page_shows_and_nothing_that_is_masked() {
    let home = Home::started();
    let path = home.path("session.jsonl");
    sessions::write(&path, 30, 600);
    let key = format!("{}{}", "gh", "p_") + &"a1B2c3D4e5F6".repeat(3);
    let text = fs::read_to_string(&path).unwrap().replace("reply-7", &format!("reply-7 {key}"));
    fs::write(&path, text).unwrap();
    let (port, root) = share(&home, &path);
    until_read(port, &root);
    let hits = |query: &str| {
        let answer = http::request(port, "GET", &format!("{root}find?part=1&q={query}"), &[]);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{query}");
        answer.text().matches("<li>").count()
    };
    assert_eq!(hits("reply-29"), 1);
    assert_eq!(hits("REPLY-29+for"), 1);
    assert_eq!(hits("prompt-2%20list"), 11);
    assert_eq!(hits(""), 0);
    // Not even its first letters: a count would tell the key, letter by letter.
    for part in [&key[..], &key[..8], &key[4..16]] {
        assert_eq!(hits(part), 0, "{part} of the key is found");
    }
    let whole = http::request(port, "GET", &format!("{root}find?q=reply-29"), &[]).text();
    assert!(whole.contains("<mark>reply-29</mark>") && whole.starts_with("<!doctype html>"), "{whole}");
    for odd in ["find?from=99999&q=x", "find?q=%FF%FE", "find?from=x", "find?q=a&q=b"] {
        let status = http::request(port, "GET", &format!("{root}{odd}"), &[]).status;
        assert!(status == 200 || status == 404, "{odd}: {status}");
    }
}

fn stylesheet(html: &str) -> String {
    let at = html.find("href=\"a/").unwrap() + 6;
    html[at..].split('"').next().unwrap().to_owned()
}

#[test]
fn pages_are_compressed_as_the_client_wishes() {
    let home = Home::started();
    let (port, root) = share(&home, &sessions::example());
    let plain = http::request(port, "GET", &root, &[]);
    assert_eq!(plain.header("content-encoding"), None);
    for (wish, coding) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("gzip, br", Some("br")),
        ("br;q=0, gzip", Some("gzip")),
        ("zstd", None),
    ] {
        let answer = http::request(port, "GET", &root, &[("Accept-Encoding", wish)]);
        assert_eq!(answer.header("content-encoding"), coding, "{wish}");
        if coding == Some("gzip") {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut text)
                .unwrap();
            assert_eq!(text, plain.body);
        }
        assert_eq!(coding.is_some(), answer.body.len() < plain.body.len());
    }
}

#[test]
fn the_server_listens_on_this_machine_only() {
    let home = Home::started();
    let (port, _) = share(&home, &sessions::example());
    let table = fs::read_to_string("/proc/net/tcp").unwrap()
        + &fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let local: BTreeSet<_> = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|address| address.ends_with(&format!(":{port:04X}")))
        .map(|address| address.split(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(local, BTreeSet::from(["0100007F".to_owned()]), "127.0.0.1 and nothing else");
}

#[test]
fn hostile_requests_cost_nothing_and_get_no_page() {
    let home = Home::started();
    let (port, root) = share(&home, &sessions::example());
    let long = "x".repeat(1 << 20);
    for request in [
        format!("GET {root}{long} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET {root} HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n"),
        format!(
            "GET {root} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        format!("GET {root} HTTP/9.9\r\nHost: a\r\n\r\n"),
        "\0\0\0\0\r\n\r\n".to_owned(),
        format!("G\u{e9}T {root} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ] {
        let shown: String = request.chars().take(60).collect();
        if let Some(answer) = http::raw(port, request.as_bytes()) {
            assert!((400..500).contains(&answer.status), "{shown:?}: {}", answer.status);
        }
    }
    assert_eq!(http::request(port, "GET", &root, &[]).status, 200);
}

/// Where window `no` is.
fn window(root: &str, no: u32) -> String {
    if no == 0 { root.to_owned() } else { format!("{root}w/{no}") }
}

/// All windows of a session, one after the other.
fn whole(port: u16, root: &str) -> String {
    let mut all = String::new();
    for no in 0.. {
        let answer = http::request(port, "GET", &window(root, no), &[]);
        if answer.status == 404 {
            break;
        }
        assert_eq!(answer.status, 200, "window {no}");
        all += &answer.text();
    }
    all
}

/// Waits until the session behind a page is read to its end.
fn until_read(port: u16, root: &str) {
    until(SOON, "the session is read to its end", || {
        !http::request(port, "GET", root, &[]).text().contains("still being read")
    });
}

#[test]
fn every_prompt_and_reply_stands_in_one_window_and_windows_are_linked() {
    let home = Home::started();
    let session = home.path("long.jsonl");
    sessions::write(&session, 400, 600);
    let (port, root) = share(&home, &session);
    until_read(port, &root);
    let first = http::request(port, "GET", &root, &[]).text();
    // The head says how it ended; the turns are those of the first window.
    let (_, turns) = first.split_once("id=\"talk\"").unwrap();
    assert!(turns.contains("prompt-0 ") && !turns.contains("reply-399"), "the first window is not the whole");
    assert!(first.contains("href=\"w/1\""), "no link to the next window");
    let mut shown = BTreeSet::new();
    for no in 0.. {
        let answer = http::request(port, "GET", &format!("{}?part=1", window(&root, no)), &[]);
        if answer.status == 404 {
            break;
        }
        let text = answer.text();
        for n in 0..400 {
            if text.contains(&format!("reply-{n}<")) {
                assert!(text.contains(&format!("prompt-{n} ")), "prompt and reply {n} are apart");
                assert!(shown.insert(n), "turn {n} stands in two windows");
            }
        }
    }
    assert_eq!(shown.len(), 400);
}

#[test]
fn the_first_page_does_not_grow_with_the_session() {
    let home = Home::started();
    let (small, large) = (home.path("small.jsonl"), home.path("large.jsonl"));
    sessions::write(&small, 200, 4_800);
    sessions::write(&large, 20_000, 4_800);
    let (small_len, large_len) = (fs::metadata(&small).unwrap().len(), fs::metadata(&large).unwrap().len());
    assert!(
        (1 << 20..2 << 20).contains(&small_len) && large_len > 100 << 20,
        "{small_len} and {large_len} bytes"
    );
    let wire = |session: &Path| {
        let (port, root) = share(&home, session);
        until_read(port, &root);
        let answer = http::request(port, "GET", &root, &[("Accept-Encoding", "br, gzip")]);
        assert_eq!(answer.status, 200);
        answer.body.len()
    };
    let (small, large) = (wire(&small), wire(&large));
    assert!(small < 200_000 && large < 200_000, "{small} and {large} bytes on the wire");
}

/// The words a person would read, tags and white space aside.
fn words(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside && c.is_alphanumeric() => text.push(c),
            _ if !inside => text.push(' '),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The longest run of plain words in a text: it survives Markdown and escaping.
fn plain_run(text: &str) -> Option<String> {
    let runs = text.split(|c: char| !(c.is_alphanumeric() || c == ' '));
    let longest = runs.map(str::trim).max_by_key(|run| run.len())?;
    (longest.len() >= 12).then(|| longest.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether the beginning of `run` is shown. It may be torn once: a long prompt's heading ends in its middle,
/// and its facts stand there.
fn is_shown(run: &str, shown: &str) -> bool {
    let words: Vec<&str> = run.split(' ').take(12).collect();
    // The last word may be cut by what ended the run.
    let words = &words[..words.len().max(2) - 1];
    let missing = words.chunks(3).filter(|few| !shown.contains(&few.join(" "))).count();
    missing <= usize::from(words.len() > 3)
}

/// What a person and the agent said, by a reading of its own: string prompts and text blocks.
fn said(session: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for line in BufReader::new(fs::File::open(session).unwrap()).lines() {
        let line = line.unwrap();
        for record in serde_json::Deserializer::from_str(&line).into_iter::<Value>() {
            let Ok(record) = record else { break };
            let skip = ["isMeta", "isSidechain", "isCompactSummary", "isApiErrorMessage"]
                .iter()
                .any(|flag| record[*flag] == true);
            let kind = record["type"].as_str().unwrap_or_default();
            if skip || !["user", "assistant"].contains(&kind) {
                continue;
            }
            let content = &record["message"]["content"];
            // The agent's program says this where the model was not asked.
            if record["message"]["model"] == "<synthetic>" && content[0]["text"] == "No response requested." {
                continue;
            }
            let texts: Vec<&str> = match content {
                Value::String(text) => vec![text],
                Value::Array(blocks) => {
                    blocks.iter().filter(|b| b["type"] == "text").filter_map(|b| b["text"].as_str()).collect()
                }
                _ => vec![],
            };
            // Tags of the agent's own at the start of a user's text are not the user's words.
            let own = |text: &&str| {
                kind == "assistant"
                    || !(text.trim_start().starts_with('<')
                        || text.starts_with("Caveat:")
                        || text.starts_with("[Request interrupted"))
            };
            found.extend(texts.into_iter().filter(own).filter_map(plain_run));
        }
    }
    found
}

#[test]
fn the_page_of_every_corpus_session_shows_every_prompt_and_reply() {
    let files = sessions::corpus();
    if files.is_empty() {
        crate::support::inject::skipped("no corpus is unpacked at target/corpus");
        return;
    }
    let home = Home::started();
    let mut missing = Vec::new();
    let mut looked_for = 0;
    for file in &files {
        let id = home.share(file, "local");
        let (port, root) = http::parts(id["public_url"].as_str().unwrap());
        until_read(port, &root);
        let shown = words(&whole(port, &root));
        for run in said(file) {
            looked_for += 1;
            if !is_shown(&run, &shown) {
                missing.push(format!("{}: {run:?}", file.file_name().unwrap().to_string_lossy()));
            }
        }
        home.ask(&serde_json::json!({"method": "StopShare", "params": {"share_id": id["id"]}}));
    }
    assert!(looked_for > 500, "only {looked_for} texts were found to look for");
    assert!(
        missing.is_empty(),
        "{} of {looked_for} are not shown: {:#?}",
        missing.len(),
        &missing[..missing.len().min(20)]
    );
}
