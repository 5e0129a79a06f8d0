//! Live shares: what a session grows by is shown and told, and what becomes of its file is said.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::daemon::Home;
use crate::support::http::{self, Answer};
use crate::support::wait::{SOON, until};
use crate::support::{sessions, ws};

/// A home with a daemon and a live share of a session of two turns.
struct Live {
    home: Home,
    session: PathBuf,
    id: Value,
    port: u16,
    root: String,
}

/// As Gemini CLI writes it: the whole file at each turn.
#[test]
fn a_session_that_is_written_anew_with_every_turn_is_shared_as_it_is_but_not_followed() {
    let home = Home::started();
    let session = home.path("session-1.json");
    let message = json!({"id": "m1", "timestamp": "2026-05-04T09:00:00.000Z", "type": "user", "content": "a first question"});
    let whole = json!({"sessionId": "s1", "projectHash": "p", "startTime": "2026-05-04T09:00:00.000Z",
        "lastUpdated": "2026-05-04T09:00:00.000Z", "messages": [message]});
    fs::write(&session, whole.to_string()).unwrap();
    let share = |live: bool| {
        home.ask(&json!({"method": "StartShare", "params": {
            "session_path": session, "provider": "local", "options": {"live": live}}}))
    };
    let refused = share(true);
    assert_eq!(refused["status"], "Error", "{refused}");
    assert!(refused.to_string().contains("written anew with every turn"), "{refused}");
    assert_eq!(share(false)["status"], "ShareStarted");
}

impl Live {
    #[track_caller]
    fn started() -> Self {
        let home = Home::started();
        let session = home.path("session.jsonl");
        sessions::write(&session, 2, 32);
        let reply = home.ask(&json!({"method": "StartShare", "params": {
            "session_path": session, "provider": "local", "options": {"live": true}}}));
        assert_eq!(reply["status"], "ShareStarted", "{reply}");
        let share = &reply["data"];
        let (port, root) = http::parts(share["public_url"].as_str().unwrap());
        Self { id: share["id"].clone(), session, port, root, home }
    }

    fn path(&self) -> String {
        format!("{}live", self.root)
    }

    /// What the page is told by a POST.
    #[track_caller]
    fn told(&self, since: Option<u64>) -> Value {
        let query = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let answer = http::request(self.port, "POST", &format!("{}{query}", self.path()), &[]);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        serde_json::from_slice(&answer.body).unwrap()
    }

    fn page(&self) -> Answer {
        http::request(self.port, "GET", &self.root, &[])
    }

    fn part(&self) -> String {
        http::request(self.port, "GET", &format!("{}?part=1", self.root), &[]).text()
    }

    fn info(&self) -> Value {
        self.home.ask(&json!({"method": "GetShare", "params": {"share_id": self.id}}))["data"].clone()
    }

    #[track_caller]
    fn until_told(&self, state: &str) {
        until(SOON, &format!("the page says {state}"), || self.told(None)["state"] == state);
        self.home.until_share(&self.id, "the daemon says it too", |share| share["live"] == state);
    }
}

/// Adds a prompt, as an agent does.
fn prompt(session: &Path, text: &str) {
    let record = json!({"type": "user", "uuid": text, "parentUuid": null, "sessionId": "s", "cwd": "/home/dev/tool",
        "version": "2.1.0", "timestamp": "2026-06-01T10:00:00Z", "isSidechain": false,
        "message": {"role": "user", "content": text}});
    writeln!(OpenOptions::new().append(true).open(session).unwrap(), "{record}").unwrap();
}

