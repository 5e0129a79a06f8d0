use super::*;

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

/// Frozen: these lines were written by version 1 and must be understood for ever.
#[test]
fn frames_of_version_1_are_understood() {
    let stop: Request = read(r#"{"id":7,"cmd":"stop"}"#);
    assert_eq!(stop, Request { id: 7, command: Command::Stop });
    let start: Request = read(r#"{"id":1,"cmd":"start_tunnel"}"#);
    assert_eq!(start.command, Command::StartTunnel { spec: None });
    let logs: Request = read(r#"{"cmd":"logs","max_bytes":10}"#);
    assert_eq!(logs, Request { id: 0, command: Command::Logs { max_bytes: Some(10) } });
    let hello: Event = read(
        r#"{"event":"hello","version":1,"share_id":"s","port":1,"pid":2,"urls":[{"url":"https://x","at":3}],
            "tunnel":{"state":"up","pid":4},"log_bytes":5}"#,
    );
    assert!(matches!(hello, Event::Hello(Hello { tunnel: TunnelState::Up { pid: 4 }, .. })), "{hello:?}");
    let exited: Event = read(
        r#"{"event":"tunnel_exited","code":1,"signal":null,"before_ready":true,"cause":{"kind":"rate_limited"},
            "tail":["x"]}"#,
    );
    assert!(matches!(exited, Event::TunnelExited(Exit { cause: Cause::RateLimited, .. })), "{exited:?}");
    let terminal: Cause = read(r#"{"kind":"terminal","cause":"c","remedy":"r"}"#);
    assert_eq!(terminal, Cause::Terminal { cause: "c".to_owned(), remedy: "r".to_owned(), class: None });
    let ready: StartReport = read(r#"{"ready":{"pid":1,"port":2}}"#);
    assert_eq!(ready, StartReport::Ready { pid: 1, port: 2 });
}

#[test]
fn what_a_later_version_adds_is_no_error() {
    assert_eq!(read::<Request>(r#"{"id":3,"cmd":"dance","speed":2}"#).command, Command::Unknown);
    assert_eq!(read::<Request>(r#"{"id":3,"cmd":"stop","gently":true}"#).command, Command::Stop);
    assert_eq!(read::<Event>(r#"{"event":"sneezed","times":2}"#), Event::Unknown);
    assert_eq!(read::<TunnelState>(r#"{"state":"asleep","since":1}"#), TunnelState::Unknown);
    assert_eq!(read::<Cause>(r#"{"kind":"bored"}"#), Cause::Unknown);
    assert!(matches!(
        read::<Cause>(r#"{"kind":"terminal","cause":"c","remedy":"r","class":"weather"}"#),
        Cause::Terminal { class: Some(Class::Unknown), .. }
    ));
    assert_eq!(read::<StartErrorCode>(r#""gravity""#), StartErrorCode::Unknown);
    let spec: KeeperSpec =
        read(r#"{"version":1,"share_id":"s","dir":"/d","orphan_grace_ms":5,"later":{"a":1}}"#);
    assert_eq!(spec.backlog, 1024);
}

#[test]
fn every_frame_is_one_line() {
    let event = Event::Log { line: "a\nb\r\u{2028}c".to_owned(), missed: 0 };
    let bytes = frame(&event).unwrap();
    assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 1);
    assert_eq!(serde_json::from_slice::<Event>(&bytes).unwrap(), event);
}
