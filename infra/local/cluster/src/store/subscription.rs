//! Following every change, at one's own pace: the history is read, nothing is queued for those who are slow.

use super::{Change, Record, Store};
use std::collections::VecDeque;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;

/// Changes that are taken from the history at once.
const BATCH: usize = 256;

/// Every change from a moment on.
pub struct Subscription {
    store: Store,
    versions: watch::Receiver<u64>,
    position: u64,
    taken: VecDeque<Record>,
}

impl Subscription {
    pub(super) fn new(store: Store) -> Subscription {
        let versions = store.versions();
        let position = store.version();
        Subscription { store, versions, position, taken: VecDeque::new() }
    }

    /// The next change, when there is one.
    ///
    /// # Errors
    ///
    /// `Lagged` when changes have been forgotten that were not read: list again; the next change is one after now.
    pub async fn recv(&mut self) -> Result<Change, RecvError> {
        self.record().await.map(Change::from)
    }

    /// The next change, if there is one now.
    ///
    /// # Errors
    ///
    /// `Empty` when there is none, and as [`Subscription::recv`].
    pub fn try_recv(&mut self) -> Result<Change, TryRecvError> {
        self.try_record().map(Change::from)
    }

    /// [`Subscription::recv`] without parsing the object.
    pub(crate) async fn record(&mut self) -> Result<Record, RecvError> {
        loop {
            match self.try_record() {
                Ok(record) => return Ok(record),
                Err(TryRecvError::Lagged(count)) => return Err(RecvError::Lagged(count)),
                Err(TryRecvError::Closed) => return Err(RecvError::Closed),
                Err(TryRecvError::Empty) => {}
            }
            let position = self.position;
            if self.versions.wait_for(|version| *version > position).await.is_err() {
                return Err(RecvError::Closed);
            }
        }
    }

    /// [`Subscription::try_recv`] without parsing the object.
    pub(crate) fn try_record(&mut self) -> Result<Record, TryRecvError> {
        if self.taken.is_empty() {
            match self.store.records_since(self.position, BATCH) {
                Ok(records) => self.taken.extend(records),
                Err(compacted) => {
                    let missed = compacted.oldest.saturating_sub(self.position);
                    self.position = self.store.version();
                    return Err(TryRecvError::Lagged(missed));
                }
            }
        }
        let record = self.taken.pop_front().ok_or(TryRecvError::Empty)?;
        self.position = record.version;
        Ok(record)
    }
}

impl From<Record> for Change {
    fn from(record: Record) -> Change {
        let Record { kind, verb, object, version, .. } = record;
        Change { kind, verb, object: object.value(), version }
    }
}
