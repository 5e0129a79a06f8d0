//! Clocks that are set while shares are up.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::support::daemon::Home;
use crate::support::inject::skipped;
use crate::support::sessions;
use crate::support::wait::{SOON, until};

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

#[test]
fn a_clock_that_is_set_back_or_far_ahead_costs_nothing_but_what_has_expired() {
    if !Path::new(LIBRARY).exists() {
        return skipped("there is no faketime");
    }
    let mut home = Home::new();
    let clock = home.path("clock");
    let set = |offset: &str| fs::write(&clock, offset).unwrap();
    set("+0");
    let file = format!("FAKETIME_TIMESTAMP_FILE={}", clock.display());
    let library = format!("LD_PRELOAD={LIBRARY}");
    // The monotonic clock goes on as it does on a machine whose clock is set.
    home.start_by(&["env", &library, &file, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"]);
    let share = home.share(&sessions::example(), "cloudflare");
    let brief = home.ask(&json!({"method": "StartShare", "params": {"session_path": sessions::example(),
        "provider": "local", "options": {"expires_in": 100_000}}}))["data"]
        .clone();
    let keepers = home.keepers().len();
    for (n, offset) in ["-1d", "+0", "+400d"].into_iter().enumerate() {
        set(offset);
        until(SOON, "the jump is noticed", || home.log_text().matches("the clocks have jumped").count() > n);
        let told = home.ask(&json!({"method": "GetShare", "params": {"share_id": share["id"]}}));
        assert_eq!(told["data"]["public_url"], share["public_url"], "{offset}");
        assert_eq!(told["data"]["recoveries"], 0, "{offset}: {told}");
    }
    // 400 days later, what was to end within a day and some hours has.
    until(SOON, "it has expired", || home.shares().iter().all(|left| left["id"] != brief["id"]));
    assert_eq!((home.shares().len(), home.keepers().len()), (1, keepers - 1));
    assert_eq!(home.tunnel.starts().len(), 1);
    assert!(!home.log_text().contains("panicked"), "{}", home.log_text());
}
