//! How often a fault strikes: counted, and by a die that the seed has thrown in advance.

use super::reader::Reader;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Which of the matches a fault strikes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rhythm {
    skip: u64,
    every: u64,
    count: Option<u64>,
    probability: f64,
}

impl Rhythm {
    /// Read `when`; without it every match is struck.
    pub fn read(reader: &mut Reader) -> Rhythm {
        let rhythm = Rhythm {
            skip: reader.take("skip").unwrap_or(0),
            every: reader.take("every").unwrap_or(1),
            count: reader.take("count"),
            probability: reader.take("probability").unwrap_or(1.0),
        };
        if rhythm.every == 0 {
            reader.complain("every", "`0` would be never; from 1".into());
        }
        if !(0.0..=1.0).contains(&rhythm.probability) {
            reader.complain("probability", format!("`{}` is not between 0 and 1", rhythm.probability));
        }
        rhythm
    }

    /// Whether the match of this number (from 1) is struck, after that many strikes.
    fn strikes(&self, number: u64, struck: u64, dice: f64) -> bool {
        let beat = number.saturating_sub(self.skip);
        number > self.skip
            && beat.saturating_sub(1).checked_rem(self.every) == Some(0)
            && self.count.is_none_or(|count| struck < count)
            && dice < self.probability
    }
}

/// What a fault has seen and done since its plan is in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Requests, or pods, that it was about.
    pub matched: u64,
    /// How many of them it struck.
    pub struck: u64,
    /// By uid: whether a pod was struck, and how often that was asked. A pod is judged once.
    pods: HashMap<String, (bool, u64)>,
}

/// How a pod stands to a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The fault strikes it.
    pub strikes: bool,
    /// How often this was asked, from 1.
    pub asked: u64,
}

impl Tally {
    /// One more match; whether it is struck.
    pub fn count(&mut self, rhythm: &Rhythm, seed: u64, place: u64) -> bool {
        self.matched += 1;
        let strikes = rhythm.strikes(self.matched, self.struck, dice(seed, place, self.matched));
        self.struck += u64::from(strikes);
        strikes
    }

    /// What happens to a pod, the same each time.
    pub fn judge(&mut self, uid: &str, rhythm: &Rhythm, seed: u64, place: u64) -> Verdict {
        let strikes = match self.pods.get(uid) {
            Some((strikes, _)) => *strikes,
            None => self.count(rhythm, seed, place),
        };
        let entry = self.pods.entry(uid.to_owned()).or_insert((strikes, 0));
        entry.1 += 1;
        Verdict { strikes, asked: entry.1 }
    }
}

/// A number from 0 to below 1 that is always the same for a seed, the place of a fault in its plan and a match: the
/// first 53 bits of SHA-256, which is what a `f64` holds.
fn dice(seed: u64, place: u64, number: u64) -> f64 {
    let mut hash = Sha256::new();
    for part in [seed, place, number] {
        hash.update(part.to_be_bytes());
    }
    let bits = hash.finalize().iter().take(8).fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn strikes(when: Value, seed: u64) -> Vec<u64> {
        let rhythm = Rhythm::read(&mut Reader::open(Some(when), ""));
        let mut tally = Tally::default();
        (1..=100).filter(|_| tally.count(&rhythm, seed, 0)).collect()
    }

    #[test]
    fn a_rhythm_is_counted_from_the_first_match() {
        assert_eq!(strikes(json!({}), 1).len(), 100);
        assert_eq!(strikes(json!({"count": 3}), 1), [1, 2, 3]);
        assert_eq!(strikes(json!({"skip": 2, "count": 2}), 1), [3, 4]);
        assert_eq!(strikes(json!({"every": 40}), 1), [1, 41, 81]);
        assert_eq!(strikes(json!({"skip": 1, "every": 40, "count": 2}), 1), [2, 42]);
        assert_eq!(strikes(json!({"probability": 0}), 1), [0u64; 0]);
    }

    #[test]
    fn chance_is_decided_by_the_seed() {
        let half = |seed| strikes(json!({"probability": 0.5}), seed);
        assert_eq!(half(7), half(7));
        assert_ne!(half(7), half(8));
        assert!((30..=70).contains(&half(7).len()), "{:?}", half(7));
    }

    #[test]
    fn a_pod_is_judged_once() {
        let rhythm = Rhythm::read(&mut Reader::open(Some(json!({"count": 1})), ""));
        let mut tally = Tally::default();
        let mut judge = |uid: &str| {
            let verdict = tally.judge(uid, &rhythm, 1, 0);
            (verdict.strikes, verdict.asked)
        };
        assert_eq!(
            [judge("a"), judge("b"), judge("a"), judge("b")],
            [(true, 1), (false, 1), (true, 2), (false, 2)]
        );
        assert_eq!((tally.matched, tally.struck), (2, 1));
    }
}
