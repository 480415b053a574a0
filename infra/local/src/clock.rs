//! The one place that asks what time it is.

use jiff::Timestamp;

/// The time of day.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the clock of this crate")]
    Timestamp::now()
}
