//! Small files of an archive, put into the bucket side by side: one after the other each would wait for the answer to the one before.

use futures::{StreamExt, TryStreamExt};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::carrier::{Carrier, partly};
use crate::error::Error;
use crate::run::result::OutputFile;
use crate::store::upload::PART_BYTES;

/// Files that are stored at the same time.
const TOGETHER: usize = 32;

/// Files that have been read and not been stored yet.
#[derive(Default)]
pub(super) struct Sack {
    files: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

impl Sack {
    /// Whether a file of this size is a small one. Larger ones are streamed, in parts.
    pub(super) fn takes(size: u64) -> bool {
        size < PART_BYTES as u64 / 8
    }

    /// Read a file.
    ///
    /// # Errors
    /// The stream's, and that it ended before the file.
    pub(super) async fn take(
        &mut self,
        path: &str,
        size: u64,
        content: &mut (impl AsyncRead + Send + Unpin),
    ) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let read = content.take(size).read_to_end(&mut bytes).await;
        read.map_err(|error| partly(&error, bytes.len() as u64, size))?;
        if bytes.len() as u64 != size {
            return Err(std::io::Error::other(format!("{} bytes came of {size}", bytes.len())));
        }
        self.bytes += bytes.len();
        self.files.push((path.to_owned(), bytes));
        Ok(())
    }

    /// It has to be emptied before it takes another file.
    pub(super) fn is_full(&self) -> bool {
        self.files.len() >= TOGETHER || self.bytes >= PART_BYTES
    }

    /// Store its files; for each one the reason when its content was not taken.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn stored_by(
        self,
        carrier: &Carrier<'_>,
    ) -> Result<Vec<std::io::Result<OutputFile>>, Error> {
        let stores = self.files.into_iter().map(|(path, bytes)| async move {
            carrier.store(&path, bytes.len() as u64, &mut bytes.as_slice()).await
        });
        futures::stream::iter(stores).buffer_unordered(TOGETHER).try_collect().await
    }
}
