//! The only place of this crate that asks for the time, and the two ways Kubernetes writes it.

use jiff::Timestamp;
use std::time::Instant;

/// The wall clock now.
#[expect(clippy::disallowed_methods, reason = "this is the clock file of the crate")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The monotonic clock now; for durations only.
#[expect(clippy::disallowed_methods, reason = "this is the clock file of the crate")]
pub fn instant() -> Instant {
    Instant::now()
}

/// `metav1.Time`: whole seconds, `2026-11-21T02:24:31Z`.
pub fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `metav1.MicroTime`: six decimals, `2026-11-21T02:24:31.266780Z`.
pub fn micros(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A time as logs show it, 30 characters: `2026-11-21T02:24:31.266780128Z`.
pub fn nanos(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_upstream_writes_them() {
        let time: Timestamp = "2026-11-21T02:24:31.26678Z".parse().unwrap();
        assert_eq!(seconds(time), "2026-11-21T02:24:31Z");
        assert_eq!(micros(time), "2026-11-21T02:24:31.266780Z");
    }
}
