//! The database and its folder, when the system fails them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::keeper::exe;
use crate::support::tunnel::Mode;
use crate::support::wait::{SOON, until};
use crate::support::{http, inject, sessions};

fn share_of(home: &Home) -> (Value, String) {
    let share = home.share(&sessions::example(), "local");
    let url = share["public_url"].as_str().unwrap().to_owned();
    (share, url)
}

fn integrity(path: &Path) -> String {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        integrity_check: String,
    }
    let mut db = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let rows: Vec<Row> = diesel::sql_query("PRAGMA integrity_check").load(&mut db).unwrap();
    rows.into_iter().map(|row| row.integrity_check).collect::<Vec<_>>().join("; ")
}

/// Starts that must not be acknowledged, and a stop that must not unless it holds; what is up goes on, what is stopped
/// is down all the same, and all work when the fault is mended. `fault` begins it (`None`: it cannot be had here),
/// `anew` sees to it that it is there still, `mend` ends it.
#[track_caller]
fn assert_not_acknowledged<F>(
    home: &mut Home,
    fault: impl FnOnce(&Home) -> Option<F>,
    anew: impl Fn(),
    mend: impl FnOnce(F),
) {
    let ((kept, url), (stopped, gone)) = (share_of(home), share_of(home));
    // One that is on its way: its row is there, and does not say yet that it is wanted.
    home.tunnel.behave(Mode::Slow);
    let mut on_its_way = home.connect();
    on_its_way.send(&json!({"method": "StartShare",
        "params": {"session_path": sessions::example(), "provider": "cloudflare"}}));
    until(SOON, "its tunnel starts", || home.tunnel.starts().len() == 1);
    let Some(fault) = fault(home) else { return };
    let refused = |reply: &Value| {
        assert_eq!((&reply["status"], &reply["data"]["code"]), (&json!("Error"), &json!("state")), "{reply}");
        assert!(!reply["data"]["message"].as_str().unwrap().is_empty(), "{reply}");
        assert!(!reply["data"]["remedy"].as_str().unwrap().is_empty(), "{reply}");
    };
    refused(&home.try_share(&sessions::example(), "local"));
    anew();
    home.tunnel.go_on();
    refused(&on_its_way.next().unwrap());
    assert!(home.tunnels().is_empty(), "it was not acknowledged, and is up");
    anew();
    let stop = json!({"method": "StopShare", "params": {"share_id": stopped["id"]}});
    // A stop may be noted beside the database: then it is acknowledged, and holds.
    let noted = home.ask(&stop);
    if noted["status"] != "ShareStopped" {
        refused(&noted);
    }
    assert!(http::raw(http::parts(&gone).0, b"GET / HTTP/1.1\r\n\r\n").is_none(), "it was to be down");
    assert_eq!(http::get(&url).status, 200, "what is up serves");
    assert_eq!(home.shares().len(), 1, "nothing else is up");
    mend(fault);
    if noted["status"] != "ShareStopped" {
        assert_eq!(home.ask(&stop)["status"], "ShareStopped");
    }
    let (later, _) = share_of(home);
    home.kill_daemon();
    home.start();
    let ids: Vec<_> = home.shares().iter().map(|share| share["id"].clone()).collect();
    assert_eq!(ids, [kept["id"].clone(), later["id"].clone()]);
}

#[test]
fn what_a_full_disk_cannot_hold_is_not_acknowledged() {
    let mut home = Home::new();
    let Some(mount) = inject::tmpfs(&home.path("data"), 3 << 10, "") else { return };
    home.start();
    let filler = home.path("data/filler");
    // As much as there is room for; what ends leaves some.
    let fill = || {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(&filler).unwrap();
        file.write_all(&vec![0; 8 << 20]).unwrap_err();
    };
    let begin = |_: &Home| {
        fill();
        Some(())
    };
    assert_not_acknowledged(&mut home, begin, fill, |()| fs::remove_file(&filler).unwrap());
    drop(home);
    drop(mount);
}

