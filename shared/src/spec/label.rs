//! Label values made legal without collisions.

use sha2::{Digest, Sha256};

use super::name::is_label_value;

/// The value itself when it is legal. Else its legal characters, at most 53 of them, then `-` and 9 hex digits of the SHA-256 of the whole, so that two
/// different values never become the same label.
pub fn legal_value(value: &str) -> String {
    const MOST: usize = 53;
    if is_label_value(value) {
        return value.to_owned();
    }
    let legal =
        value.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
    let kept: String = legal.collect();
    let trimmed = kept.trim_start_matches(is_edge).chars().take(MOST).collect::<String>();
    let readable = trimmed.trim_end_matches(is_edge);
    let hash = hex(&Sha256::digest(value.as_bytes()), 9);
    if readable.is_empty() { hash } else { format!("{readable}-{hash}") }
}

fn is_edge(letter: char) -> bool {
    matches!(letter, '-' | '_' | '.')
}

/// The first `digits` lower-case hex digits of some bytes.
pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_values_stay_and_others_get_a_hash() {
        for (id, value, expected) in [
            ("A-LABEL-05", "", ""),
            ("legal", "Team_A.1", "Team_A.1"),
            ("A-LABEL-01", "dag*", "dag-b6f5fd5a3"),
            (
                "A-LABEL-02",
                "scheduled__2024-01-01T00:00:00+00:00",
                "scheduled__2024-01-01T0000000000-b2a4e5c2b",
            ),
            ("A-LABEL-04", "---", "cb3f91d54"),
        ] {
            let legal = legal_value(value);
            assert_eq!(legal.len(), expected.len(), "{id}: {legal}");
            assert_eq!(
                legal.rsplit_once('-').map(|(head, _)| head),
                expected.rsplit_once('-').map(|(head, _)| head),
                "{id}: {legal}"
            );
        }
        assert_eq!(legal_value(&"x".repeat(64)).len(), 63);
        assert_ne!(legal_value("a b"), legal_value("ab"));
        assert_ne!(legal_value("a b"), legal_value("a  b"));
    }

    proptest::proptest! {
        #[test]
        fn every_value_becomes_legal(value in "\\PC{0,80}") {
            let legal = legal_value(&value);
            proptest::prop_assert!(is_label_value(&legal), "{}", legal);
            proptest::prop_assert_eq!(legal_value(&legal), legal);
        }
    }
}
