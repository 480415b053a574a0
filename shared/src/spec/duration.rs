//! Durations as Java writes them: `PT10M`, `P1DT2H`, `PT0.5S`. A day has 24 hours.

use jiff::{Span, SpanRelativeTo, Unit};

/// What problems say is accepted.
pub const ACCEPTED: &str = "an ISO-8601 duration such as PT30S, PT10M, PT1H or P1D";

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Only digits.
    #[error("is a bare number; write `PT{0}S` for seconds")]
    BareNumber(String),
    /// Below zero.
    #[error("is negative")]
    Negative,
    /// Years and months have no fixed length, weeks are not among what Java reads.
    #[error("has years, months or weeks; give days or hours")]
    Calendar,
    /// Not in the form.
    #[error("is no ISO-8601 duration")]
    Form,
    /// More than a hundred years.
    #[error("is longer than 100 years")]
    TooLong,
}

/// The duration in seconds, fractions rounded up.
///
/// # Errors
///
/// Says what is wrong with the text; [`ACCEPTED`] says what would be right.
pub fn seconds(text: &str) -> Result<u64, DurationError> {
    const HUNDRED_YEARS: f64 = 100.0 * 366.0 * 86_400.0;
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(DurationError::BareNumber(text.to_owned()));
    }
    if !text.trim_start_matches(['+', '-']).starts_with(['P', 'p']) {
        return Err(DurationError::Form);
    }
    if text.contains('-') {
        return Err(DurationError::Negative);
    }
    let span: Span = text.parse().map_err(|_| DurationError::Form)?;
    if span.get_years() != 0 || span.get_months() != 0 || span.get_weeks() != 0 {
        return Err(DurationError::Calendar);
    }
    let total = span
        .total((Unit::Second, SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| DurationError::TooLong)?;
    if total > HUNDRED_YEARS {
        return Err(DurationError::TooLong);
    }
    Ok(total.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_java_writes() {
        for (text, expected) in [
            ("PT30S", 30),
            ("PT10M", 600),
            ("PT1H", 3600),
            ("P1D", 86_400),
            ("P1DT2H3M4S", 93_784),
            ("PT0S", 0),
            ("PT0.2S", 1),
            ("PT1.5S", 2),
            ("pt5m", 300),
            ("PT90M", 5400),
            (" PT1M ", 60),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for (text, error) in [
            ("30", DurationError::BareNumber("30".to_owned())),
            ("PT-5S", DurationError::Negative),
            ("-PT5S", DurationError::Negative),
            ("1h", DurationError::Form),
            ("10 minutes", DurationError::Form),
            ("", DurationError::Form),
            ("P", DurationError::Form),
            ("PT", DurationError::Form),
            ("P1Y", DurationError::Calendar),
            ("P1M", DurationError::Calendar),
            ("P2W", DurationError::Calendar),
            ("PT1H30", DurationError::Form),
            ("P40000D", DurationError::TooLong),
        ] {
            assert_eq!(seconds(text), Err(error), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "\\PC{0,24}") {
            let _ = seconds(&text);
        }

        #[test]
        fn whole_seconds_come_back(amount in 0_u64..3_000_000_000) {
            proptest::prop_assert_eq!(seconds(&format!("PT{amount}S")), Ok(amount));
        }
    }
}