#[test]
fn what_the_disk_does_not_confirm_is_not_acknowledged() {
    let mut home = Home::started();
    let fail = |home: &Home| inject::attach(home.daemon_pid(), &["fdatasync,fsync:error=EIO"], false);
    assert_not_acknowledged(&mut home, fail, || (), drop);
}

#[test]
fn what_cannot_be_written_is_not_acknowledged_and_said() {
    let mut home = Home::started();
    let fail = |home: &Home| inject::attach(home.daemon_pid(), &["pwrite64:error=EROFS"], false);
    assert_not_acknowledged(&mut home, fail, || (), drop);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_clear_error() {
    let home = Home::new();
    let Some(mount) = inject::tmpfs(&home.path("data"), 1 << 10, ",ro") else { return };
    let out = home.run(&["serve", "--foreground"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only") && said.contains("data/panko"), "{said}");
    drop(mount);
}

/// SIGKILL at the k-th write of a start or a stop: all or nothing. `PANKO_KILLED_WRITES` of them, 10 by default, from
/// the last to the first; 56 hit each.
#[test]
fn a_daemon_killed_at_any_write_has_done_all_of_it_or_nothing() {
    let most: usize =
        std::env::var("PANKO_KILLED_WRITES").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let mut home = Home::started();
    let mut hits = Vec::new();
    for n in 0..most {
        let is_stop = n % 2 == 1;
        // So many there are, insertion and history included.
        let writes = if is_stop { 11 } else { 28 };
        let k = writes - n / 2 * writes / most.div_ceil(2);
        let (share, _) = share_of(&home);
        let before: Vec<_> = home.shares().iter().map(|share| share["id"].clone()).collect();
        let rule = format!("pwrite64:signal=KILL:when={k}");
        let Some(injection) = inject::attach(home.daemon_pid(), &[&rule], false) else { return };
        let ask = if is_stop {
            json!({"method": "StopShare", "params": {"share_id": share["id"]}})
        } else {
            json!({"method": "StartShare", "params": {"session_path": sessions::example(), "provider": "local"}})
        };
        let mut wire = home.connect();
        wire.send(&ask);
        let reply = wire.next();
        until(SOON, "there is a reply or an end", || reply.is_some() || home.ended_by().is_some());
        hits.extend((home.ended_by() == Some(Signal::KILL.as_raw())).then_some(k));
        home.kill_daemon();
        drop(injection);
        assert_eq!(integrity(&home.data("state.db")), "ok", "write {k}");
        home.start();
        let after: Vec<_> = home.shares().iter().map(|share| share["id"].clone()).collect();
        match (&reply, is_stop) {
            (Some(reply), true) => {
                assert_eq!(reply["status"], "ShareStopped", "{reply}");
                assert!(!after.contains(&share["id"]), "write {k}: a stop that was acknowledged is undone");
            }
            (Some(reply), _) => {
                assert_eq!(reply["status"], "ShareStarted", "{reply}");
                assert!(after.contains(&reply["data"]["id"]), "write {k}: an acknowledged share is lost");
            }
            // Not acknowledged: either way, and nothing half-way.
            (None, _) => assert!(after.len().abs_diff(before.len()) <= 1, "write {k}: {before:?} {after:?}"),
        }
        // A share has ended in its history if it has in its row.
        let row = home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}));
        let told = home.history(&share["id"]).iter().filter(|event| event["phase"] == "ended").count();
        assert_eq!(told, usize::from(row["data"]["ended_at"].is_string()), "write {k}: {row}");
        let kept = before.iter().filter(|id| **id != share["id"]);
        assert!(kept.clone().all(|id| after.contains(id)), "write {k}: {before:?} {after:?}");
        until(SOON, "every share is up", || home.shares().iter().all(|share| share["status"] == "active"));
    }
    println!("killed at the writes {hits:?}");
    // One history event fewer is no fault.
    assert!(4 * hits.len() >= 3 * most, "killed at the writes {hits:?}, {most} times asked for");
}

