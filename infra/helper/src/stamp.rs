//! Lines of a program's output, each with the time when it was seen: the form in which the cluster's log API tells them.

use jiff::Timestamp;

/// A longer line is told as several.
pub const MAX_LINE_BYTES: usize = 256 * 1024;

/// Chunks in, whole stamped lines out.
#[derive(Debug, Default)]
pub struct Stamper {
    held: Vec<u8>,
}

impl Stamper {
    /// The lines that these bytes complete.
    pub fn push(&mut self, mut chunk: &[u8], now: Timestamp) -> Vec<u8> {
        let mut lines = Vec::new();
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = chunk.split_at_checked(end).unwrap_or((chunk, &[]));
            self.held.extend_from_slice(line);
            self.tell(now, &mut lines);
            chunk = rest.get(1..).unwrap_or_default();
        }
        self.held.extend_from_slice(chunk);
        if self.held.len() >= MAX_LINE_BYTES {
            self.tell(now, &mut lines);
        }
        lines
    }

    /// What came after the last line feed, if anything.
    pub fn finish(mut self, now: Timestamp) -> Vec<u8> {
        let mut lines = Vec::new();
        if !self.held.is_empty() {
            self.tell(now, &mut lines);
        }
        lines
    }

    fn tell(&mut self, now: Timestamp, lines: &mut Vec<u8>) {
        lines.extend_from_slice(format!("{now:.9} ").as_bytes());
        lines.append(&mut self.held);
        lines.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use shared::outputs::stamped::StampedLines;

    use super::*;

    #[test]
    fn what_is_told_is_read_back_as_a_log_of_the_cluster_is() {
        let at: Timestamp = "2026-11-21T03:00:00.5Z".parse().unwrap();
        let mut stamper = Stamper::default();
        let mut told = stamper.push(b"one\ntw", at);
        assert_eq!(told, b"2026-11-21T03:00:00.500000000Z one\n");
        told.extend(stamper.push(b"o\n\n\xff", at));
        told.extend(stamper.finish(at));
        let lines = StampedLines::default().push(&told);
        assert!(lines.iter().all(|line| line.at == Some(at)));
        let texts: Vec<&[u8]> = lines.iter().map(|line| line.text.as_slice()).collect();
        assert_eq!(texts, [&b"one"[..], b"two", b"", b"\xff"]);
    }

    #[test]
    fn an_endless_line_is_told_in_pieces() {
        let mut stamper = Stamper::default();
        let told = stamper.push(&vec![b'x'; MAX_LINE_BYTES], Timestamp::UNIX_EPOCH);
        assert!(told.ends_with(b"x\n") && stamper.held.is_empty());
    }
}
