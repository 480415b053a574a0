//! Quantities: `500m`, `64Mi`, `1e3`.

/// What upstream says to a text that is no quantity.
pub const COMPLAINT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/// The value in billionths; `None` for a text that is no quantity.
pub fn parse(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end =
        unsigned.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if number.is_empty() || fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = match suffix.strip_prefix(['e', 'E']).and_then(|exponent| exponent.parse::<i32>().ok()) {
        Some(exponent) => {
            let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
            let nano = digits.checked_mul(1_000_000_000)?;
            if exponent < 0 { nano / power } else { nano.checked_mul(power)? }
        }
        None => digits.checked_mul(factor(suffix)?)?,
    };
    let value = value / scale;
    Some(if text.starts_with('-') { -value } else { value })
}

/// The suffix in billionths.
fn factor(suffix: &str) -> Option<i128> {
    const NANO: i128 = 1_000_000_000;
    Some(match suffix {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        "" => NANO,
        "k" => NANO * 1_000,
        "M" => NANO * 1_000_000,
        "G" => NANO * 1_000_000_000,
        "T" => NANO * 1_000_000_000_000,
        "P" => NANO * 1_000_000_000_000_000,
        "E" => NANO * 1_000_000_000_000_000_000,
        "Ki" => NANO << 10,
        "Mi" => NANO << 20,
        "Gi" => NANO << 30,
        "Ti" => NANO << 40,
        "Pi" => NANO << 50,
        "Ei" => NANO << 60,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_upstream_reads_them() {
        const NANO: i128 = 1_000_000_000;
        for (text, value) in [
            ("1", Some(NANO)),
            ("500m", Some(NANO / 2)),
            ("0.5", Some(NANO / 2)),
            (".5", Some(NANO / 2)),
            ("1.", Some(NANO)),
            ("64Mi", Some(NANO * 64 * 1024 * 1024)),
            ("1e3", Some(NANO * 1000)),
            ("1E", Some(NANO * 1_000_000_000_000_000_000)),
            ("-1", Some(-NANO)),
            ("64 MB", None),
            ("", None),
            ("Mi", None),
            ("1.2.3", None),
        ] {
            assert_eq!(parse(text), value, "{text}");
        }
    }
}
