//! Waiting for a condition, never for time.

use std::time::{Duration, Instant};

/// Time in which anything that is not about time itself must have happened, on a busy machine too.
pub const SOON: Duration = Duration::from_secs(20);

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within `deadline`: `what` says what was waited for.
#[track_caller]
pub fn until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < deadline, "waited {:?} in vain until {what}", began.elapsed());
        pause();
    }
}

/// Between two looks at a condition that nothing announces.
#[allow(clippy::disallowed_methods)]
pub fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
