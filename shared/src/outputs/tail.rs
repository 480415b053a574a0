//! The end of a log, for the result.

use std::collections::VecDeque;

/// How much of the deciding container's log a result carries.
pub const MAX_TAIL_BYTES: usize = 64 * 1024;

/// Keeps the last lines that fit into [`MAX_TAIL_BYTES`], line feeds included.
#[derive(Debug)]
pub struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    max_bytes: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Tail::new(MAX_TAIL_BYTES)
    }
}

impl Tail {
    fn new(max_bytes: usize) -> Self {
        Tail { lines: VecDeque::new(), bytes: 0, max_bytes }
    }

    /// The next line, without its line feed; what is not UTF-8 becomes U+FFFD. One that is longer than the whole tail keeps its end.
    pub fn push(&mut self, line: impl AsRef<[u8]>) {
        let line = String::from_utf8_lossy(line.as_ref());
        let room = self.max_bytes.saturating_sub(1);
        let mut from = line.len().saturating_sub(room);
        while !line.is_char_boundary(from) {
            from += 1;
        }
        if from > 0 {
            // Nothing before a line that was cut can follow on.
            self.lines.clear();
            self.bytes = 0;
        }
        let kept = line.get(from..).unwrap_or_default();
        self.bytes += kept.len() + 1;
        self.lines.push_back(kept.to_owned());
        while self.bytes > self.max_bytes {
            let Some(first) = self.lines.pop_front() else { break };
            self.bytes -= first.len() + 1;
        }
    }

    /// The lines, each with its line feed; it begins at the beginning of a line unless a single line was longer than the tail.
    pub fn into_text(self) -> String {
        let mut text = String::with_capacity(self.bytes);
        for line in self.lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tail(max_bytes: usize, lines: &[&str]) -> String {
        let mut tail = Tail::new(max_bytes);
        lines.iter().for_each(|line| tail.push(line.as_bytes()));
        tail.into_text()
    }

    #[test]
    fn the_last_whole_lines_are_kept() {
        for (max_bytes, lines, expected) in [
            (100, vec!["a", "b"], "a\nb\n"),
            (4, vec!["a", "b"], "a\nb\n"),
            (3, vec!["a", "b"], "b\n"),
            (5, vec!["first", "xyz"], "xyz\n"),
            (5, vec!["too long for it"], "r it\n"),
            (5, vec!["ééé"], "éé\n"),
            (4, vec!["ééé"], "é\n"),
            (0, vec!["a"], ""),
            (10, vec![], ""),
        ] {
            assert_eq!(tail(max_bytes, &lines), expected, "{max_bytes} {lines:?}");
        }
    }

    proptest! {
        #[test]
        fn a_tail_is_an_end_of_the_log_and_fits(max_bytes in 1_usize..40, lines in prop::collection::vec("[aé]{0,12}", 0..12)) {
            let log: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let text = tail(max_bytes, &lines.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert!(text.len() <= max_bytes);
            prop_assert!(log.ends_with(&text));
        }
    }
}
