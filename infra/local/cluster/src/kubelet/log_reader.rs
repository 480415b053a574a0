//! Reading a log with the options of `pods/log`.

use super::log::{Log, Progress};
use crate::node::LogOptions;
use bytes::Bytes;
use jiff::Timestamp;
use std::io::{self, SeekFrom};
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

/// Entries are handed on in pieces of about that size.
const PIECE: usize = 64 * 1024;
/// Bytes of an entry before its text: 30 of the time, a blank, the flag, a blank.
const PREFIX: usize = 33;

/// One entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its time as written.
    pub time: &'a str,
    /// Whether the line ends with it.
    pub is_full: bool,
    /// The text without a line feed.
    pub text: &'a [u8],
}

/// Split a log into its entries; the second part is the beginning of an entry that is not complete.
pub fn entries(log: &[u8]) -> (Vec<Entry<'_>>, &[u8]) {
    let mut entries = Vec::new();
    let mut rest = log;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (entry, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        if let Some((prefix, text)) = entry.split_at_checked(PREFIX) {
            let time = prefix.get(..30).and_then(|time| std::str::from_utf8(time).ok()).unwrap_or_default();
            entries.push(Entry { time, is_full: prefix.get(31) == Some(&b'F'), text });
        }
    }
    (entries, rest)
}

/// Send what the options ask for until the end, the limit, or until nobody listens.
pub async fn read(log: Arc<Log>, options: LogOptions, sender: mpsc::Sender<Bytes>) -> io::Result<()> {
    let mut watch = log.watch();
    let (mut seen, mut file) = loop {
        let seen = *watch.borrow_and_update();
        match File::open(log.file(seen.generation)).await {
            Ok(file) => break (seen, file),
            // Rotated just now.
            Err(_) if watch.borrow().generation != seen.generation => {}
            Err(error) => return Err(error),
        }
    };
    let mut content = vec![0; usize::try_from(seen.length).unwrap_or_default()];
    file.read_exact(&mut content).await?;
    let mut writer = Writer {
        options: &options,
        left: options.limit_bytes,
        is_line_start: true,
        piece: Vec::new(),
        sender: &sender,
    };
    let (all, _) = entries(&content);
    let from = all.len() - tail(&all, options.tail_lines);
    if !writer.send(all.get(from..).unwrap_or_default()).await {
        return Ok(());
    }
    let mut position = seen.length;
    drop(content);
    if !options.follow {
        return Ok(());
    }
    loop {
        let now = *watch.borrow_and_update();
        if now != seen || now.length > position {
            let pieces = catch_up(&log, &mut file, &mut position, seen, now).await?;
            seen = now;
            let (new, _) = entries(&pieces);
            if !writer.send(&new).await {
                return Ok(());
            }
            continue;
        }
        if now.is_closed {
            break;
        }
        tokio::select! {
            changed = watch.changed() => if changed.is_err() { break },
            () = sender.closed() => break,
        }
    }
    Ok(())
}

/// Read what was written since; a rotation drops what was not read in time.
async fn catch_up(
    log: &Log,
    file: &mut File,
    position: &mut u64,
    seen: Progress,
    now: Progress,
) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if now.generation != seen.generation {
        // The file before is still open, and complete.
        file.seek(SeekFrom::Start(*position)).await?;
        file.read_to_end(&mut content).await?;
        *file = File::open(log.file(now.generation)).await?;
        *position = 0;
    }
    let start = content.len();
    content.resize(start + usize::try_from(now.length.saturating_sub(*position)).unwrap_or_default(), 0);
    file.read_exact(content.get_mut(start..).unwrap_or_default()).await?;
    *position = now.length;
    Ok(content)
}

/// The end of a log for a termination message: at most 80 lines and 2048 bytes (the kubelet's limits).
pub async fn last_words(log: &Log) -> Vec<u8> {
    const LINES: u64 = 80;
    const BYTES: usize = 2048;
    let progress = *log.watch().borrow();
    let content = tokio::fs::read(log.file(progress.generation)).await.unwrap_or_default();
    let (all, _) = entries(&content);
    let from = all.len() - tail(&all, Some(LINES));
    let mut words = Vec::new();
    for entry in all.get(from..).unwrap_or_default() {
        words.extend_from_slice(entry.text);
        if entry.is_full {
            words.push(b'\n');
        }
    }
    words.split_off(words.len().saturating_sub(BYTES))
}

/// How many entries make up the last `lines` lines.
fn tail(entries: &[Entry], lines: Option<u64>) -> usize {
    let Some(lines) = lines.and_then(|lines| usize::try_from(lines).ok()) else { return entries.len() };
    let mut ends = 0;
    for (count, entry) in entries.iter().rev().enumerate() {
        // A line ends here, with a line feed or because the log does.
        if entry.is_full || count == 0 {
            if ends == lines {
                return count;
            }
            ends += 1;
        }
    }
    entries.len()
}

struct Writer<'a> {
    options: &'a LogOptions,
    left: Option<u64>,
    is_line_start: bool,
    piece: Vec<u8>,
    sender: &'a mpsc::Sender<Bytes>,
}

impl Writer<'_> {
    /// Whether more is wanted.
    async fn send(&mut self, entries: &[Entry<'_>]) -> bool {
        for entry in entries {
            let is_line_start = std::mem::replace(&mut self.is_line_start, entry.is_full);
            let since = self.options.since;
            if since.is_some_and(|since| entry.time.parse::<Timestamp>().is_ok_and(|time| time < since)) {
                continue;
            }
            if self.options.timestamps && is_line_start {
                self.piece.extend_from_slice(entry.time.as_bytes());
                self.piece.push(b' ');
            }
            self.piece.extend_from_slice(entry.text);
            if entry.is_full {
                self.piece.push(b'\n');
            }
            if self.piece.len() >= PIECE && !self.flush().await {
                return false;
            }
        }
        self.flush().await
    }

    async fn flush(&mut self) -> bool {
        let mut piece = std::mem::take(&mut self.piece);
        if let Some(left) = &mut self.left {
            piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= piece.len() as u64;
        }
        let is_open = piece.is_empty() || self.sender.send(piece.into()).await.is_ok();
        is_open && self.left != Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_long_line_count_as_one_line() {
        let time = "2026-11-21T02:28:45.440128418Z";
        let log =
            format!("{time} F one\n{time} P two\n{time} P two\n{time} F two\n{time} P three\n{time} F cut");
        let (all, rest) = entries(log.as_bytes());
        assert_eq!(all.len(), 5);
        assert_eq!(rest, format!("{time} F cut").as_bytes());
        assert_eq!([0, 1, 2, 3, 4].map(|lines| tail(&all, Some(lines))), [0, 1, 4, 5, 5]);
    }
}