#[test]
fn what_a_database_of_an_earlier_version_holds_is_stopped_without_a_daemon() {
    use diesel::connection::SimpleConnection as _;
    let mut home = Home::started();
    let (share, _) = share_of(&home);
    home.kill_daemon();
    let mut db = SqliteConnection::establish(home.data("state.db").to_str().unwrap()).unwrap();
    db.batch_execute(
        "ALTER TABLE shares DROP COLUMN not_before;
        DELETE FROM __diesel_schema_migrations
            WHERE version = (SELECT max(version) FROM __diesel_schema_migrations);",
    )
    .unwrap();
    drop(db);
    let out = home.run(&["stop", "--all"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && said.contains(&share["id"].as_str().unwrap()[..8]), "{said}");
    home.assert_nothing_runs();
    home.start();
    assert!(home.shares().is_empty(), "it was stopped");
}

/// A database of the original.
fn original(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut db = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    use diesel::connection::SimpleConnection as _;
    db.batch_execute(
        "CREATE TABLE shares (id TEXT PRIMARY KEY, session_path TEXT NOT NULL, session_name TEXT NOT NULL,
            public_url TEXT NOT NULL, provider_name TEXT NOT NULL, local_port INTEGER NOT NULL,
            started_at TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'active');
        CREATE TABLE daemon_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
        INSERT INTO shares VALUES ('0b6f6c4e-5c2a-4b7e-9a55-0d9d3c1c2f10', '/x.jsonl', 'x', 'https://x.example',
            'cloudflare', 4000, '2026-01-31T12:00:00Z', 'active');",
    )
    .unwrap();
}

#[test]
fn a_daemon_killed_inside_its_migrations_completes_them_at_the_next_start() {
    for k in [1, 3, 6, 10, 15, 22, 30, 45] {
        let mut home = Home::new();
        let path = home.data("state.db");
        original(&path);
        let killed = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("inject=pwrite64:signal=KILL:when={k}"))
            .arg(exe())
            .args(["serve", "--foreground"])
            .env_clear()
            .env("HOME", home.path(""))
            .env("XDG_DATA_HOME", home.path("data"))
            .env("PATH", "/usr/bin:/bin")
            .spawn();
        let Ok(mut killed) = killed else { return inject::skipped("there is no strace") };
        let began = Instant::now();
        // Past the last write it runs on: then it is ended here.
        until(SOON, "it has ended, or is up", || {
            killed.try_wait().unwrap().is_some()
                || (home.data("daemon.sock").exists() && began.elapsed() > Duration::from_secs(2))
        });
        // What strace has started goes with it.
        let _ = killed.kill();
        let ended = killed.wait().unwrap();
        // strace ends as what it traced. Every start writes this often.
        if k == 1 && ended.signal() != Some(Signal::KILL.as_raw()) {
            return inject::skipped("the kernel lets nobody trace a process");
        }
        home.start();
        let rows = home.ok(&["ls", "--all", "--json"]);
        assert!(rows.contains("0b6f6c4e") && rows.contains("\"stopped\""), "write {k}: {rows}");
        home.share(&sessions::example(), "local");
        assert_eq!(integrity(&path), "ok", "write {k}");
    }
}

