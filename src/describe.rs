//! A share in words for people: what `ls`, `info` and the terminal interface say of it. Not yet fit for a terminal
//! ([`crate::plain`]).

use jiff::{SpanRound, Timestamp, Unit};

use crate::ipc::protocol::{ShareEvent, ShareInfo};
use crate::share::Status;

/// `1 prompt`, `2 prompts`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The status, and whether the public URL was seen to work unless it was.
pub fn status(share: &ShareInfo) -> String {
    match share.public.as_deref() {
        Some(public @ ("pending" | "unverified")) if share.status == Status::Active => {
            format!("{}, {public}", share.status.as_str())
        }
        _ => share.status.as_str().to_owned(),
    }
}

/// Why a share is not what it should be, when it is tried again, and what can be done; `None` if it is up.
pub fn trouble(share: &ShareInfo) -> Option<String> {
    let reason = share.reason.as_ref().filter(|_| share.status != Status::Active)?;
    let next = share.next_attempt_in.map(|secs| format!(" (tried again in {secs} s)")).unwrap_or_default();
    let remedy = share.remedy.as_deref().map(what_to_do).unwrap_or_default();
    Some(format!("{reason}{next}{remedy}"))
}

/// The command that shares a file again, by the same provider: another would be another audience.
pub fn again(session_path: &str, provider: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    let path = match session_path.chars().all(plain) {
        true => session_path.to_owned(),
        false => format!("'{}'", session_path.replace('\'', "'\\''")),
    };
    format!("panko share {path} --tunnel {provider}")
}

/// The remedies are orders, or say why there is nothing to be done.
fn what_to_do(remedy: &str) -> String {
    match remedy.strip_prefix("nothing: ") {
        Some(why) => format!("; {why}"),
        None if remedy.starts_with("try ") => format!("; {remedy}"),
        None => format!("; try: {remedy}"),
    }
}

/// What there is to say, name by name, without what is not known.
pub fn facts(share: &ShareInfo) -> Vec<(&'static str, String)> {
    let status = match share.status.as_str() {
        status if status == share.phase || share.phase.is_empty() => status.to_owned(),
        status => format!("{status} ({})", share.phase),
    };
    let mut facts = vec![
        ("id", share.id.to_string()),
        ("name", share.session_name.clone()),
        ("file", share.session_path.display().to_string()),
        ("status", status),
        ("url", share.public_url.clone()),
        ("by", share.provider_name.clone()),
        ("since", to_the_second(&share.started_at)),
    ];
    let next = share.next_attempt_in.map(|secs| format!("in {secs} s"));
    let recoveries = (share.recoveries > 0).then(|| share.recoveries.to_string());
    let live = share.live.as_ref().map(|live| match &share.live_trouble {
        Some(trouble) => format!("{live}: {trouble}"),
        None => live.clone(),
    });
    let public = share.public.as_ref().map(|public| match &share.public_trouble {
        Some(trouble) => format!("{public}: {trouble}"),
        None => public.clone(),
    });
    let more = [
        ("public", public),
        ("follows", live),
        ("expires", share.expires_at.as_deref().map(to_the_second)),
        ("ended", share.ended_at.as_deref().map(to_the_second)),
        ("reason", share.reason.clone()),
        ("remedy", share.remedy.clone()),
        ("retried", next),
        ("recovered", recoveries),
    ];
    facts.extend(more.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// One line of a share's history.
pub fn event(event: &ShareEvent) -> String {
    let more = [event.public_url.as_deref(), event.reason.as_deref()].into_iter().flatten();
    let more = more.collect::<Vec<_>>().join("  ");
    format!("{}  {:<8}  {more}", to_the_second(&event.at), event.status).trim_end().to_owned()
}

/// A time on the wire without what is noise to a person.
fn to_the_second(at: &str) -> String {
    format!("{}Z", at.split('.').next().unwrap_or(at).trim_end_matches('Z'))
}

/// `42 min`: how long before `now` the time `then` is, in the unit that matters.
pub fn ago(then: &str, now: Timestamp) -> String {
    let round = SpanRound::new().largest(Unit::Day).days_are_24_hours();
    let span = then.parse::<Timestamp>().ok().and_then(|then| now.since(then).ok());
    let Some(span) = span.and_then(|span| span.round(round).ok()) else { return "-".to_owned() };
    match (span.get_days(), span.get_hours(), span.get_minutes()) {
        (0, 0, 0) => "just now".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (days, ..) => format!("{days} d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_on_the_wire_lose_their_fractions_alone() {
        for at in ["2026-03-01T11:59:30.123456789Z", "2026-03-01T11:59:30Z"] {
            assert_eq!(to_the_second(at), "2026-03-01T11:59:30Z");
        }
    }

    #[test]
    fn times_are_told_in_the_unit_that_matters() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for (then, told) in [
            ("2026-03-01T11:59:30Z", "just now"),
            ("2026-03-01T11:18:00Z", "42 min"),
            ("2026-03-01T07:18:00Z", "4 h"),
            ("2026-01-01T12:00:00Z", "59 d"),
            ("garbage", "-"),
        ] {
            assert_eq!(ago(then, now), told);
        }
    }
}
