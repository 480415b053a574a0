//! Logs that are made line by line when they are read.

use super::script::LogText;
use crate::clock;
use crate::node::{ContainerRef, LogOptions};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

/// Lines are handed on in pieces of about that size.
const PIECE: usize = 64 * 1024;

/// Send what the options ask for, until the end, the limit, or until nobody listens; whether somebody still does.
pub(super) async fn write(
    text: &LogText,
    container: &ContainerRef,
    started_at: Timestamp,
    options: &LogOptions,
    sender: &mpsc::Sender<Bytes>,
) -> bool {
    let further: Vec<&str> = text.text.lines().collect();
    let total = text.lines + further.len() as u64;
    let first = options.tail_lines.map_or(0, |lines| total.saturating_sub(lines));
    let mut left = options.limit_bytes;
    let mut piece = Vec::new();
    for number in first..total {
        // Each line is a microsecond younger than the one before.
        let time = started_at + SignedDuration::from_micros(i64::try_from(number).unwrap_or(i64::MAX));
        if options.since.is_some_and(|since| time < since) {
            continue;
        }
        if options.timestamps {
            piece.extend_from_slice(clock::nanos(time).as_bytes());
            piece.push(b' ');
        }
        match usize::try_from(number - text.lines.min(number)).ok().and_then(|index| further.get(index)) {
            Some(line) if number >= text.lines => piece.extend_from_slice(line.as_bytes()),
            _ => numbered(&mut piece, number, text.line_bytes, container),
        }
        piece.push(b'\n');
        if piece.len() >= PIECE && !flush(&mut piece, &mut left, sender).await {
            return false;
        }
    }
    flush(&mut piece, &mut left, sender).await
}

fn numbered(piece: &mut Vec<u8>, number: u64, bytes: u64, container: &ContainerRef) {
    let begin = piece.len();
    piece
        .extend_from_slice(format!("line {number} of {}/{} ", container.pod, container.container).as_bytes());
    let length = usize::try_from(bytes.saturating_sub(1)).unwrap_or_default();
    piece.resize(begin + length.max(format!("line {number}").len()), b'.');
}

async fn flush(piece: &mut Vec<u8>, left: &mut Option<u64>, sender: &mpsc::Sender<Bytes>) -> bool {
    let mut piece = std::mem::take(piece);
    if let Some(left) = left {
        piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= piece.len() as u64;
    }
    let is_open = piece.is_empty() || sender.send(piece.into()).await.is_ok();
    is_open && *left != Some(0)
}