/// `PANKO_FLIPPED` places, 12 by default.
#[test]
fn a_daemon_starts_on_a_database_with_any_byte_of_its_rows_flipped_and_says_what_it_set_aside() {
    let most = std::env::var("PANKO_FLIPPED").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let mut first = Home::started();
    for _ in 0..3 {
        share_of(&first);
    }
    first.ask(&json!({"method": "StopShare", "params": {"share_id": first.shares()[0]["id"]}}));
    first.ok(&["serve-stop"]);
    assert_eq!(first.daemon_exit(), Some(0));
    let whole = fs::read(first.data("state.db")).unwrap();
    let (mut aside, mut read) = (0, 0);
    for n in 0..most {
        let mut home = Home::new();
        fs::create_dir_all(home.data("")).unwrap();
        let mut bytes = whole.clone();
        // Where something is written: a flip in an empty page says nothing.
        let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        let at = written[(n * 2_654_435_761_usize + 17) % written.len()];
        bytes[at] ^= 1 << (n % 8);
        fs::write(home.data("state.db"), &bytes).unwrap();
        let out = home.try_start();
        assert!(!home.log_text().contains("panic"), "byte {at}: {}", home.log_text());
        if let Err(code) = out {
            // It may say that it is of a newer version: told, and untouched.
            assert_eq!(code, Some(1), "byte {at}: {}", home.log_text());
            assert!(home.log_text().contains("newer panko"), "byte {at}: {}", home.log_text());
            assert_eq!(fs::read(home.data("state.db")).unwrap(), bytes, "byte {at}");
            continue;
        }
        let kept: Vec<_> = fs::read_dir(home.data(""))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().contains("state.db.damaged-"))
            .collect();
        let notices = home.ask(&json!({"method": "Hello"}))["data"]["notices"].clone();
        let listed = home.ask(&json!({"method": "ListShares", "params": {"all": true}}));
        assert_eq!(listed["status"], "ShareList", "byte {at}: {listed}");
        match kept.first() {
            Some(path) => {
                aside += 1;
                assert_eq!(fs::read(path).unwrap().len(), bytes.len(), "byte {at}");
                let said = notices[0].as_str().unwrap();
                assert!(said.contains(path.to_str().unwrap()), "byte {at}: {notices}");
            }
            None => {
                read += 1;
                assert!(notices.is_null(), "byte {at}: {notices}");
            }
        }
        home.share(&sessions::example(), "local");
        assert_eq!(integrity(&home.data("state.db")), "ok", "byte {at}");
    }
    assert!(aside + read > 0, "none started");
}

#[test]
fn what_stands_in_the_place_of_our_files_is_neither_followed_nor_deleted() {
    // The log is written by a daemon without a terminal.
    let [attached, detached]: [&[&str]; 2] = [&["serve", "--foreground"], &["serve"]];
    let ours = [
        ("state.db", attached),
        ("daemon.sock", attached),
        ("daemon.lock", attached),
        ("daemon.pid", attached),
        ("daemon.log", detached),
    ];
    for (name, serve) in ours {
        for kind in ["link", "folder", "pipe"] {
            let home = Home::new();
            fs::create_dir_all(home.data("")).unwrap();
            let (place, victim) = (home.data(name), home.path("victim"));
            let before = put(kind, &place, &victim);
            let began = Instant::now();
            let mut daemon = home.command(serve);
            let mut daemon = daemon.stderr(std::process::Stdio::piped()).spawn().unwrap();
            until(SOON * 2, &format!("a daemon refuses a {kind} as {name}"), || {
                daemon.try_wait().unwrap().is_some()
            });
            let out = daemon.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&out.stderr);
            assert!(!out.status.success(), "{kind} as {name}: {said}");
            assert!(began.elapsed() < Duration::from_secs(10), "{kind} as {name}: {:?}", began.elapsed());
            assert!(said.contains(name), "{kind} as {name}: {said}");
            assert_eq!(fs::symlink_metadata(&place).unwrap().file_type(), before, "{kind} as {name}");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "mine", "{kind} as {name}");
        }
    }
}

#[test]
fn what_stands_in_the_place_of_a_keepers_lock_delays_no_daemon_and_stays() {
    for kind in ["link", "folder", "pipe"] {
        let mut home = Home::new();
        fs::create_dir_all(home.data("keepers")).unwrap();
        let place = home.data("keepers/0b6f6c4e5c2a4b7e9a550d9d3c1c2f10.lock");
        let before = put(kind, &place, &home.path("victim"));
        home.start();
        home.share(&sessions::example(), "local");
        assert_eq!(fs::symlink_metadata(&place).unwrap().file_type(), before, "{kind}");
        assert_eq!(fs::read_to_string(home.path("victim")).unwrap(), "mine", "{kind}");
    }
}

