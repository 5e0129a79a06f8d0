//! PURE: what a tunnel client's lines say, as events.
//!
//! The URL is a stream of updates, not a one-off: providers hand out new names while a client runs, so matching
//! never ends. Only changes are events: a line said twice says nothing new.

use std::net::SocketAddr;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::spec::{Class, Meaning, PORT, ReadyAt, Stream, UrlRule, WatchRules};

#[cfg(test)]
mod tests;

/// Longest URL taken from a client's output, in bytes.
const URL_CAP: usize = 2048;
/// Longest reason of a loss that is reported, in characters.
const REASON_CAP: usize = 200;

/// Something a client's output said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TunnelEvent {
    /// The public URL is now this one.
    Url(String),
    /// Connected (again).
    Ready,
    /// Here the client says by HTTP whether it is connected.
    ReadyAt(String),
    /// The connection is gone for now.
    Lost {
        /// The line that said so, shortened.
        reason: String,
    },
    /// The provider asks for patience. Said once.
    RateLimited,
    /// Starting again cannot mend it. Said once.
    Terminal {
        /// What happened.
        cause: String,
        /// What a person can do.
        remedy: String,
        /// What is at fault.
        class: Option<Class>,
    },
}

/// A rule that cannot be used.
#[derive(Debug, Error)]
pub enum RuleError {
    /// The pattern is not a regular expression.
    #[error("the pattern {pattern:?} is not a valid regular expression: {reason}")]
    Pattern {
        /// As written.
        pattern: String,
        /// The regex crate's last line.
        reason: String,
    },
    /// The template uses something that is not there.
    #[error("the URL template {template:?} uses {placeholder:?}, which the pattern does not provide")]
    Template {
        /// As written.
        template: String,
        /// What is missing.
        placeholder: String,
    },
    /// A fixed URL that is none.
    #[error("{url:?} is not an http or https URL")]
    FixedUrl {
        /// As written.
        url: String,
    },
}

/// Reads lines and says what changed.
#[derive(Debug)]
pub struct Extractor {
    url: CompiledUrl,
    ready: Option<Regex>,
    failures: Vec<(Regex, Meaning)>,
    ready_at: Option<(Regex, ReadyAt)>,
    port: u16,
    last_url: Option<String>,
    connected: bool,
    rate_limited: bool,
    terminal: bool,
}

#[derive(Debug)]
enum CompiledUrl {
    Fixed(String),
    Token(super::spec::Streams, Regex),
    Line(super::spec::Streams, Regex, String),
}

impl Extractor {
    /// Compiles `rules` for a page on `port`.
    ///
    /// # Errors
    /// A pattern, template or fixed URL that cannot be used.
    pub fn new(rules: &WatchRules, port: u16) -> Result<Self, RuleError> {
        let url = match &rules.url {
            UrlRule::Fixed { url } => {
                let filled = url.replace(PORT, &port.to_string());
                CompiledUrl::Fixed(public_url(&filled).ok_or(RuleError::FixedUrl { url: filled })?)
            }
            UrlRule::Token { stream, pattern } => {
                CompiledUrl::Token(*stream, compile(&format!("^(?:{pattern})$"))?)
            }
            UrlRule::Line { stream, pattern, template } => {
                let regex = compile(pattern)?;
                check_template(template, regex.captures_len())?;
                CompiledUrl::Line(*stream, regex, template.clone())
            }
        };
        let failures = rules
            .failures
            .iter()
            .map(|rule| Ok((compile(&rule.pattern)?, rule.meaning.clone())))
            .collect::<Result<_, RuleError>>()?;
        Ok(Self {
            url,
            ready: rules.ready.as_deref().map(compile).transpose()?,
            failures,
            ready_at: match &rules.ready_at {
                Some(rule) => Some((compile(&rule.pattern)?, rule.clone())),
                None => None,
            },
            port,
            last_url: None,
            connected: false,
            rate_limited: false,
            terminal: false,
        })
    }

    /// The client was started: what is known without a line (a fixed URL).
    pub fn started(&mut self) -> Vec<TunnelEvent> {
        let mut events = Vec::new();
        if let CompiledUrl::Fixed(url) = &self.url {
            let url = url.clone();
            self.found(url, &mut events);
        }
        events
    }

    /// One plain line (see [`super::lines`]) of a stream.
    pub fn line(&mut self, stream: Stream, line: &str) -> Vec<TunnelEvent> {
        let mut events = Vec::new();
        if let Some(url) = self.url_in(stream, line) {
            self.found(url, &mut events);
        }
        if self.ready.as_ref().is_some_and(|ready| ready.is_match(line)) {
            self.connect(&mut events);
        }
        if let Some(url) = self.ready_at_in(line) {
            events.push(TunnelEvent::ReadyAt(url));
        }
        let meaning =
            self.failures.iter().find(|(pattern, _)| pattern.is_match(line)).map(|(_, m)| m.clone());
        if let Some(meaning) = meaning {
            self.failed(meaning, line, &mut events);
        }
        events
    }

