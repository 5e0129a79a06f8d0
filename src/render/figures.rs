//! Numbers as a person reads them: counts, sizes, durations, offsets, dates.

use std::time::Duration;

use jiff::Timestamp;

/// `1,404`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `1 line`, `2,000 lines`.
pub(super) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Says how much of a text is left out.
pub(super) fn left_out(n: usize) -> String {
    format!("{} more, not shown here", bytes(n as u64))
}

/// Tokens: `950`, `51 k`, `1.48 M`.
pub(super) fn tokens(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..999_500 => format!("{} k", (n + 500) / 1_000),
        _ => format!("{:.2} M", n as f64 / 1e6),
    }
}

/// What a search found: `12 matches in 3 files`, `3 files`, `nothing found`; `None` where nothing tells.
pub(super) fn found(matches: Option<u64>, files: Option<u64>) -> Option<String> {
    let matching = |n| counted(n, "match", "matches");
    let of = |n| counted(n, "file", "files");
    Some(match (matches, files) {
        (None, None) => return None,
        (Some(0), _) | (None, Some(0)) => "nothing found".to_owned(),
        (Some(n), Some(m)) if m > 0 => format!("{} in {}", matching(n), of(m)),
        (Some(n), _) => matching(n),
        (None, Some(m)) => of(m),
    })
}

/// US dollars as people say them: `$3.41`, `$0.02`, `under 1 ¢`, `$1,204`.
pub(super) fn money(dollars: f64) -> String {
    match dollars {
        small if small < 0.01 => "under 1 ¢".to_owned(),
        some if some < 99.995 => format!("${some:.2}"),
        much => format!("${}", count(much.round() as u64)),
    }
}

/// What a compaction left of so many tokens: `168 k to 22 k tokens`, `from 168 k tokens`.
pub(super) fn shrunk(before: Option<u64>, after: Option<u64>) -> Option<String> {
    match (before.filter(|n| *n > 0), after.filter(|n| *n > 0)) {
        (Some(before), Some(after)) => Some(format!("{} to {} tokens", tokens(before), tokens(after))),
        (Some(before), None) => Some(format!("from {} tokens", tokens(before))),
        (None, Some(after)) => Some(format!("to {} tokens", tokens(after))),
        (None, None) => None,
    }
}

/// Says what was tried more than once: `tried 3 times over 41 s`.
pub(super) fn tried(times: u32, from: Option<Timestamp>, until: Option<Timestamp>) -> Option<String> {
    let over = || Some(lasted(between(from?, until?).filter(|d| d.as_millis() >= 500)?));
    let over = || over().map(|over| format!(" over {over}")).unwrap_or_default();
    (times > 1).then(|| format!("tried {} times{}", count(times.into()), over()))
}

/// A size: `812 bytes`, `18 KB`, `1.2 MB`. Thousands, not 1,024.
pub(super) fn bytes(n: u64) -> String {
    match n {
        0..1_000 => counted(n, "byte", "bytes"),
        1_000..10_000 => format!("{:.1} KB", n as f64 / 1e3),
        10_000..999_500 => format!("{} KB", (n + 500) / 1_000),
        _ => format!("{:.1} MB", n as f64 / 1e6),
    }
}

/// A duration: `8 s`, `4 min 07 s`, `2 h 05 min`, `3 d 4 h`.
pub(super) fn lasted(d: Duration) -> String {
    let s = d.as_secs() + u64::from(d.subsec_millis() >= 500);
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min {:02} s", s / 60, s % 60),
        3_600..86_400 => format!("{} h {:02} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// A duration in one unit less where the smaller one hardly counts: `8 s`, `4 min 07 s`, `19 min`.
pub(super) fn about(d: Duration) -> String {
    match d.as_secs() {
        600..3_570 => format!("{} min", (d.as_secs() + 30) / 60),
        _ => lasted(d),
    }
}

/// Time from `origin` to `at` as a clock: `0:06`, `41:20`, `1:02:03`, `2 d 1:02:03`. Times before the origin are `0:00`.
pub(super) fn offset(origin: Timestamp, at: Timestamp) -> String {
    let s = at.duration_since(origin).as_secs().max(0);
    if s < 3_600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else if s < 86_400 {
        format!("{}:{:02}:{:02}", s / 3_600, s % 3_600 / 60, s % 60)
    } else {
        format!("{} d {}:{:02}:{:02}", s / 86_400, s % 86_400 / 3_600, s % 3_600 / 60, s % 60)
    }
}

/// The time between two moments; `None` if the second is earlier.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Option<Duration> {
    Duration::try_from(to.duration_since(from)).ok()
}

/// `29 Jan 2026`, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%-d %b %Y").to_string()
}

