//! PURE: why a client ended, by its last lines. What a provider's row knows was told by the keeper; here stands what
//! many clients have in common, those of the configuration file above all.

use crate::share::{Cause, Failure};

#[cfg(test)]
mod tests;

/// Characters of a line that are shown.
const LINE_CAP: usize = 200;
/// What a person can do about the network.
const NETWORK: &str = "check the network (name resolution, firewall, proxy), or share with `--tunnel local`";

/// Words of a line, and what they say.
struct Sign {
    /// In lower case; what follows them begins a new word.
    words: &'static str,
    cause: Cause,
    /// What happened; empty: the line itself says it best.
    what: &'static str,
    remedy: &'static str,
}

const fn sign(words: &'static str, cause: Cause, what: &'static str, remedy: &'static str) -> Sign {
    Sign { words, cause, what, remedy }
}

const NO_AUTHTOKEN: &str = "ngrok does not accept the authtoken";
const AUTHTOKEN: &str = "set the token of your account: `ngrok config add-authtoken TOKEN`";
const NO_MORE: &str = "the ngrok account allows no more of them at the same time";
const FEWER: &str = "end the other ngrok agent or endpoint, or use another plan";
const NO_OPTION: &str = "the tunnel program does not know one of its options";
const OPTION: &str = "correct its `command` in the configuration file, or update the program";

/// What starting again cannot mend: heard of a client that had not been up.
const TERMINAL: &[Sign] = &[
    // OpenSSH: `USER@HOST: Permission denied (publickey).`
    sign(
        "permission denied (",
        Cause::Credentials,
        "the server does not let this user in",
        "check the user name and the key: `ssh` must get in without a question",
    ),
    sign(
        "host key verification failed",
        Cause::Config,
        "the server's key is not the one that is known",
        "if the server has a new key, remove the old one with `ssh-keygen -R HOST`",
    ),
    // https://ngrok.com/docs/errors
    sign("err_ngrok_105", Cause::Credentials, NO_AUTHTOKEN, AUTHTOKEN),
    sign("err_ngrok_107", Cause::Credentials, NO_AUTHTOKEN, AUTHTOKEN),
    sign("err_ngrok_4018", Cause::Credentials, NO_AUTHTOKEN, AUTHTOKEN),
    sign("err_ngrok_108", Cause::Config, NO_MORE, FEWER),
    sign("err_ngrok_324", Cause::Config, NO_MORE, FEWER),
    sign("err_ngrok_334", Cause::Config, NO_MORE, FEWER),
    // bore
    sign(
        "server requires authentication",
        Cause::Credentials,
        "the bore server wants a secret",
        "set BORE_SECRET in `env` of the tunnel's table in the configuration file",
    ),
    sign(
        "no secret was required",
        Cause::Config,
        "the bore server wants no secret, and was given one",
        "remove the secret from the tunnel's table in the configuration file",
    ),
    // tailscale
    sign(
        "serve config denied",
        Cause::Credentials,
        "this user may not change what tailscale serves",
        "run `sudo tailscale set --operator=$USER` once",
    ),
    sign(
        "funnel is not enabled",
        Cause::Config,
        "Funnel is not enabled on the tailnet",
        "enable it where `panko logs` says, then share again",
    ),
    // Go's flag and pflag, clap, getopt
    sign("flag provided but not defined", Cause::Config, NO_OPTION, OPTION),
    sign("unknown flag", Cause::Config, NO_OPTION, OPTION),
    sign("unknown shorthand flag", Cause::Config, NO_OPTION, OPTION),
    sign("unexpected argument", Cause::Config, NO_OPTION, OPTION),
    sign("unrecognized option", Cause::Config, NO_OPTION, OPTION),
    sign("illegal option", Cause::Config, NO_OPTION, OPTION),
    sign("unknown option", Cause::Config, NO_OPTION, OPTION),
];

/// What may pass.
const PASSING: &[Sign] = &[
    sign("too many requests", Cause::RateLimited, "", ""),
    sign(
        "remote port forwarding failed",
        Cause::PortTaken,
        "the server does not give the port that was asked for",
        "wait until the server has noticed the end of the connection before, or ask for another port",
    ),
    // Name resolution: Go, OpenSSH and the C library, Node.
    network("no such host"),
    network("server misbehaving"),
    network("could not resolve hostname"),
    network("name resolution"),
    network("name or service not known"),
    network("failed to lookup address information"),
    network("enotfound"),
    network("eai_again"),
    // Connecting.
    network("connection refused"),
    network("econnrefused"),
    network("network is unreachable"),
    network("enetunreach"),
    network("no route to host"),
    network("ehostunreach"),
    network("could not connect to"),
    network("tunnel server offline"),
    // Silence.
    network("timeout"),
    network("timed out"),
    network("etimedout"),
    network("deadline exceeded"),
    network("not responding"),
    // The end of a connection.
    network("connection reset"),
    network("econnreset"),
    network("connection closed by"),
    network("closed by remote host"),
    network("broken pipe"),
    network("unexpected eof"),
];

const fn network(words: &'static str) -> Sign {
    sign(words, Cause::Network, "", NETWORK)
}

/// Why a client ended that said this last, oldest line first; `None`: the lines do not tell. `was_up`: it had worked
/// before, so that nothing is wrong with its credentials and options.
pub fn diagnose(tail: &[String], was_up: bool) -> Option<Failure> {
    let signs = TERMINAL.iter().filter(|_| !was_up).chain(PASSING);
    let (sign, line) = signs.into_iter().find_map(|sign| {
        let said = tail.iter().rev().find(|line| says(line, sign.words));
        said.map(|line| (sign, line))
    })?;
    let line: String = line.trim().chars().take(LINE_CAP).collect();
    Some(match sign.cause {
        Cause::RateLimited => rate_limited(),
        Cause::Network if was_up => {
            let what = format!("the tunnel program ended, for it lost its connection, saying: {line}");
            Failure::new(Cause::Network, what, sign.remedy)
        }
        Cause::Network => {
            let what = format!("the tunnel program could not reach its provider, saying: {line}");
            Failure::new(Cause::Network, what, sign.remedy)
        }
        cause => Failure::new(cause, format!("{}, saying: {line}", sign.what), sign.remedy),
    })
}

/// The provider asks for patience.
pub fn rate_limited() -> Failure {
    Failure::new(
        Cause::RateLimited,
        "the provider allows no more tunnels at the moment (too many requests)",
        "wait some minutes, or share with another `--tunnel`",
    )
}

/// Whether a line holds these words, and not only the beginning of others.
fn says(line: &str, words: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let ends_a_word = |end: usize| {
        let next = line.get(end..).and_then(|rest| rest.chars().next());
        !words.ends_with(char::is_alphanumeric) || next.is_none_or(|next| !next.is_ascii_alphanumeric())
    };
    line.match_indices(words).any(|(at, found)| ends_a_word(at + found.len()))
}