    fn url_in(&self, stream: Stream, line: &str) -> Option<String> {
        match &self.url {
            CompiledUrl::Token(streams, pattern) if streams.includes(stream) => {
                // A token holds a URL only with these; most lines are done here.
                memchr::memmem::find(line.as_bytes(), b"://")?;
                tokens(line).find(|token| pattern.is_match(token)).and_then(public_url)
            }
            CompiledUrl::Line(streams, pattern, template) if streams.includes(stream) => {
                pattern.captures(line).and_then(|found| public_url(&fill(template, &found, self.port)))
            }
            _ => None,
        }
    }

    /// What a client prints is not trusted to send us elsewhere.
    fn ready_at_in(&self, line: &str) -> Option<String> {
        let (pattern, rule) = self.ready_at.as_ref()?;
        let address: SocketAddr = pattern.captures(line)?.get(1)?.as_str().parse().ok()?;
        address.ip().is_loopback().then(|| format!("http://{address}{}", rule.path))
    }

    fn found(&mut self, url: String, events: &mut Vec<TunnelEvent>) {
        if self.last_url.as_ref() != Some(&url) {
            self.last_url = Some(url.clone());
            events.push(TunnelEvent::Url(url));
        }
        if self.ready.is_none() {
            self.connect(events);
        }
    }

    fn connect(&mut self, events: &mut Vec<TunnelEvent>) {
        if !self.connected {
            self.connected = true;
            events.push(TunnelEvent::Ready);
        }
    }

    fn failed(&mut self, meaning: Meaning, line: &str, events: &mut Vec<TunnelEvent>) {
        match meaning {
            // Before the first connection there is nothing to lose: the client is still trying.
            Meaning::Lost if self.connected => {
                self.connected = false;
                events.push(TunnelEvent::Lost { reason: line.trim().chars().take(REASON_CAP).collect() });
            }
            Meaning::RateLimited if !self.rate_limited => {
                self.rate_limited = true;
                events.push(TunnelEvent::RateLimited);
            }
            Meaning::Terminal { cause, remedy, class } if !self.terminal => {
                self.terminal = true;
                events.push(TunnelEvent::Terminal { cause, remedy, class });
            }
            _ => {}
        }
    }
}

/// Tokens of a line: what stands between spaces, quotes, brackets and the bars of a banner, without a full stop
/// or comma at its end. `=` does not separate: a URL in another URL's query is not a token.
fn tokens(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '|' | '(' | ')' | '\\')
    })
    .map(|token| token.trim_end_matches(['.', ',', ';']))
    .filter(|token| !token.is_empty())
}

fn compile(pattern: &str) -> Result<Regex, RuleError> {
    Regex::new(pattern).map_err(|error| RuleError::Pattern {
        pattern: pattern.to_owned(),
        reason: error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
    })
}

/// The placeholders of a template, without braces.
fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

/// Checks that a pattern with `groups` capture groups (the whole match included) can fill `template`.
fn check_template(template: &str, groups: usize) -> Result<(), RuleError> {
    let known = |name: &str| match name {
        "url" | "port" => true,
        number => number.parse::<usize>().is_ok_and(|group| (1..=9).contains(&group) && group < groups),
    };
    match placeholders(template).find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            Err(RuleError::Template { template: template.to_owned(), placeholder: format!("{{{name}}}") })
        }
    }
}

/// Fills a checked template in one pass: text that a group brought in is never read as a placeholder.
fn fill(template: &str, found: &Captures<'_>, port: u16) -> String {
    let group = |index: usize| found.get(index).map_or("", |m| m.as_str());
    let mut out = String::new();
    let mut parts = template.split('{');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once('}') {
            Some((name, text)) => {
                match name {
                    "url" if found.len() > 1 => out.push_str(group(1)),
                    "url" => out.push_str(group(0)),
                    "port" => out.push_str(&port.to_string()),
                    number => out.push_str(group(number.parse().unwrap_or(0))),
                }
                out.push_str(text);
            }
            None => {
                out.push('{');
                out.push_str(part);
            }
        }
    }
    out
}

/// A URL fit to be shown and opened: http or https, a plain host, no credentials, printable ASCII, no trailing slash
/// after a bare host.
pub fn public_url(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let name = |host: &str| {
        !host.is_empty()
            && !host.starts_with(['.', '-'])
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_fine = match literal {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => name(host),
    };
    let port_is_fine = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let printable =
        text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'`'));
    let bare = if rest.strip_suffix('/') == Some(authority) { text.trim_end_matches('/') } else { text };
    (host_is_fine && port_is_fine && printable && text.len() <= URL_CAP).then(|| bare.to_owned())
}
