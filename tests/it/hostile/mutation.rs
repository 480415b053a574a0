//! Small changes to bytes, the same ones each time.

/// A source of numbers that begins at a seed (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
pub struct Dice(u64);

impl Dice {
    /// From this seed.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }
}

/// What parsers stumble over.
const WORDS: [&[u8]; 24] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x80",
    b"\xc3",
    b"-",
    b"-1",
    b"0",
    b"9999999999999999999999",
    b"1e999",
    b"..",
    b"/",
    b"{{",
    b"}}",
    b"{%",
    b"\n",
    b"\"",
    b"'",
    b"[",
    b"{",
    b"&a ",
    b"*a",
    b"null",
    b"\xe2\x80\xae",
];

/// The bytes with one to four changes; some come from another input.
pub fn mutated(dice: &mut Dice, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + 1 + dice.below(16)).min(bytes.len());
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = u8::try_from(dice.below(256)).unwrap_or(0),
            2 => drop(bytes.drain(at..end.max(at))),
            3 => bytes.truncate(at),
            4 => {
                let piece = bytes[at..end.max(at)].repeat(1 + dice.below(8));
                drop(bytes.splice(at..at, piece));
            }
            5 if !other.is_empty() => {
                let from = dice.below(other.len());
                let to = (from + 1 + dice.below(64)).min(other.len());
                drop(bytes.splice(at..at, other[from..to].to_vec()));
            }
            _ => drop(bytes.splice(at..at, WORDS[dice.below(WORDS.len())].to_vec())),
        }
    }
    bytes
}
