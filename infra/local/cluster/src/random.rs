//! Randomness for identifiers and tokens, from the TLS provider's generator.

use rustls::crypto::ring::default_provider;

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    let mut filled = default_provider().secure_random.fill(&mut buffer);
    while filled.is_err() {
        // The generator of the operating system may say "not yet" early in a boot only.
        std::thread::yield_now();
        filled = default_provider().secure_random.fill(&mut buffer);
    }
    buffer
}

/// A version 4 UUID in its usual form.
pub fn uuid() -> String {
    let number = u128::from_be_bytes(bytes::<16>());
    let number = number & !(0xf << 76) | (4 << 76);
    let number = number & !(0x3 << 62) | (2 << 62);
    let hex = format!("{number:032x}");
    let mut parts = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            parts.push('-');
        }
        parts.push(digit);
    }
    parts
}

/// Lower-case hexadecimal digits, two per byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The suffix that upstream appends to `generateName`: characters without vowels and look-alikes.
pub fn suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    bytes::<5>()
        .iter()
        .map(|byte| char::from(LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or(b'x')))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_that_it_is_random() {
        let uuid = uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.chars().nth(14), Some('4'));
        assert!(uuid.chars().nth(19).is_some_and(|digit| "89ab".contains(digit)));
    }
}
