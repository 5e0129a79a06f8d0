//! The clock that nobody sets: time since the machine started, sleep included, for what must end in time whatever
//! is made of the wall clock.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
// It goes on while the machine sleeps (clock_gettime(3) of macOS).
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// Time since the machine started.
pub fn now() -> Duration {
    Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default()
}

/// Tells this start of the machine from any other (Linux: `proc_sys_kernel(5)`); where nothing tells that, this
/// process from any other.
pub fn id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| Uuid::new_v4().to_string(), |id| id.trim().to_owned())
}
