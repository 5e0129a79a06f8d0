//! What follows from keys and events, and what the screen looks like then.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::widgets::TableState;
use uuid::Uuid;

use super::model::{Daemon, Model, Named, Over, Size, Text};
use super::update::{Deed, Effect, Msg, update};
use super::view;
use crate::ipc::protocol::{Event, ShareInfo};
use crate::share::Status;

const USUAL: Size = Size { width: 80, height: 24 };

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn share(number: u128, name: &str) -> ShareInfo {
    ShareInfo {
        session_path: format!("/home/ann/.claude/projects/app/{name}.jsonl").into(),
        session_name: name.to_owned(),
        public_url: format!("https://calm-lake-{number}.example/s/abcdefghijklmnopqrstuvwxyz/"),
        provider_name: "cloudflare".to_owned(),
        local_port: 40_123,
        started_at: "2026-03-01T11:18:00.5Z".to_owned(),
        status: Status::Active,
        phase: "active".to_owned(),
        public: Some("verified".to_owned()),
        ..ShareInfo::down(Uuid::from_u128(number))
    }
}

fn limited(number: u128, name: &str) -> ShareInfo {
    ShareInfo {
        status: Status::Error,
        phase: "backoff".to_owned(),
        reason: Some("cloudflare refused: too many requests (429)".to_owned()),
        remedy: Some("wait, or share by another provider: `panko share --tunnel bore`".to_owned()),
        next_attempt_in: Some(300),
        public: None,
        ..share(number, name)
    }
}

/// A model that was told of these shares.
fn model(size: Size, shares: Vec<ShareInfo>) -> Model {
    let mut model = Model::new(size);
    update(&mut model, Msg::Shares(shares), now());
    model
}

fn three() -> Model {
    model(USUAL, vec![share(1, "fix-parser"), limited(2, "add-search"), share(3, "docs")])
}

fn code(model: &mut Model, code: KeyCode) -> Option<Effect> {
    update(model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)), now())
}

fn key(model: &mut Model, key: char) -> Option<Effect> {
    code(model, KeyCode::Char(key))
}

/// The screen at `at`, its rows without the spaces at their ends.
fn screen_at(model: &Model, at: Timestamp) -> String {
    let mut terminal = Terminal::new(TestBackend::new(model.size.width, model.size.height)).unwrap();
    terminal.draw(|frame| view::draw(model, at, frame, &mut TableState::default())).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(model.size.width));
    let rows = rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    rows.map(|row| format!("{}\n", row.trim_end())).collect()
}

fn screen(model: &Model) -> String {
    screen_at(model, now())
}

fn chosen(model: &Model) -> &str {
    &model.chosen().unwrap().share().session_name
}

#[test]
fn the_screen_of_three_shares_the_ailing_one_chosen() {
    let mut model = three();
    key(&mut model, 'j');
    insta::assert_snapshot!(screen(&model));
}

#[test]
fn the_screen_of_a_phone_and_of_a_wide_one() {
    let mut small =
        model(Size { width: 36, height: 12 }, vec![share(1, "fix-parser"), limited(2, "add-search")]);
    key(&mut small, 'G');
    insta::assert_snapshot!(screen(&small));
    let wide = model(Size { width: 160, height: 12 }, vec![share(1, "fix-parser"), limited(2, "add-search")]);
    insta::assert_snapshot!(screen(&wide));
}

#[test]
fn the_screens_that_lie_over_the_list() {
    let mut model = three();
    key(&mut model, '?');
    insta::assert_snapshot!("help", screen(&model));
    key(&mut model, '?');
    key(&mut model, 'd');
    insta::assert_snapshot!("question", screen(&model));
}

#[test]
fn the_screens_without_shares_say_why_and_what_to_do() {
    let mut empty = Model::new(Size { width: 60, height: 6 });
    update(&mut empty, Msg::Shares(Vec::new()), now());
    assert!(
        screen(&empty).contains("Nothing is shared. `panko share FILE` shares a session"),
        "{}",
        screen(&empty)
    );
    update(&mut empty, Msg::Down(Vec::new()), now());
    assert!(screen(&empty).contains("the daemon is not running"), "{}", screen(&empty));
    update(&mut empty, Msg::Shares(vec![share(1, "fix-parser")]), now());
    update(&mut empty, Msg::Unreachable("permission denied".to_owned()), now());
    assert_eq!(empty.daemon, Daemon::Unreachable("permission denied".to_owned()));
    let shown = screen(&empty);
    assert!(shown.contains("permission denied. `panko serve-status`"), "{shown}");
    assert!(!shown.contains("fix-parser") && !shown.contains("active"), "{shown}");
}

