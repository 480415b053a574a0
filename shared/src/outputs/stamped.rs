//! The log of a container as the Kubernetes log API sends it with `timestamps=true`: `2026-01-01T00:00:01.123456789Z text`, line by line.
//!
//! Chunks of any size go in, lines come out as bytes. A line longer than [`MAX_LINE_BYTES`] is cut, so memory stays bounded.

use jiff::Timestamp;

pub use super::tail::Tail;

/// Longest text that comes out whole. Of a longer line this much and a few bytes come out, which tells it apart.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A line as held in memory: at most 35 characters of RFC 3339 with nanoseconds and offset, a space, the text, and one byte that is too much.
const MAX_HELD_BYTES: usize = 36 + MAX_LINE_BYTES + 1;

/// A line without its timestamp and its line feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// When it was written; absent where the line has no timestamp.
    pub at: Option<Timestamp>,
    /// The text, any bytes; longer than [`MAX_LINE_BYTES`] only when the rest was cut off.
    pub text: Vec<u8>,
}

/// Splits chunks of a log into lines.
#[derive(Debug, Default)]
pub struct StampedLines {
    held: Vec<u8>,
}

impl StampedLines {
    /// The lines that the next bytes complete.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Stamped> {
        let mut lines = Vec::new();
        let mut pieces = chunk.split(|byte| *byte == b'\n');
        let unfinished = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            self.hold(piece);
            lines.push(stamped(&self.held));
            self.held.clear();
        }
        self.hold(unfinished);
        lines
    }

    /// What came after the last line feed, if anything.
    pub fn finish(self) -> Option<Stamped> {
        (!self.held.is_empty()).then(|| stamped(&self.held))
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = MAX_HELD_BYTES.saturating_sub(self.held.len());
        self.held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

fn stamped(line: &[u8]) -> Stamped {
    let (at, text) = split(line);
    Stamped { at, text: text.to_vec() }
}

/// The timestamp and the text after it; no timestamp leaves the whole line.
fn split(line: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let (stamp, text) = line.split_at(end);
    // A year has four digits: no need to try the words of lines without timestamp.
    let at = if stamp.first().is_some_and(u8::is_ascii_digit) && stamp.len() <= 35 {
        std::str::from_utf8(stamp).ok().and_then(|stamp| stamp.parse::<Timestamp>().ok())
    } else {
        None
    };
    match at {
        Some(_) => (at, text.strip_prefix(b" ").unwrap_or(text)),
        None => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Line = (Option<String>, Vec<u8>);

    fn lines(chunks: &[&[u8]]) -> Vec<Line> {
        let mut reader = StampedLines::default();
        let mut found: Vec<Stamped> = chunks.iter().flat_map(|chunk| reader.push(chunk)).collect();
        found.extend(reader.finish());
        found.into_iter().map(|line| (line.at.map(|at| at.to_string()), line.text)).collect()
    }

    fn line(at: Option<&str>, text: &str) -> Line {
        (at.map(str::to_owned), text.as_bytes().to_vec())
    }

    #[test]
    fn lines_lose_their_timestamp_and_nothing_else() {
        for (log, expected) in [
            // K-LOG-01
            (
                "2026-09-15T10:00:00.123456789Z hello world\n",
                line(Some("2026-09-15T10:00:00.123456789Z"), "hello world"),
            ),
            // A-LOG-01: an empty line keeps its time
            ("2026-05-28T13:07:57.030578889Z \n", line(Some("2026-05-28T13:07:57.030578889Z"), "")),
            ("2026-05-28T13:07:57Z\n", line(Some("2026-05-28T13:07:57Z"), "")),
            ("2026-05-28T15:07:57+02:00 a  b\t", line(Some("2026-05-28T13:07:57Z"), "a  b\t")),
            ("2026-05-28T13:07:57Z  two\r\n", line(Some("2026-05-28T13:07:57Z"), " two\r")),
            ("no stamp here\n", line(None, "no stamp here")),
            ("2026 was a year\n", line(None, "2026 was a year")),
            ("\n", line(None, "")),
        ] {
            assert_eq!(lines(&[log.as_bytes()]), [expected], "{log:?}");
        }
    }

    #[test]
    fn a_line_without_timestamp_is_a_line_of_its_own() {
        // A-LOG-02, decided: the log API stamps every line, so nothing is joined.
        let found = lines(&[b"2020-10-08T14:16:17Z m1\ncont\n2020-10-08T14:16:18Z m2\n"]);
        assert_eq!(
            found.iter().map(|line| line.1.as_slice()).collect::<Vec<_>>(),
            [&b"m1"[..], b"cont", b"m2"]
        );
    }

    #[test]
    fn chunks_are_joined() {
        // A-LOG-05
        assert_eq!(lines(&[b"first_part", b"_second_part"]), [line(None, "first_part_second_part")]);
    }

    #[test]
    fn bytes_that_are_no_text_pass_through() {
        assert_eq!(lines(&[b"2026-01-01T00:00:01Z a\xffb\n"])[0].1, b"a\xffb");
    }

    #[test]
    fn nothing_is_no_line() {
        assert!(lines(&[]).is_empty());
        assert!(lines(&[b""]).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_line_is_whole() {
        for (length, whole) in
            [(MAX_LINE_BYTES, true), (MAX_LINE_BYTES + 1, false), (3 * MAX_LINE_BYTES, false)]
        {
            let mut log = b"2026-01-01T00:00:01.123456789Z ".to_vec();
            log.extend(vec![b'x'; length]);
            log.extend(b"\nshort\n");
            for size in [log.len(), 65_536] {
                let chunks: Vec<&[u8]> = log.chunks(size).collect();
                let found = lines(&chunks);
                assert_eq!(found.len(), 2);
                assert!(found[0].0.is_some());
                assert_eq!(found[0].1.len() <= MAX_LINE_BYTES, whole, "{length}");
                assert!(found[0].1.len() <= MAX_HELD_BYTES);
                assert_eq!(found[1].1, b"short");
            }
        }
    }

    proptest! {
        #[test]
        fn how_the_log_is_cut_into_chunks_changes_nothing(
            log in prop::collection::vec(prop::sample::select(&b"2Z \nab\xff"[..]), 0..60),
            size in 1_usize..9,
        ) {
            let chunks: Vec<&[u8]> = log.chunks(size).collect();
            prop_assert_eq!(lines(&chunks), lines(&[&log]));
        }
    }
}
