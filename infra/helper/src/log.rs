//! The program's log, uploaded in parts while it runs. A store that is slow or gone never holds the program up: what finds no room is left to the
//! cluster's own log, and the end says that parts are missing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use shared::outputs::direct;
use tokio::sync::Notify;

use crate::failure::{chain, say};
use crate::form::{Content, Poster};

/// A part is uploaded when it has so many bytes …
const PART_BYTES: usize = 4 * 1024 * 1024;

/// … or when its first line is so old.
const PART_AGE: Duration = Duration::from_secs(5);

/// The first parts come sooner: whoever has just started a task looks.
const FIRST_AGE: Duration = Duration::from_secs(1);

/// How many parts are among the first.
const FIRST_PARTS: u32 = 5;

/// Most that waits for its upload.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;

/// Lines on their way to the bucket.
#[derive(Default)]
pub struct Log {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Something had to be left out.
    is_cut: bool,
    is_closed: bool,
}

impl Log {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whole lines; never waits.
    pub fn push(&self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.bytes.len().saturating_add(lines.len()) > MAX_WAITING_BYTES {
            waiting.is_cut = true;
            return;
        }
        let wakes = waiting.bytes.is_empty() || waiting.bytes.len() + lines.len() >= PART_BYTES;
        waiting.bytes.extend_from_slice(lines);
        drop(waiting);
        if wakes {
            self.filled.notify_one();
        }
    }

    /// Nothing more will come.
    pub fn close(&self) {
        self.waiting().is_closed = true;
        self.filled.notify_one();
    }

    /// Upload until the log is closed and empty; the number of parts if they hold all of it.
    pub async fn upload(&self, poster: &Poster<'_>, container: &str) -> Option<u32> {
        let mut parts = 0;
        while self.has_more().await {
            let age = if parts < FIRST_PARTS { FIRST_AGE } else { PART_AGE };
            // Full or closed, whichever comes first; the beginning of a part has been seen.
            let ripe = async {
                while !self.is_ripe() {
                    self.filled.notified().await;
                }
            };
            let _ = tokio::time::timeout(age, ripe).await;
            let bytes = Bytes::from(std::mem::take(&mut self.waiting().bytes));
            let key = direct::log_part(container, parts + 1);
            if let Err(error) = poster.post(&poster.grants.logs, &key, &[], Content::Bytes(bytes)).await {
                say(&format!("a part of the log cannot be uploaded: {}", chain(&error)));
                self.waiting().is_cut = true;
                return None;
            }
            parts += 1;
        }
        (!self.waiting().is_cut).then_some(parts)
    }

    /// There is something to upload; false once there will be nothing any more.
    async fn has_more(&self) -> bool {
        loop {
            {
                let waiting = self.waiting();
                if !waiting.bytes.is_empty() {
                    return true;
                }
                if waiting.is_closed {
                    return false;
                }
            }
            self.filled.notified().await;
        }
    }

    fn is_ripe(&self) -> bool {
        let waiting = self.waiting();
        waiting.is_closed || waiting.bytes.len() >= PART_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_left_out_and_said() {
        let log = Log::default();
        log.push(&vec![b'x'; MAX_WAITING_BYTES]);
        assert!(!log.waiting().is_cut);
        log.push(b"y\n");
        assert!(log.waiting().is_cut && log.waiting().bytes.len() == MAX_WAITING_BYTES);
    }
}