#[test]
fn no_size_of_the_screen_is_too_small() {
    for (width, height) in [(1, 1), (2, 2), (3, 40), (200, 1), (20, 3), (80, 5)] {
        for keys in ["", "?", "d"] {
            let mut model =
                model(Size { width, height }, vec![share(1, "fix-parser"), limited(2, "add-search")]);
            for pressed in keys.chars() {
                key(&mut model, pressed);
            }
            assert_eq!(screen(&model).lines().count(), usize::from(height));
            let (title, lines) = ("log".to_owned(), vec!["a line that is longer than that".to_owned()]);
            update(&mut model, Msg::Text { title, lines }, now());
            screen(&model);
        }
    }
}

#[test]
fn nothing_that_steers_a_terminal_reaches_the_screen() {
    let steering = "a\u{1b}]0;owned\u{7}\u{202e}b\u{9b}31m\nc";
    let mut ill = limited(1, steering);
    for text in [&mut ill.public_url, &mut ill.provider_name, &mut ill.started_at, &mut ill.phase] {
        text.push_str(steering);
    }
    for text in [&mut ill.reason, &mut ill.remedy, &mut ill.public, &mut ill.public_trouble, &mut ill.live] {
        *text = Some(steering.to_owned());
    }
    let mut model = model(Size { width: 160, height: 30 }, vec![ill]);
    for pressed in ['t', 'd'] {
        key(&mut model, pressed);
        let shown = screen(&model);
        assert!(shown.contains("a b 31m c"), "{shown}");
        let steers = |c: char| (c.is_control() && c != '\n') || ('\u{200b}'..='\u{202e}').contains(&c);
        assert!(!shown.chars().any(steers), "{shown:?}");
    }
}

#[test]
fn the_next_attempt_comes_nearer_by_itself() {
    let model = model(USUAL, vec![limited(1, "add-search")]);
    for (later, told) in [(0, "retry 300 s"), (100, "retry 200 s"), (299, "retry 1 s"), (900, "retry 0 s")] {
        let shown = screen_at(&model, now() + Duration::from_secs(later));
        assert!(shown.contains(told), "{told}\n{shown}");
    }
}

#[test]
fn shares_are_chosen_by_the_keys_of_the_field() {
    let mut model = three();
    for (pressed, expected) in [
        (KeyCode::Up, "fix-parser"),
        (KeyCode::Char('j'), "add-search"),
        (KeyCode::Down, "docs"),
        (KeyCode::Down, "docs"),
        (KeyCode::Char('k'), "add-search"),
        (KeyCode::Char('G'), "docs"),
        (KeyCode::Char('g'), "fix-parser"),
        (KeyCode::End, "docs"),
        (KeyCode::PageUp, "fix-parser"),
    ] {
        assert_eq!(code(&mut model, pressed), None);
        assert_eq!(chosen(&model), expected, "{pressed:?}");
    }
}

#[test]
fn a_chosen_share_stays_chosen_whatever_becomes_of_others() {
    let mut model = three();
    key(&mut model, 'j');
    update(&mut model, Msg::Told(Event::ShareGone { share_id: Uuid::from_u128(1) }), now());
    assert_eq!(chosen(&model), "add-search");
    update(&mut model, Msg::Shares(vec![share(7, "new"), share(3, "docs"), share(2, "add-search")]), now());
    assert_eq!(chosen(&model), "add-search");
    update(&mut model, Msg::Told(Event::ShareGone { share_id: Uuid::from_u128(2) }), now());
    assert_eq!(chosen(&model), "docs");
    update(&mut model, Msg::Shares(Vec::new()), now());
    assert!(model.chosen().is_none());
    for pressed in ['j', 'k', 'G', 'd', 't', 'c', 'L', 'H', 'v'] {
        assert_eq!(key(&mut model, pressed), None);
    }
    assert_eq!(model.over, None);
}

#[test]
fn a_change_is_shown_and_a_share_that_is_over_is_said() {
    let mut model = three();
    let changed = Box::new(limited(1, "fix-parser"));
    update(&mut model, Msg::Told(Event::ShareChanged { share: changed }), now());
    let shown = screen(&model);
    assert!(shown.contains("2 in trouble"), "{shown}");
    update(&mut model, Msg::Told(Event::ShareChanged { share: Box::new(share(4, "another")) }), now());
    assert!(screen(&model).contains("4 shares"));
    update(&mut model, Msg::Told(Event::ShareGone { share_id: Uuid::from_u128(4) }), now());
    assert!(screen(&model).contains("another is over"));
}

#[test]
fn where_the_head_is_narrow_it_says_what_is_out_of_order() {
    let mut model = model(Size { width: 36, height: 6 }, vec![limited(1, "add-search")]);
    assert!(screen(&model).starts_with(" panko  1 share, 1 in trouble\n"), "{}", screen(&model));
    update(&mut model, Msg::Down(vec![limited(1, "add-search")]), now());
    assert!(screen(&model).contains("daemon not running\n"), "{}", screen(&model));
}

