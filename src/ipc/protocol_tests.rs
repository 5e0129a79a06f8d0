use super::*;
use crate::share::Status;

fn info() -> ShareInfo {
    ShareInfo {
        session_path: "/abs/session.jsonl".into(),
        session_name: "session".to_owned(),
        public_url: "https://a-b.example/s/t/".to_owned(),
        provider_name: "cloudflare".to_owned(),
        local_port: 40_123,
        started_at: "2026-01-31T12:00:00Z".to_owned(),
        status: Status::Active,
        phase: "active".to_owned(),
        ..ShareInfo::down(Uuid::nil())
    }
}

fn request(line: &str) -> Request {
    decode(line.as_bytes()).request.unwrap()
}

fn code(line: impl AsRef<[u8]>) -> String {
    decode(line.as_ref()).request.unwrap_err().code
}

#[test]
fn the_five_methods_of_the_original_are_understood_to_the_letter() {
    let start = request(
        r#"{"method":"StartShare","params":{"session_path":"/abs/session.jsonl","provider":"cloudflare"}}"#,
    );
    let expected = StartShare {
        session_path: "/abs/session.jsonl".into(),
        provider: "cloudflare".to_owned(),
        ..Default::default()
    };
    assert_eq!(start, Request::StartShare(expected));
    let stop = r#"{"method":"StopShare","params":{"share_id":"00000000-0000-0000-0000-000000000000"}}"#;
    assert_eq!(request(stop), Request::StopShare { share_id: Uuid::nil() });
    assert_eq!(request(r#"{"method":"ListShares"}"#), Request::ListShares(None));
    assert_eq!(request(r#"{"method":"Ping"}"#), Request::Ping);
    assert_eq!(request(r#"{"method":"Shutdown"}"#), Request::Shutdown(None));
}

#[test]
fn replies_to_the_original_keep_every_field() {
    let started = encode(None, &Reply::ShareStarted(Box::new(info())));
    let value: serde_json::Value = serde_json::from_str(&started).unwrap();
    assert_eq!(value["status"], "ShareStarted");
    for (field, expected) in [
        ("id", "00000000-0000-0000-0000-000000000000"),
        ("session_path", "/abs/session.jsonl"),
        ("session_name", "session"),
        ("public_url", "https://a-b.example/s/t/"),
        ("provider_name", "cloudflare"),
        ("started_at", "2026-01-31T12:00:00Z"),
        ("status", "active"),
    ] {
        assert_eq!(value["data"][field], expected, "{field}");
    }
    assert_eq!(value["data"]["local_port"], 40_123);
    assert_eq!(encode(None, &Reply::Pong), r#"{"status":"Pong"}"#);
    assert_eq!(encode(None, &Reply::ShuttingDown), r#"{"status":"ShuttingDown"}"#);
    let stopped = encode(None, &Reply::ShareStopped { share_id: Uuid::nil() });
    assert_eq!(
        stopped,
        r#"{"status":"ShareStopped","data":{"share_id":"00000000-0000-0000-0000-000000000000"}}"#
    );
    assert!(
        encode(None, &Reply::ShareList(vec![info()])).starts_with(r#"{"status":"ShareList","data":[{"id""#)
    );
    let error = ErrorReply::new(ErrorCode::Busy, "busy", "");
    assert_eq!(
        encode(None, &Reply::Error(error)),
        r#"{"status":"Error","data":{"message":"busy","code":"busy"}}"#
    );
}

#[test]
fn an_id_of_any_kind_comes_back_untouched() {
    for id in [r#""a""#, "7", r#"{"x":[1.50]}"#] {
        let incoming = decode(format!(r#"{{"id":{id},"method":"Ping"}}"#).as_bytes());
        assert_eq!(encode(incoming.id.as_deref(), &Reply::Pong), format!(r#"{{"id":{id},"status":"Pong"}}"#));
    }
}

#[test]
fn whatever_is_no_request_has_a_code_of_its_own() {
    for bad in ["", "{", "[]", "null", "7", "\"Ping\"", "{}", "{\"method\":7}", "nul\0", &"[".repeat(100_000)]
    {
        assert_eq!(code(bad), "not_json", "{:?}", &bad[..bad.len().min(20)]);
    }
    assert_eq!(code([b'"', 0xff, b'"']), "not_utf8");
    assert_eq!(code(r#"{"method":"Frobnicate"}"#), "unknown_method");
    for bad in [
        r#"{"method":"StartShare"}"#,
        r#"{"method":"StartShare","params":{}}"#,
        r#"{"method":"StartShare","params":{"session_path":7,"provider":"local"}}"#,
        r#"{"method":"StopShare","params":{"share_id":"seven"}}"#,
        r#"{"method":"ListShares","params":[1]}"#,
    ] {
        assert_eq!(code(bad), "bad_params", "{bad}");
    }
    let deep = format!(
        r#"{{"method":"StartShare","params":{{"options":{}{}}}}}"#,
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    assert!(["not_json", "bad_params"].contains(&code(deep).as_str()));
}

#[test]
fn unknown_fields_of_newer_clients_are_ignored() {
    let line = r#"{"method":"StartShare","new":1,"params":{"session_path":"/s","provider":"p","newer":2,"options":{"newest":3}}}"#;
    assert!(matches!(request(line), Request::StartShare(_)));
}

#[test]
fn events_of_later_versions_are_no_error() {
    let told = r#"{"status":"Event","data":{"kind":"viewer_came","share":{"id":1}}}"#;
    assert_eq!(serde_json::from_str::<Reply>(told).unwrap(), Reply::Event(Event::Unknown));
}

#[test]
fn every_method_is_listed() {
    for request in [
        Request::Ping,
        Request::Subscribe,
        Request::Hello,
        Request::ListShares(Some(ListShares { all: true })),
        Request::Shutdown(Some(Shutdown { keep_tunnels: true })),
        Request::StartShare(StartShare::default()),
        Request::StopShare { share_id: Uuid::nil() },
        Request::CancelStart { idempotency_key: "k".to_owned() },
        Request::GetShare { share_id: Uuid::nil() },
        Request::RestartShare { share_id: Uuid::nil() },
        Request::Logs { share_id: Uuid::nil(), max_bytes: None },
        Request::History { share_id: Uuid::nil() },
    ] {
        let line = serde_json::to_string(&request).unwrap();
        assert_eq!(decode(line.as_bytes()).request.unwrap(), request, "{line}");
    }
}
