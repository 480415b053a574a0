//! Kubernetes quantities, as far as a kubelet needs their value.

/// The value of a quantity such as `5Mi`, `500m` or `1e3`, in thousandths.
pub fn thousandths(quantity: &str) -> Option<u128> {
    const SUFFIXES: [(&str, u128); 13] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("Ei", 1 << 60),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("E", 1_000_000_000_000_000_000),
        ("", 1),
    ];
    if let Some(number) = quantity.strip_suffix('m') {
        return number.parse().ok();
    }
    if let Some((number, exponent)) =
        quantity.split_once(['e', 'E']).filter(|(_, exponent)| !exponent.is_empty())
    {
        return decimal(number)?.checked_mul(10_u128.checked_pow(exponent.parse().ok()?)?);
    }
    let (number, factor) =
        SUFFIXES.iter().find_map(|(suffix, factor)| Some((quantity.strip_suffix(suffix)?, *factor)))?;
    decimal(number)?.checked_mul(factor)
}

/// The value in whole units, rounded up.
pub fn units(quantity: &str) -> Option<u64> {
    u64::try_from(thousandths(quantity)?.div_ceil(1_000)).ok()
}

/// A decimal number in thousandths.
fn decimal(number: &str) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    whole.checked_mul(1_000)?.checked_add(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_the_value_that_kubernetes_gives_them() {
        for (quantity, value) in
            [("5Mi", 5 << 20), ("64M", 64_000_000), ("1500m", 2), ("1.5Gi", 3 << 29), ("2e3", 2000), ("7", 7)]
        {
            assert_eq!(units(quantity), Some(value), "{quantity}");
        }
        assert_eq!(units("many"), None);
    }
}
