//! How long a failed tunnel waits before it is started again.
//!
//! Exponential from 1 s to 5 min with ±20 % jitter, so that shares that fell together do not rise
//! together. Forgotten after ten healthy minutes.

use std::time::Duration;

use super::Cause;

/// The first delay.
pub const FIRST: Duration = Duration::from_secs(1);
/// No delay is longer (before jitter).
pub const LONGEST: Duration = Duration::from_secs(300);
/// A provider that said "too many requests" is left alone at least this long; its row may ask for more.
pub const RATE_LIMITED: Duration = Duration::from_secs(60);
/// A tunnel that worked this long starts with a clean slate.
pub const HEALTHY: Duration = Duration::from_secs(600);

/// Delay before attempt number `failures + 1`, where `failures` ≥ 1 counts the failures in a row and
/// `seed` tells shares apart; `rate_limit_wait` is what the provider's row asks for. The same arguments give the
/// same delay.
pub fn delay(failures: u32, cause: Cause, seed: u64, rate_limit_wait: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let plain = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let jittered = plain.mul_f64(0.8 + 0.4 * unit(seed, failures));
    match cause {
        Cause::RateLimited => {
            jittered.max(RATE_LIMITED).max(rate_limit_wait).mul_f64(1.0 + 0.2 * unit(seed, failures))
        }
        _ => jittered,
    }
}

/// No delay is longer, of a provider whose row asks for `rate_limit_wait`.
pub fn longest_wait(rate_limit_wait: Duration) -> Duration {
    LONGEST.mul_f64(1.2).max(RATE_LIMITED).max(rate_limit_wait).mul_f64(1.2)
}

/// A number in [0, 1) that depends on nothing but its arguments (SplitMix64's finaliser).
fn unit(seed: u64, n: u32) -> f64 {
    let mut x = seed ^ (u64::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delays_double_up_to_five_minutes() {
        for (failures, plain) in [(1, 1.0), (2, 2.0), (3, 4.0), (9, 256.0), (10, 300.0), (4_000_000, 300.0)] {
            let got = delay(failures, Cause::Crashed, 7, RATE_LIMITED).as_secs_f64();
            assert!((plain * 0.8..=plain * 1.2).contains(&got), "after {failures} failures: {got} s");
        }
    }

    proptest! {
        #[test]
        fn a_rate_limited_provider_is_left_alone_for_a_minute(failures in 1u32.., seed: u64) {
            prop_assert!(delay(failures, Cause::RateLimited, seed, Duration::ZERO) >= RATE_LIMITED);
            prop_assert!(delay(failures, Cause::RateLimited, seed, 5 * RATE_LIMITED) >= 5 * RATE_LIMITED);
        }

        #[test]
        fn no_delay_is_longer_than_the_longest(failures in 1u32.., seed: u64, secs in 0u64..1000) {
            let row = Duration::from_secs(secs);
            for cause in [Cause::RateLimited, Cause::Crashed] {
                prop_assert!(delay(failures, cause, seed, row) <= longest_wait(row));
            }
        }

        #[test]
        fn two_shares_that_fell_together_do_not_rise_together(seed: u64, failures in 1u32..20) {
            let of = |seed| delay(failures, Cause::Crashed, seed, RATE_LIMITED);
            prop_assert_ne!(of(seed), of(!seed));
        }
    }
}