/// Adds a step that sent a sub-agent, whose records lie in a file of their own.
fn sub_agent(session: &Path, command: &str) {
    let line = |kind: &str, uuid: &str, content: Value| {
        json!({"type": kind, "uuid": uuid, "sessionId": "s", "isSidechain": uuid.starts_with('x'),
            "timestamp": "2026-05-04T09:00:00.000Z", "message": {"role": kind, "id": uuid, "content": content}})
    };
    let call = |id: &str, name: &str, input: Value| json!([{"type": "tool_use", "id": id, "name": name, "input": input}]);
    let result = |id: &str| json!([{"type": "tool_result", "tool_use_id": id, "content": "done"}]);
    let folder = session.with_extension("").join("subagents");
    fs::create_dir_all(&folder).unwrap();
    let lines = [
        line("user", "x1", json!("Look around")),
        line("assistant", "x2", call("y1", "Bash", json!({"command": command}))),
        line("user", "x3", result("y1")),
    ];
    fs::write(folder.join("agent-a1b2.jsonl"), lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let mut sent = line("user", "z2", result("task-1"));
    sent["toolUseResult"] = json!({"status": "completed", "agentId": "a1b2", "prompt": "Look around"});
    let sends = call("task-1", "Task", json!({"description": "Look", "prompt": "Look around"}));
    let mut file = OpenOptions::new().append(true).open(session).unwrap();
    writeln!(file, "{}\n{sent}", line("assistant", "z1", sends)).unwrap();
}

fn revision(news: &Value) -> u64 {
    news["revision"].as_u64().unwrap_or_else(|| panic!("{news}"))
}

#[test]
fn what_a_session_grows_by_is_told_and_is_there_when_it_is_told() {
    let live = Live::started();
    assert!(live.page().text().contains("class=\"live\""), "the page says that it is live");
    let mut socket = ws::open(live.port, &live.path(), &[]).unwrap_or_else(|status| panic!("{status}"));
    let mut first = socket.next().expect("a line at once");
    assert_eq!((&first["state"], &first["windows"]), (&json!("live"), &json!(1)), "{first}");
    for n in 0..3 {
        let text = format!("and then number-{n}");
        prompt(&live.session, &text);
        let began = Instant::now();
        while !live.part().contains(&text) {
            let next = socket.next().expect("news");
            assert!(revision(&next) > revision(&first), "{next} after {first}");
            first = next;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    assert_eq!(live.info()["live"], "live");
}

#[test]
fn a_page_that_polls_waits_for_the_next_revision() {
    let live = Live::started();
    let mut known = revision(&live.told(None));
    assert!(revision(&live.told(Some(known - 1))) >= known, "one that is behind is answered at once");
    let (session, told_since) = (live.session.clone(), |since| live.told(Some(since)));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || told_since(known));
        prompt(&session, "something new");
        // The first news may be that the session was read to its end.
        let mut told = waiting.join().unwrap();
        while !live.part().contains("something new") {
            assert!(revision(&told) > known, "{told} after {known}");
            known = revision(&told);
            told = told_since(known);
        }
    });
}

#[test]
fn a_source_that_vanishes_leaves_its_last_state_and_says_so_across_a_restart() {
    let mut live = Live::started();
    sub_agent(&live.session, "ls the-harbour");
    prompt(&live.session, "the last words");
    until(SOON, "they are shown", || live.part().contains("the last words"));
    assert!(live.part().contains("the-harbour"), "{}", live.part());
    fs::remove_file(&live.session).unwrap();
    fs::remove_dir_all(live.session.with_extension("")).unwrap();
    live.until_told("gone");
    assert!(live.info()["live_trouble"].as_str().unwrap().contains("is gone"), "{}", live.info());
    let out = live.home.run(&["ls"]);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(stderr.contains("the session file is gone; what was there last is shown"), "{stderr}");
    let known = revision(&live.told(None));

    live.home.kill_daemon();
    live.home.start();
    live.until_told("gone");
    assert!(revision(&live.told(None)) > known, "a page that was open hears of the restart");
    assert!(live.part().contains("the last words"));
    assert!(live.part().contains("the-harbour"), "what its sub-agent did is there still");
    assert!(!live.page().text().contains("class=\"live\""), "the page does not say that it goes on");
    let history = live.home.ok(&["history", live.id.as_str().unwrap()]);
    assert!(history.contains("the session file is gone"), "{history}");
}

