//! Quantities as Kubernetes reads them: `500m`, `1`, `1.5Gi`, `1E`, `2e3`.

use std::cmp::Ordering;

/// What problems say is accepted.
pub const ACCEPTED: &str = "a quantity such as 500m, 1, 1.5, 128Mi, 2Gi or 1e3";

/// A quantity in an exact form: `digits` × 10^`ten` × 2^`two`, never negative.
/// Source of the grammar: `k8s.io/apimachinery/pkg/api/resource`.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    digits: u128,
    ten: i32,
    two: u32,
}

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// No number at the beginning.
    #[error("has no number")]
    NoNumber,
    /// Unknown letters after the number.
    #[error("has the unknown unit `{0}`")]
    Unit(String),
    /// A resource cannot be less than nothing.
    #[error("is negative")]
    Negative,
    /// More than 2^63 - 1, or more than 30 digits.
    #[error("is too large")]
    TooLarge,
}

impl Quantity {
    /// Read a quantity.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text; [`ACCEPTED`] says what would be right.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.starts_with('-') {
            return Err(QuantityError::Negative);
        }
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        let end =
            unsigned.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(unsigned.len());
        let (number, unit) = unsigned.split_at_checked(end).ok_or(QuantityError::NoNumber)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(QuantityError::NoNumber);
        }
        let figures = format!("{whole}{}", fraction.trim_end_matches('0'));
        let figures = figures.trim_start_matches('0');
        if figures.len() > 30 {
            return Err(QuantityError::TooLarge);
        }
        let digits =
            if figures.is_empty() { 0 } else { figures.parse().map_err(|_| QuantityError::TooLarge)? };
        let (ten, two) = scale(unit).ok_or_else(|| QuantityError::Unit(unit.to_owned()))?;
        let decimals =
            i32::try_from(fraction.trim_end_matches('0').len()).map_err(|_| QuantityError::TooLarge)?;
        let quantity = Quantity { digits, ten: ten - decimals, two };
        let most = Quantity { digits: i64::MAX as u128, ten: 0, two: 0 };
        if quantity > most { Err(QuantityError::TooLarge) } else { Ok(quantity) }
    }

    /// As a whole number, rounded up; a quantity that can be read is at most 2^63 - 1.
    pub fn whole(&self) -> u64 {
        let ten = |power: i32| 10_u128.saturating_pow(power.unsigned_abs());
        let twos = self.digits.saturating_mul(1 << self.two);
        let whole =
            if self.ten < 0 { twos.div_ceil(ten(self.ten)) } else { twos.saturating_mul(ten(self.ten)) };
        u64::try_from(whole).unwrap_or(u64::MAX)
    }
}

impl PartialEq for Quantity {
    /// The same amount, however it is written: `500m` is `0.5`.
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    /// Exact up to about 17 significant digits, enough to say that a request is above its limit.
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |quantity: &Quantity| {
            quantity.digits as f64 * 10_f64.powi(quantity.ten) * 2_f64.powi(quantity.two as i32)
        };
        size(self).total_cmp(&size(other))
    }
}

/// Powers of ten and of two of a unit.
fn scale(unit: &str) -> Option<(i32, u32)> {
    let decimal = |ten| Some((ten, 0));
    let binary = |two| Some((0, two));
    match unit {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        exponent => {
            let ten: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            (-18..=18).contains(&ten).then_some((ten, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_unit() {
        for text in [
            "0", "1", "500m", "1.5", ".5", "5.", "128Mi", "2Gi", "1E", "1Ei", "1e3", "1E3", "1e-3", "+1",
            "100n", "10u", "7k", "0.1Gi",
        ] {
            assert!(Quantity::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_the_api_server_refuses() {
        for (text, error) in [
            ("", QuantityError::NoNumber),
            ("Mi", QuantityError::NoNumber),
            ("1.2.3", QuantityError::NoNumber),
            ("128MB", QuantityError::Unit("MB".to_owned())),
            ("1 Gi", QuantityError::Unit(" Gi".to_owned())),
            ("1K", QuantityError::Unit("K".to_owned())),
            ("1mi", QuantityError::Unit("mi".to_owned())),
            ("-1", QuantityError::Negative),
            ("9E3x", QuantityError::Unit("E3x".to_owned())),
            ("99E", QuantityError::TooLarge),
            ("1000000000000000000000000000000000", QuantityError::TooLarge),
        ] {
            assert_eq!(Quantity::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn compares_across_units() {
        for (less, more) in
            [("500m", "1"), ("1000Ki", "1Mi"), ("1M", "1Mi"), ("999m", "1"), ("1e3", "1001"), ("0", "1n")]
        {
            assert!(Quantity::parse(less).unwrap() < Quantity::parse(more).unwrap(), "{less} < {more}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "\\PC{0,24}") {
            let _ = Quantity::parse(&text);
        }

        #[test]
        fn a_thousand_of_a_thousandth_is_one(amount in 0_u32..1_000_000) {
            let small = Quantity::parse(&format!("{amount}000m")).unwrap();
            let plain = Quantity::parse(&amount.to_string()).unwrap();
            proptest::prop_assert_eq!(small, plain);
        }
    }
}