#[test]
fn keys_ask_for_what_they_say() {
    let named = || Named { id: Uuid::from_u128(1), name: "fix-parser".to_owned() };
    let url = share(1, "fix-parser").public_url;
    for (pressed, effect) in [
        ('t', Effect::Do(Deed::Restart(named()))),
        ('L', Effect::Do(Deed::Log(named()))),
        ('H', Effect::Do(Deed::History(named()))),
        ('v', Effect::Open(url.clone())),
        ('c', Effect::Copy(url)),
        ('q', Effect::Quit),
    ] {
        assert_eq!(key(&mut three(), pressed), Some(effect), "{pressed}");
    }
    for (pressed, effect) in [('c', Effect::Quit), ('z', Effect::Suspend)] {
        let pressed = KeyEvent::new(KeyCode::Char(pressed), KeyModifiers::CONTROL);
        assert_eq!(update(&mut three(), Msg::Key(pressed), now()), Some(effect));
    }
    assert_eq!(update(&mut three(), Msg::End, now()), Some(Effect::Quit));
}

#[test]
fn a_url_that_leads_nowhere_is_neither_opened_nor_copied() {
    for pressed in ['v', 'c'] {
        let mut model = three();
        key(&mut model, 'j');
        assert_eq!(key(&mut model, pressed), None);
        assert!(screen(&model).contains("add-search has no page at the moment"));
    }
}

#[test]
fn a_local_share_has_no_log_to_ask_for() {
    let local = ShareInfo { provider_name: "local".to_owned(), ..share(1, "fix-parser") };
    let mut model = model(USUAL, vec![local]);
    assert_eq!(key(&mut model, 'L'), None);
    assert!(screen(&model).contains("a local share has no tunnel and so no log"));
}

#[test]
fn only_yes_stops_a_share_and_only_one_that_is_there() {
    for pressed in ['n', 'd', 'q', 'Y', ' '] {
        let mut model = three();
        key(&mut model, 'd');
        assert_eq!(key(&mut model, pressed), None, "{pressed}");
        assert_eq!(model.over, None);
    }
    let mut model = three();
    key(&mut model, 'd');
    let named = Named { id: Uuid::from_u128(1), name: "fix-parser".to_owned() };
    assert_eq!(key(&mut model, 'y'), Some(Effect::Do(Deed::Stop(named))));

    // It ended by itself while a person thought about it: `y` must not mean another one.
    key(&mut model, 'd');
    update(&mut model, Msg::Told(Event::ShareGone { share_id: Uuid::from_u128(1) }), now());
    assert_eq!(model.over, None);
    assert_eq!(key(&mut model, 'y'), None);
}

#[test]
fn a_text_opens_at_its_end_and_is_scrolled_within_its_bounds() {
    let mut model = model(Size { width: 10, height: 5 }, vec![share(1, "fix-parser")]);
    let lines = vec!["one two three".to_owned(), String::new(), "four".to_owned(), "five".to_owned()];
    update(&mut model, Msg::Text { title: "log".to_owned(), lines }, now());
    let top = |model: &Model| match &model.over {
        Some(Over::Text(Text { top, .. })) => *top,
        other => panic!("{other:?}"),
    };
    assert_eq!(screen(&model), " log\n\nfour\nfive\n ↑↓ scroll\n");
    for (pressed, expected) in [('j', 2), ('k', 1), ('g', 0), ('k', 0), (' ', 2), ('g', 0), ('G', 2)] {
        key(&mut model, pressed);
        assert_eq!(top(&model), expected, "{pressed}");
    }
    // A larger screen shows all of it after the next key.
    update(&mut model, Msg::Resized(Size { width: 40, height: 24 }), now());
    key(&mut model, 'j');
    assert_eq!(top(&model), 0);
    assert_eq!(key(&mut model, 'q'), None, "it leaves the text alone");
    assert_eq!(model.over, None);
}

#[test]
fn a_notice_stays_for_seconds_and_a_failure_is_told_whole() {
    let mut model = three();
    let what =
        "cannot talk to the daemon on /home/ann/.local/share/panko/daemon.sock: connection reset by peer";
    update(&mut model, Msg::Failed(what.to_owned()), now());
    let shown = screen(&model);
    assert!(shown.contains("connection reset by") && !shown.contains("q quit"), "{shown}");
    update(&mut model, Msg::Tick, now() + Duration::from_secs(5));
    assert!(model.notice.is_some());
    update(&mut model, Msg::Tick, now() + Duration::from_secs(7));
    assert!(screen(&model).contains("q quit"));
}