#[test]
fn a_source_that_is_cut_or_replaced_is_followed_again_when_it_is_itself_again() {
    let live = Live::started();
    prompt(&live.session, "in the copy");
    until(SOON, "it is shown", || live.part().contains("in the copy"));
    let whole = fs::read(&live.session).unwrap();
    for (bad, why) in [(&whole[..100], "was cut"), (&whole.repeat(2)[7..], "was replaced")] {
        fs::write(&live.session, bad).unwrap();
        live.until_told("gone");
        live.home.until_share(&live.id, why, |share| share["live_trouble"].to_string().contains(why));
        assert!(live.part().contains("in the copy"));
        fs::write(&live.session, &whole).unwrap();
        live.until_told("live");
    }
    prompt(&live.session, "it goes on");
    until(SOON, "it is followed again", || live.part().contains("it goes on"));
}

#[test]
fn what_grew_while_no_daemon_ran_is_shown_by_the_next() {
    let mut live = Live::started();
    live.home.kill_daemon();
    prompt(&live.session, "written meanwhile");
    live.home.start();
    until(SOON, "it is shown", || live.part().contains("written meanwhile"));
}

#[test]
fn a_live_share_is_no_more_when_it_is_stopped_and_takes_its_copy_along() {
    let live = Live::started();
    let id = live.id.as_str().unwrap();
    let copy = live.home.data(&format!("snapshots/{}.jsonl", id.replace('-', "")));
    assert!(copy.exists(), "the copy is there from the first");
    let mut socket = ws::open(live.port, &live.path(), &[]).unwrap_or_else(|status| panic!("{status}"));
    socket.next().unwrap();
    let (heard, done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while socket.next().is_some() {}
        heard.send(Instant::now()).unwrap();
    });
    let asked = Instant::now();
    live.home.ok(&["stop", id]);
    let at = done.recv_timeout(SOON).expect("the stream ends");
    assert!(at.saturating_duration_since(asked) < Duration::from_secs(1), "{:?}", at - asked);
    assert!(!copy.exists());
    live.home.assert_nothing_runs();
}

#[test]
fn only_a_live_page_has_news_and_only_for_its_own_scripts() {
    let live = Live::started();
    let other = live.home.share(&live.session, "local");
    let (port, root) = http::parts(other["public_url"].as_str().unwrap());
    let nothing = http::request(port, "GET", "/", &[]);
    for method in ["GET", "POST", "HEAD", "PUT"] {
        let answer = http::request(port, method, &format!("{root}live"), &[]);
        assert_eq!(answer.status, 404, "{method} of a snapshot");
    }
    assert_eq!(http::request(port, "POST", &format!("{root}live"), &[]).body, nothing.body);
    assert_eq!(ws::open(port, &format!("{root}live"), &[]).err(), Some(404));
    for method in ["GET", "HEAD", "PUT", "OPTIONS"] {
        assert_eq!(http::request(live.port, method, &live.path(), &[]).status, 404, "{method}");
    }

    let own = format!("http://127.0.0.1:{}", live.port);
    let foreign = [("Origin", "https://elsewhere.example")];
    assert!(ws::open(live.port, &live.path(), &[("Origin", &own)]).is_ok());
    assert_eq!(ws::open(live.port, &live.path(), &foreign).err(), Some(403));
    let answer = http::request(live.port, "POST", &live.path(), &foreign);
    assert_eq!(answer.status, 403);
    assert!(answer.header("content-security-policy").is_some(), "{answer:?}");
}

#[test]
fn live_connections_are_counted_and_a_viewer_who_talks_is_cut() {
    let live = Live::started();
    let mut sockets = Vec::new();
    let refused = loop {
        match ws::open(live.port, &live.path(), &[]) {
            Ok(socket) => sockets.push(socket),
            Err(status) => break status,
        }
        assert!(sockets.len() <= 200, "there is no limit");
    };
    assert_eq!((refused, sockets.len()), (503, 100));
    assert_eq!(live.told(None)["windows"], 1, "the page polls instead");
    assert_eq!(live.page().status, 200);

    let mut last = sockets.pop().unwrap();
    last.next().unwrap();
    last.say("let me in");
    assert_eq!((last.next(), last.closed), (None, Some(1008)), "a viewer has nothing to say");
    until(SOON, "there is room again", || ws::open(live.port, &live.path(), &[]).is_ok());
}
