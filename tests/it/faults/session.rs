//! Session files that change under a share, or are none.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::http;
use crate::support::sessions;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};

fn has_copy(home: &Home) -> bool {
    let kept = fs::read_dir(home.data("snapshots")).unwrap();
    kept.map(|entry| entry.unwrap().path()).any(|path| path.extension().is_some_and(|kind| kind == "jsonl"))
}

/// As if the daemon had been killed before it made one.
fn lose_copies(home: &Home) {
    for entry in fs::read_dir(home.data("snapshots")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

#[test]
fn what_becomes_of_a_shared_file_changes_no_word_of_its_page() {
    type Change = fn(&Path);
    let cases: [(&str, Change); 5] = [
        ("deleted", |file| fs::remove_file(file).unwrap()),
        ("cut", |file| OpenOptions::new().write(true).open(file).unwrap().set_len(100).unwrap()),
        ("replaced", |file| fs::write(file, "{\"type\":\"user\"}\n").unwrap()),
        ("appended to", |file| {
            writeln!(OpenOptions::new().append(true).open(file).unwrap(), "more").unwrap();
        }),
        ("a folder now", |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        }),
    ];
    for (what, change) in cases {
        let mut home = Home::started();
        let session = home.path("session.jsonl");
        sessions::write(&session, 30, 64);
        let share = home.share(&session, "local");
        let url = share["public_url"].as_str().unwrap();
        until(SOON, "the private copy is there", || has_copy(&home));
        let (first, second) = (http::get(url).body, http::get(&format!("{url}w/1")).body);
        change(&session);
        home.kill_daemon();
        home.start();
        home.until_share(&share["id"], "it is up again", |share| share["status"] == "active");
        assert_eq!(http::get(&format!("{url}w/1")).body, second, "the file was {what}");
        assert_eq!(http::get(url).body, first, "the file was {what}");
    }
}

#[test]
fn without_a_private_copy_no_other_file_is_shown_than_the_one_that_was_shared() {
    type Change = fn(&Path);
    let cases: [(&str, bool, Change); 5] = [
        ("replaced by another", false, |file| {
            let other = file.with_extension("new");
            sessions::write(&other, 31, 64);
            fs::rename(other, file).unwrap();
        }),
        ("replaced by another as long", false, |file| {
            let other = file.with_extension("new");
            fs::copy(file, &other).unwrap();
            fs::rename(other, file).unwrap();
        }),
        ("written anew", false, |file| {
            let text = fs::read_to_string(file).unwrap().replace("prompt-0 of", "prompt-X of");
            fs::write(file, text).unwrap();
        }),
        ("cut", false, |file| {
            let end = fs::metadata(file).unwrap().len() - 200;
            OpenOptions::new().write(true).open(file).unwrap().set_len(end).unwrap();
        }),
        ("appended to", true, |file| {
            writeln!(OpenOptions::new().append(true).open(file).unwrap(), "more").unwrap();
        }),
    ];
    for (what, shows, change) in cases {
        let mut home = Home::started();
        let session = home.path("session.jsonl");
        sessions::write(&session, 30, 64);
        let share = home.share(&session, "local");
        let url = share["public_url"].as_str().unwrap();
        let page = http::get(url).body;
        until(SOON, "the private copy is there", || has_copy(&home));
        home.kill_daemon();
        lose_copies(&home);
        let spare = home.path("spare.jsonl");
        fs::hard_link(&session, &spare).unwrap();
        change(&session);
        home.start();
        if shows {
            home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
            assert_eq!(http::get(url).body, page, "the file was {what}");
            continue;
        }
        home.until_share(&share["id"], &format!("it was {what}, and that is said"), |share| {
            let said = |field: &str, words| share[field].as_str().is_some_and(|text| text.contains(words));
            share["status"] == "error" && said("reason", "not the file any more") && said("remedy", "again")
        });
        assert!(!has_copy(&home), "the other file was copied");
        if what.starts_with("replaced") {
            fs::rename(&spare, &session).unwrap();
            home.ask(&json!({"method": "RestartShare", "params": {"share_id": share["id"]}}));
            home.until_share(&share["id"], "it is back", |share| share["status"] == "active");
            assert_eq!(http::get(url).body, page, "the file is back");
        }
    }
}

#[test]
fn a_share_of_an_earlier_version_comes_back_without_what_is_remembered_of_its_file() {
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;
    let mut home = Home::started();
    let share = home.share(&sessions::example(), "local");
    until(SOON, "the private copy is there", || has_copy(&home));
    home.kill_daemon();
    lose_copies(&home);
    let mut db = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    db.batch_execute("UPDATE shares SET source_identity = NULL").unwrap();
    drop(db);
    home.start();
    home.until_share(&share["id"], "it is up", |share| share["status"] == "active");
}

#[test]
fn the_private_copy_of_a_long_session_is_what_was_shared_to_the_byte() {
    let home = Home::started();
    let session = home.path("session.jsonl");
    sessions::write(&session, 3_000, 20_000);
    // A public URL that is asked for in vain: what is told of the share changes while the copy is made.
    home.share(&session, "cloudflare");
    until(SOON, "the private copy is there", || has_copy(&home));
    let kept = fs::read_dir(home.data("snapshots")).unwrap();
    let copy = kept.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some()).unwrap();
    assert!(fs::read(copy).unwrap() == fs::read(&session).unwrap());
}