/// Puts something else in the place of a file; what it is.
fn put(kind: &str, place: &Path, victim: &Path) -> fs::FileType {
    fs::write(victim, "mine").unwrap();
    match kind {
        "link" => std::os::unix::fs::symlink(victim, place).unwrap(),
        "folder" => fs::create_dir(place).unwrap(),
        _ => {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, place, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
    }
    fs::symlink_metadata(place).unwrap().file_type()
}

#[test]
fn what_is_not_ours_in_the_folders_of_the_daemon_stays() {
    let home = Home::new();
    let theirs = home.path("theirs");
    fs::create_dir_all(home.data("")).unwrap();
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("thesis.txt"), "mine").unwrap();
    for folder in ["snapshots", "keepers"] {
        std::os::unix::fs::symlink(&theirs, home.data(folder)).unwrap();
        let out = home.run(&["serve"]);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && said.contains(folder), "{folder}: {said}");
        fs::remove_file(home.data(folder)).unwrap();
    }
    assert_eq!(fs::read_to_string(theirs.join("thesis.txt")).unwrap(), "mine");

    let mut home = home;
    fs::create_dir(home.data("snapshots")).unwrap();
    fs::rename(&theirs, home.data("snapshots/theirs")).unwrap();
    let cut_short = home.data("snapshots/.tmpAbCdEf");
    let nobodys = home.data("snapshots/0b6f6c4e-5c2a-4b7e-9a55-0d9d3c1c2f10.jsonl");
    fs::write(&cut_short, "x").unwrap();
    fs::write(&nobodys, "x").unwrap();
    home.start();
    until(SOON, "what is ours and nobody's is gone", || !cut_short.exists() && !nobodys.exists());
    assert_eq!(fs::read_to_string(home.data("snapshots/theirs/thesis.txt")).unwrap(), "mine");
}

#[test]
fn another_user_gets_nothing_not_even_where_the_modes_would_let_him() {
    if !rustix::process::geteuid().is_root() {
        return inject::skipped("only root can be another user");
    }
    let home = Home::started();
    let (share, _) = share_of(&home);
    // The first line of what is answered.
    let ask = |user: &str, socket: &Path| {
        let script = "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 1;
            print $s qq({\"method\":\"ListShares\"}\\n); print scalar <$s>";
        let out = Command::new("setpriv")
            .arg(format!("--reuid={user}"))
            .args(["--clear-groups", "perl", "-e", script])
            .arg(socket)
            .output();
        out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned())
    };
    let socket = home.data("daemon.sock");
    let id = share["id"].as_str().unwrap();
    let Ok(said) = ask("0", &socket) else { return inject::skipped("there is no setpriv") };
    assert!(said.contains(id), "its own user asks like this: {said}");
    let said = ask("65534", &socket).unwrap();
    assert!(!said.contains(id), "by the modes: {said}");
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for folder in [home.path(""), home.path("data"), home.data(""), home.data("keepers")] {
        open(&folder, 0o755);
    }
    open(&socket, 0o666);
    let said = ask("65534", &socket).unwrap();
    assert!(!said.contains(id) && !said.contains("ShareList"), "by the credentials: {said}");
    // A keeper's first word hands over the page's socket.
    let keepers = fs::read_dir(home.data("keepers")).unwrap().map(|entry| entry.unwrap().path());
    let keepers: Vec<_> = keepers
        .filter(|path| fs::symlink_metadata(path).unwrap().file_type().is_socket())
        .inspect(|path| open(path, 0o666))
        .collect();
    assert_eq!(keepers.len(), 1, "{keepers:?}");
    assert_eq!(ask("65534", &keepers[0]).unwrap(), "", "by the credentials, of a keeper");
    assert!(home.ok(&["ls"]).contains(&id[..8]), "its own user is served");
}
