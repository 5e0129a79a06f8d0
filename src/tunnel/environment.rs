//! PURE: which variables of an environment a tunnel client may see.
//!
//! An allowlist, because the daemon's environment holds whatever the shell it was started from held: keys of
//! other services, agent sockets, variables that change how a client behaves (`TUNNEL_LOGLEVEL=error` hides
//! cloudflared's URL).

use super::spec::Environment;

/// Names every client gets: to find programs and certificates, speak the user's language, reach the network.
const ALLOWED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

/// The environment of a client: what the allowlist and `needs` leave of `inherited`, plus `NO_COLOR=1`.
///
/// The keeper adds `PANKO_KEEPER` (see [`super::sweep`]); a marker in `inherited` never passes.
pub fn tunnel_environment<'a>(
    inherited: impl IntoIterator<Item = (&'a str, &'a str)>,
    needs: &[&str],
) -> Environment {
    let mut kept: Environment = Environment(
        inherited
            .into_iter()
            .filter(|(name, _)| allowed(name) || needs.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    );
    kept.0.insert("NO_COLOR".to_owned(), "1".to_owned());
    kept
}

fn allowed(name: &str) -> bool {
    ALLOWED.contains(&name) || name.starts_with("LC_")
}

/// This process's variables that are valid UTF-8 (a spec travels as JSON, so others cannot be passed on).
pub fn own_environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_allowlist_and_the_providers_needs_pass() {
        let inherited = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("https_proxy", "http://proxy"),
            ("CANARY", "x"),
            ("TUNNEL_LOGLEVEL", "error"),
            ("TUNNEL_TOKEN", "t"),
            ("SSH_AUTH_SOCK", "/s"),
            ("PANKO_KEEPER", "another"),
            ("LD_PRELOAD", "/evil.so"),
        ];
        let env = tunnel_environment(inherited, &["TUNNEL_TOKEN"]);
        let names: Vec<&str> = env.0.keys().map(String::as_str).collect();
        assert_eq!(names, ["LC_ALL", "NO_COLOR", "PATH", "TUNNEL_TOKEN", "https_proxy"]);
    }

    #[test]
    fn debug_output_shows_no_value() {
        let env = tunnel_environment([("PATH", "/hidden/value")], &[]);
        assert!(!format!("{env:?}").contains("hidden"), "{env:?}");
    }
}
