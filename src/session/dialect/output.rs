//! What agents put around output: exit codes, durations.

use std::time::Duration;

/// A duration in seconds: `0.4`, `0.4 seconds`.
pub(crate) fn wall_time(seconds: &str) -> Option<Duration> {
    let seconds: f64 = seconds.split_whitespace().next()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The exit code that the first or the last line of a failed command's output tells.
pub(crate) fn told_exit(output: &str) -> Option<i32> {
    let mut lines = output.trim().lines();
    let ends = [lines.next(), lines.next_back()];
    ends.into_iter().flatten().find_map(|line| {
        let at = ["exit code", "exited with code", "Exit Code"].iter().find_map(|told| {
            let at = line.find(told)?;
            Some(at + told.len())
        })?;
        let rest = line.get(at..)?.trim_start_matches([':', ' ']);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_told_in_the_first_or_last_line() {
        let cases = [
            ("Error: Command failed (exit code: 1)\nls: no", Some(1)),
            ("boom\n\nCommand exited with code 127", Some(127)),
            ("x\nCommand failed with exit code: 2.", Some(2)),
            ("one\nexit code: 3\nthree", None),
            ("Command aborted", None),
        ];
        for (output, wanted) in cases {
            assert_eq!(told_exit(output), wanted, "{output}");
        }
    }
}
