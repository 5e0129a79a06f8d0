use super::*;

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Lines that were seen: of runs, of the clients' sources, and of reports of their users.
#[test]
fn the_last_words_of_clients_are_understood() {
    let cases = [
        // cloudflared
        (
            r#"failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: lookup api.trycloudflare.com on 127.0.0.11:53: no such host"#,
            Cause::Network,
        ),
        (
            r#"failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp: lookup api.trycloudflare.com on [::1]:53: read udp [::1]:44994->[::1]:53: read: connection refused"#,
            Cause::Network,
        ),
        (
            r#"failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": dial tcp 192.0.2.44:443: connect: connection refused"#,
            Cause::Network,
        ),
        (
            r#"ERR Serve tunnel error error="DialContext error: dial tcp 198.41.200.33:7844: i/o timeout""#,
            Cause::Network,
        ),
        (
            r#"ERR Failed to dial a quic connection error="failed to dial to edge with quic: timeout: no recent network activity" connIndex=0"#,
            Cause::Network,
        ),
        (
            r#"ERR Error unmarshaling QuickTunnel response: error code: 1015 status_code="429 Too Many Requests""#,
            Cause::RateLimited,
        ),
        ("Incorrect Usage: flag provided but not defined: -metrics", Cause::Config),
        // ngrok
        (
            r#"t=2022-05-03T09:19:17-0400 lvl=eror msg="failed to reconnect session" obj=csess id=1 err="dial tcp: lookup tunnel.ngrok.com on [::1]:53: server misbehaving""#,
            Cause::Network,
        ),
        (
            r#"{"err":"failed to dial ngrok server with address \"connect.ngrok-agent.com:443\": dial tcp 192.0.2.1:443: connect: connection refused","lvl":"eror"}"#,
            Cause::Network,
        ),
        ("ERROR:  ERR_NGROK_108", Cause::Config),
        (
            r#"lvl=eror msg="session closing" err="authentication failed: Your account is limited to 1 simultaneous ngrok agent sessions.\r\n\r\nERR_NGROK_108\r\n""#,
            Cause::Config,
        ),
        ("ERROR:  ERR_NGROK_334", Cause::Config),
        (
            "ERROR:  authentication failed: Usage of ngrok requires a verified account and authtoken.\nERROR:  \nERROR:  ERR_NGROK_4018\nERROR:  https://ngrok.com/docs/errors/err_ngrok_4018",
            Cause::Credentials,
        ),
        ("ERROR:  ERR_NGROK_105", Cause::Credentials),
        // OpenSSH
        (
            "ssh: Could not resolve hostname nosuch.example: Temporary failure in name resolution\r",
            Cause::Network,
        ),
        ("ssh: Could not resolve hostname nosuchhost.invalid: Name or service not known", Cause::Network),
        ("ssh: connect to host 127.0.0.1 port 1: Connection refused", Cause::Network),
        ("ssh: connect to host 203.0.113.1 port 22: Network is unreachable", Cause::Network),
        (
            "Connection timed out during banner exchange\nConnection to 203.0.113.1 port 22 timed out",
            Cause::Network,
        ),
        ("Timeout, server 203.0.113.1 not responding.", Cause::Network),
        ("root@127.0.0.1: Permission denied (publickey,keyboard-interactive).", Cause::Credentials),
        (
            "Host key for [127.0.0.1]:2299 has changed and you have requested strict checking.\nHost key verification failed.",
            Cause::Config,
        ),
        ("Error: remote port forwarding failed for listen port 80", Cause::PortTaken),
        // bore
        ("Error: could not connect to bore.pub:7835\n\nCaused by:\n    timed out", Cause::Network),
        (
            "Error: could not connect to bore.pub:7835\nCaused by:\n    Connection refused (os error 111)",
            Cause::Network,
        ),
        ("Error: server requires authentication, but no client secret was provided", Cause::Credentials),
        ("Error: expected authentication challenge, but no secret was required", Cause::Config),
        ("Error: timed out waiting for initial message", Cause::Network),
        ("error: unexpected argument '--too' found", Cause::Config),
        // tailscale
        (
            "Funnel is not enabled on your tailnet.\nTo enable, visit:\n\n         https://login.tailscale.com/f/funnel?node=n1",
            Cause::Config,
        ),
        ("sending serve config: Access denied: serve config denied", Cause::Credentials),
        // localtunnel
        (
            "Error: connection refused: localtunnel.me:46073 (check your firewall settings)\n    at Socket.<anonymous> (TunnelCluster.js:52:11)",
            Cause::Network,
        ),
        ("tunnel server offline: connect ETIMEDOUT 138.197.63.247:443, retry 1s", Cause::Network),
    ];
    for (text, cause) in cases {
        let failure = diagnose(&lines(text), false).unwrap_or_else(|| panic!("nothing is made of {text}"));
        assert_eq!(failure.cause, cause, "{text}\n{failure:?}");
        assert!(!failure.what.is_empty() && !failure.remedy.is_empty(), "{text}\n{failure:?}");
    }
}

#[test]
fn what_tells_nothing_is_not_guessed_at() {
    for text in [
        "",
        "cannot work",
        "panic: runtime error: index out of range",
        "ERR_NGROK_10899 and ERR_NGROK_3345",
        "Permission denied",
        "INF Registered tunnel connection connIndex=0 protocol=quic",
        "timeouts are 30 s",
    ] {
        assert_eq!(diagnose(&lines(text), false), None, "{text}");
    }
}

#[test]
fn the_gravest_of_several_lines_counts_and_is_shown_bounded() {
    let failure = diagnose(&lines("dial tcp: i/o timeout\nERR_NGROK_105\nconnection reset"), false).unwrap();
    assert_eq!((failure.cause, failure.what.ends_with("saying: ERR_NGROK_105")), (Cause::Credentials, true));
    let long = diagnose(&lines(&format!("connection refused {}", "x".repeat(5_000))), false).unwrap();
    assert!(long.what.chars().count() < 300, "{}", long.what.len());
}

#[test]
fn a_client_that_was_up_has_no_wrong_credentials() {
    let both = "x@y: Permission denied (publickey).\nclient_loop: send disconnect: Broken pipe";
    assert_eq!(diagnose(&lines(both), true).unwrap().cause, Cause::Network);
    assert_eq!(diagnose(&lines("ERR_NGROK_334"), true), None);
}
