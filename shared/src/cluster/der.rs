//! Values of DER as far as they are looked through here. Lengths are never believed: a value is a slice of what is there, or there is none.

/// Tags.
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    /// The first byte of its tag.
    pub tag: u8,
    /// What it holds.
    pub content: &'a [u8],
}

impl<'a> Value<'a> {
    /// The first of several values, and what follows it.
    pub fn first(bytes: &'a [u8]) -> Option<(Value<'a>, &'a [u8])> {
        let (tag, mut rest) = bytes.split_first()?;
        // A tag of several bytes: all but the last have the highest bit.
        let mut goes_on = tag & 0x1f == 0x1f;
        while goes_on {
            let (part, after) = rest.split_first()?;
            (goes_on, rest) = (part & 0x80 != 0, after);
        }
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        Some((Value { tag: *tag, content }, rest))
    }

    /// All of several values.
    pub fn all(mut bytes: &'a [u8]) -> Option<Vec<Value<'a>>> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let (value, rest) = Value::first(bytes)?;
            values.push(value);
            bytes = rest;
        }
        Some(values)
    }

    /// The values in it, where it has this tag.
    pub fn within(&self, tag: u8) -> Option<Vec<Value<'a>>> {
        (self.tag == tag).then(|| Value::all(self.content)).flatten()
    }

    /// It is made of other values.
    pub fn is_made_of_others(&self) -> bool {
        self.tag & 0x20 != 0
    }

    /// The number that it is; one that is too large is the largest, and one below zero none at all.
    pub fn number(&self) -> Option<u64> {
        let digits = (self.tag == INTEGER).then_some(self.content)?;
        if digits.first()? & 0x80 != 0 {
            return Some(0);
        }
        let significant: Vec<u8> = digits.iter().copied().skip_while(|digit| *digit == 0).collect();
        if significant.len() > 8 {
            return Some(u64::MAX);
        }
        Some(significant.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    }
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        short @ 0..0x80 => Some((usize::from(*short), rest)),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            if digits.is_empty() || digits.len() > 4 {
                return None;
            }
            Some((digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_and_nothing_is_read_beyond_them() {
        let (value, rest) = Value::first(&[0x30, 0x03, 0x02, 0x01, 0x07, 0xaa]).unwrap();
        assert_eq!(rest, [0xaa]);
        assert!(value.is_made_of_others());
        assert_eq!(value.within(SEQUENCE).unwrap()[0].number(), Some(7));
        assert_eq!(value.within(OCTETS), None);
        let long_tag = Value::first(&[0xbf, 0x8f, 0x01, 0x01, 0x05]).unwrap().0;
        assert_eq!((long_tag.tag, long_tag.content), (0xbf, &[5][..]));
        for broken in
            [&[][..], &[0x30], &[0x30, 0x01], &[0x30, 0x80], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x3f, 0x80]]
        {
            assert_eq!(Value::first(broken), None, "{broken:x?}");
        }
        assert_eq!(Value::all(&[0x05, 0x00, 0x05]), None);
    }

    #[test]
    fn a_number_of_any_length_is_one_that_can_be_compared() {
        let number = |content| Value { tag: INTEGER, content }.number();
        assert_eq!(number(&[0x08, 0x00]), Some(2048));
        assert_eq!(number(&[0x00, 0xff]), Some(255));
        assert_eq!(number(&[0xff]), Some(0));
        assert_eq!(number(&[0x7f; 9]), Some(u64::MAX));
        assert_eq!(number(&[]), None);
    }
}
