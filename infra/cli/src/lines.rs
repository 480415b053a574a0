//! Stored lines on their way to the screen, with their times or without.

use shared::outputs::stamped::{Stamped, StampedLines};

use crate::screen::Screen;

/// Takes the bytes of a log as it is stored.
pub struct Lines {
    stamped: StampedLines,
    timestamps: bool,
    /// Lines at the beginning that are not told.
    skip: usize,
}

impl Lines {
    /// Nothing is told yet.
    pub fn new(timestamps: bool) -> Self {
        Lines { stamped: StampedLines::default(), timestamps, skip: 0 }
    }

    /// The same, for a log of which so many lines were told before.
    pub fn after(self, told: usize) -> Self {
        Lines { skip: told, ..self }
    }

    /// Tell the next bytes.
    pub fn write(&mut self, bytes: &[u8], screen: Screen) {
        let bytes = self.untold(bytes);
        match self.timestamps {
            true => screen.write_bytes(bytes),
            false => self.stamped.push(bytes).iter().for_each(|line| write(line, screen)),
        }
    }

    /// Tell a last line without a line feed.
    pub fn finish(self, screen: Screen) {
        self.stamped.finish().iter().for_each(|line| write(line, screen));
    }

    fn untold<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        while self.skip > 0 && !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            self.skip -= usize::from(end.is_some());
            let told = end.map_or(bytes.len(), |end| end + 1);
            bytes = bytes.get(told..).unwrap_or_default();
        }
        bytes
    }
}

fn write(line: &Stamped, screen: Screen) {
    screen.write_bytes(&[line.text.as_slice(), b"\n"].concat());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_were_told_are_left_out_wherever_the_bytes_are_cut() {
        let log = b"one\n\nthree\nfour\nfive";
        for (told, rest) in
            [(0, &b"one\n\nthree\nfour\nfive"[..]), (2, b"three\nfour\nfive"), (4, b"five"), (9, b"")]
        {
            for size in 1..=log.len() {
                let mut lines = Lines::new(false).after(told);
                let bytes: Vec<u8> =
                    log.chunks(size).flat_map(|bytes| lines.untold(bytes)).copied().collect();
                assert_eq!(bytes, rest, "{told} told, {size} bytes at once");
            }
        }
    }
}