/// `2026-01-29 22:19:53 UTC`.
pub(super) fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `2026-01-29T22:19:53Z`, for `datetime`.
pub(super) fn machine(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_in_thousands() {
        for (n, want) in [(0, "0"), (999, "999"), (1_404, "1,404"), (1_329_665, "1,329,665")] {
            assert_eq!(count(n), want);
        }
        assert_eq!(counted(1, "line", "lines"), "1 line");
    }

    #[test]
    fn money_is_rounded_to_cents_and_much_of_it_to_dollars() {
        for (dollars, want) in [
            (0.000_1, "under 1 ¢"),
            (0.01, "$0.01"),
            (3.414, "$3.41"),
            (99.99, "$99.99"),
            (99.999, "$100"),
            (1_204.4, "$1,204"),
        ] {
            assert_eq!(money(dollars), want, "{dollars}");
        }
    }

    #[test]
    fn tokens_and_bytes_are_rounded_to_what_matters() {
        for (n, want) in
            [(950, "950"), (51_200, "51 k"), (999_499, "999 k"), (999_500, "1.00 M"), (1_482_555, "1.48 M")]
        {
            assert_eq!(tokens(n), want);
        }
        for (n, want) in [(1, "1 byte"), (1_240, "1.2 KB"), (18_400, "18 KB"), (1_234_567, "1.2 MB")] {
            assert_eq!(bytes(n), want);
        }
    }

    #[test]
    fn what_was_found_and_what_was_left_say_what_is_known() {
        for (matches, files, want) in [
            (Some(12), Some(3), Some("12 matches in 3 files")),
            (Some(1), None, Some("1 match")),
            (Some(0), Some(3), Some("nothing found")),
            (None, Some(1), Some("1 file")),
            (None, Some(0), Some("nothing found")),
            (None, None, None),
        ] {
            assert_eq!(found(matches, files).as_deref(), want);
        }
        for (before, after, want) in [
            (Some(168_000), Some(22_000), Some("168 k to 22 k tokens")),
            (Some(168_000), Some(0), Some("from 168 k tokens")),
            (None, Some(22_000), Some("to 22 k tokens")),
            (None, None, None),
        ] {
            assert_eq!(shrunk(before, after).as_deref(), want);
        }
        let at = |s| Timestamp::from_second(s).ok();
        assert_eq!(
            (tried(1, at(0), None), tried(10, None, at(0))),
            (None, Some("tried 10 times".to_owned()))
        );
        assert_eq!(tried(3, at(0), at(41)).as_deref(), Some("tried 3 times over 41 s"));
    }

    #[test]
    fn durations_show_two_units() {
        for (s, want) in [(8, "8 s"), (128, "2 min 08 s"), (7_500, "2 h 05 min"), (273_600, "3 d 4 h")] {
            assert_eq!(lasted(Duration::from_secs(s)), want);
        }
    }

    #[test]
    fn what_lasted_for_a_while_is_told_in_minutes() {
        for (s, want) in
            [(8, "8 s"), (128, "2 min 08 s"), (1_169, "19 min"), (3_569, "59 min"), (7_500, "2 h 05 min")]
        {
            assert_eq!(about(Duration::from_secs(s)), want);
        }
    }

    #[test]
    fn offsets_are_clocks_and_never_negative() {
        let origin = Timestamp::from_second(1_000).unwrap();
        for (s, want) in
            [(1_006, "0:06"), (3_480, "41:20"), (4_723, "1:02:03"), (177_523, "2 d 1:02:03"), (10, "0:00")]
        {
            assert_eq!(offset(origin, Timestamp::from_second(s).unwrap()), want);
        }
    }

    #[test]
    fn dates_are_written_for_people_and_for_machines() {
        let at: Timestamp = "2026-01-29T22:19:53.4Z".parse().unwrap();
        assert_eq!(day(at), "29 Jan 2026");
        assert_eq!(exact(at), "2026-01-29 22:19:53 UTC");
        assert_eq!(machine(at), "2026-01-29T22:19:53Z");
    }
}