#[test]
fn the_private_copy_is_made_once_however_much_changes_meanwhile() {
    let mut home = Home::new();
    // A public URL that is asked for in vain, at once: what is told of the share changes while it is copied and after.
    home.configure(
        "[tunnels.mine]\ncommand = ['cloudflared', '{port}']\nurl_regex = 'https://stand-in'\n\
         url_template = 'http://127.0.0.1:9'\nready = 'Registered'\nprobe_after = 0\nprobe_every = 1\n",
    );
    home.start();
    let session = home.path("session.jsonl");
    sessions::write(&session, 6_000, 20_000);
    let share = home.share(&session, "mine");
    home.until_share(&share["id"], "its URL was asked for", |share| share["public"] == "unverified");
    // Copies are made one after the other, in the order they were asked for.
    let behind = home.share(&sessions::example(), "local");
    let copy = |share: &Value| {
        home.data(&format!("snapshots/{}.jsonl", share["id"].as_str().unwrap().replace('-', "")))
    };
    let inode = |path: &Path| fs::metadata(path).ok().map(|meta| meta.ino());
    let mut first = None;
    until(SOON, "both copies are there", || {
        first = first.or_else(|| inode(&copy(&share)));
        first.is_some() && copy(&behind).exists()
    });
    assert_eq!(inode(&copy(&share)), first, "it was made again");
}

#[test]
fn what_becomes_of_the_file_while_its_tunnel_starts_is_not_shared() {
    type Change = fn(&Path);
    let cases: [(&str, Change); 2] = [
        ("deleted", |file| fs::remove_file(file).unwrap()),
        ("replaced", |file| {
            let other = file.with_extension("other");
            sessions::write(&other, 60, 100);
            fs::rename(other, file).unwrap();
        }),
    ];
    for (what, change) in cases {
        let mut home = Home::started();
        let session = home.path("session.jsonl");
        sessions::write(&session, 30, 64);
        home.tunnel.behave(Mode::Slow);
        let mut wire = home.connect();
        wire.send(&json!({"method": "StartShare",
            "params": {"session_path": session, "provider": "cloudflare"}}));
        // The page is there before the tunnel begins.
        until(SOON, "the tunnel starts", || home.tunnel.starts().len() == 1);
        change(&session);
        home.tunnel.go_on();
        let share = wire.next().unwrap()["data"].clone();
        let url = share["public_url"].as_str().unwrap();
        let path = &url[url.find("/s/").unwrap()..];
        let page = |home: &Home| {
            let port = home.shares()[0]["local_port"].as_u64().unwrap();
            http::request(u16::try_from(port).unwrap(), "GET", path, &[]).body
        };
        let before = page(&home);
        until(SOON, "the private copy is there", || has_copy(&home));
        home.kill_daemon();
        home.start();
        home.until_share(&share["id"], "it is up again", |share| share["status"] == "active");
        assert_eq!(page(&home), before, "the file was {what}");
    }
}

#[test]
fn a_pipe_is_refused_at_once_and_a_huge_sparse_file_is_shown_in_windows() {
    let home = Home::started();
    let pipe = home.path("pipe.jsonl");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let began = Instant::now();
    let reply = home.try_share(&pipe, "local");
    assert_eq!(reply["data"]["code"], "session", "{reply}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    let huge = home.path("huge.jsonl");
    sessions::write(&huge, 30, 64);
    OpenOptions::new().write(true).open(&huge).unwrap().set_len(10 << 30).unwrap();
    let share = home.share(&huge, "local");
    assert_eq!(http::get(share["public_url"].as_str().unwrap()).status, 200);
}

#[test]
fn a_private_copy_that_cannot_be_made_is_said_and_made_when_it_can() {
    let home = Home::started();
    fs::remove_dir(home.data("snapshots")).unwrap();
    fs::write(home.data("snapshots"), "").unwrap();
    let share = home.share(&sessions::example(), "local");
    let notices = || home.ask(&json!({"method": "Hello"}))["data"]["notices"].clone();
    until(SOON, "it is said", || notices()[0].as_str().is_some_and(|said| said.contains("no private copy")));
    assert_eq!(http::get(share["public_url"].as_str().unwrap()).status, 200);
    fs::remove_file(home.data("snapshots")).unwrap();
    fs::create_dir(home.data("snapshots")).unwrap();
    until(2 * SOON, "it is made", || has_copy(&home));
    assert_eq!(notices().as_array().map(Vec::len), Some(1), "it is said once");
}
