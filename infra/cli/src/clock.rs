//! The only place of the command that looks at a clock.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the command's clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A stopwatch, started now.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Start counting.
    #[expect(clippy::disallowed_methods, reason = "this is the command's clock")]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A span for people: `14 ms`, `3.2 s`, `2 min 05 s`, `1 h 02 min`.
pub fn span(duration: Duration) -> String {
    let ms = duration.as_millis();
    let seconds = duration.as_secs();
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// How long ago something was, for a table: `now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 d ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.as_second().saturating_sub(then.as_second()) {
        i64::MIN..=0 => "now".to_owned(),
        seconds @ 1..120 => format!("{seconds} s ago"),
        seconds @ 120..7_200 => format!("{} min ago", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_like_a_person_would_say_them() {
        let table = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (59_990, "59.9 s"),
            (65_000, "1 min 05 s"),
            (3_725_000, "1 h 02 min"),
        ];
        for (ms, words) in table {
            assert_eq!(span(Duration::from_millis(ms)), words);
        }
    }

    #[test]
    fn a_moment_in_the_future_is_now() {
        let now = Timestamp::from_second(1_000).unwrap();
        assert_eq!(ago(Timestamp::from_second(1_010).unwrap(), now), "now");
        assert_eq!(ago(Timestamp::from_second(990).unwrap(), now), "10 s ago");
        assert_eq!(ago(Timestamp::from_second(-3_599).unwrap(), now), "76 min ago");
    }
}
