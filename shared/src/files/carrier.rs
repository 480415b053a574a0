//! The carrier container of an attempt: what it lists, and its archives, whose entries go into the bucket.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tar::Archive;

use super::allowance::{Allowance, Metered};
use super::pace::Paced;
use super::sack::Sack;
use crate::cluster::client::Cluster;
use crate::cluster::error::ClusterError;
use crate::environment::Environment;
use crate::error::Error;
use crate::outputs::archive::Batch;
use crate::outputs::listing::{self, Entry, Listing};
use crate::outputs::paths;
use crate::pod::{OUT_CARRIER, WORKING_DIR};
use crate::run::record::Record;
use crate::run::result::OutputFile;
use crate::store::keys;
use crate::store::upload::{MAX_BYTES, UploadError};

/// What an archive may hold beside the content of the files that were asked for: so much, and so much for each of them (its header, a long name, what
/// fills its last block).
const BESIDE_BYTES: u64 = 1024 * 1024;
const BESIDE_EACH_BYTES: u64 = 4 * 1024;

/// How often a listing is asked for, and what is missing after an archive.
pub(super) const ROUNDS: u32 = 3;

/// An archive that is silent for so long comes to nothing, and a listing, which may have to look through a slow volume, in twice that.
const SILENCE: Duration = Duration::from_secs(60);
const LISTING_SILENCE: Duration = Duration::from_secs(120);

/// What became of one archive.
pub(super) enum Fetched {
    /// Every file of it is in the bucket.
    All,
    /// The time is over; between two files, or in the middle of one, as its stream says.
    OutOfTime(Option<String>),
    /// It broke off or a file was not as listed.
    Cut(String),
    /// Nothing came of it any more.
    Silent(String),
}

/// The carrier container of the attempt.
pub(super) struct Carrier<'a> {
    pub(super) environment: &'a Environment,
    pub(super) cluster: &'a dyn Cluster,
    pub(super) record: &'a Record,
}

impl Carrier<'_> {
    fn namespace(&self) -> &str {
        self.record.plan.target.namespace.as_deref().unwrap_or(&self.environment.config.namespace)
    }

    /// The listing; one that breaks off says nothing about the files, and is asked for again.
    pub(super) async fn listed(&self, until: Timestamp) -> Result<Listing, Error> {
        for _ in 1..ROUNDS {
            match self.list(until).await {
                Err(Error::Cluster(ClusterError::Command { .. })) if self.environment.clock.now() < until => {
                }
                other => return other,
            }
        }
        self.list(until).await
    }

    async fn list(&self, until: Timestamp) -> Result<Listing, Error> {
        let command = listing::command(WORKING_DIR);
        let running =
            self.cluster.exec(self.namespace(), &self.record.attempt.pod_name, OUT_CARRIER, &command).await?;
        let stdout = Paced::new(running.stdout, &self.environment.clock, LISTING_SILENCE, until);
        let mut bytes = Vec::new();
        let limit = listing::MAX_LISTING_BYTES as u64 + 1;
        let read = stdout.take(limit).read_to_end(&mut bytes).await;
        let cut = |outcome: String| ClusterError::Command {
            command: "list".to_owned(),
            container: OUT_CARRIER.to_owned(),
            outcome,
        };
        read.map_err(|error| cut(format!("broke off: {error}")))?;
        let listed = listing::parse(&bytes);
        if bytes.len() as u64 != limit {
            running.outcome.await?;
        }
        Ok(listed.map_err(|error| cut(format!("cannot be used: {error}")))?)
    }

    /// One exec, one archive: every entry that was asked for goes into the bucket.
    pub(super) async fn fetch(
        &self,
        batch: &Batch<'_>,
        done: &mut BTreeMap<String, OutputFile>,
        warnings: &mut Vec<String>,
        until: Timestamp,
    ) -> Result<Fetched, Error> {
        let command = batch.command(WORKING_DIR);
        let running =
            self.cluster.exec(self.namespace(), &self.record.attempt.pod_name, OUT_CARRIER, &command).await?;
        let allowance = Allowance::of(BESIDE_BYTES + BESIDE_EACH_BYTES * batch.files.len() as u64);
        let paced = Paced::new(running.stdout, &self.environment.clock, SILENCE, until);
        let mut archive = Archive::new(Metered::new(paced, allowance.clone()));
        let wanted = batch.files.iter().map(|file| (file.path.as_str(), *file)).collect();
        let mut unpacking =
            Unpacking { carrier: self, wanted, sack: Sack::default(), allowance, done, warnings, until };
        let stopped = unpacking.all(&mut archive).await?;
        // What came whole before a break stays.
        let stored = unpacking.empty_sack().await?;
        if let Some(stopped) = stopped.or(stored) {
            return Ok(stopped);
        }
        let is_whole = unpacking.wanted.is_empty();
        // What `tar` has to say comes after the last block. That the connection broke there is no matter for files that came.
        let rest = match archive.into_inner() {
            Ok(mut rest) => tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop),
            Err(_) => Ok(()),
        };
        let complaint = match rest {
            Ok(()) => running.outcome.await.err().map(|error| crate::error::chain(&error)),
            Err(error) if is_whole && error.kind() != ErrorKind::FileTooLarge => None,
            Err(error) => Some(error.to_string()),
        };
        match complaint {
            Some(complaint) if is_whole => {
                let count = batch.files.len();
                warnings
                    .push(format!("{count} output files were brought back with a complaint: {complaint}"));
                Ok(Fetched::All)
            }
            None if is_whole => Ok(Fetched::All),
            Some(complaint) => Ok(Fetched::Cut(complaint)),
            None => Ok(Fetched::Cut("the archive ended without it".to_owned())),
        }
    }

    /// Store one file; why its content is not what was announced.
    pub(super) async fn store(
        &self,
        path: &str,
        size: u64,
        content: &mut (dyn AsyncRead + Send + Unpin),
    ) -> Result<std::io::Result<OutputFile>, Error> {
        let key = keys::output(&self.record.run_id, self.record.attempt.number, path);
        let hops = self.record.hops + 1;
        let stored = match self.environment.files.upload(&key, size, hops, content).await {
            Ok(stored) => stored,
            Err(UploadError::Stream { bytes, source, .. }) => return Ok(Err(partly(&source, bytes, size))),
            Err(error) => return Err(error.into()),
        };
        if stored.size != size && !stored.existed {
            return Ok(Err(std::io::Error::other(format!("{} bytes came of {size}", stored.size))));
        }
        let uri = keys::uri(self.environment.bucket.name(), &key);
        Ok(Ok(OutputFile { path: path.to_owned(), uri, size: stored.size, sha256: stored.sha256 }))
    }
}

/// A stream that failed in the middle of a file, and how far it had come.
pub(super) fn partly(error: &std::io::Error, bytes: u64, size: u64) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("{error}, and {bytes} of {size} bytes had come"))
}

/// An archive under way.
struct Unpacking<'a, 'b> {
    carrier: &'b Carrier<'a>,
    /// What has not come yet.
    wanted: BTreeMap<&'b str, &'b Entry>,
    sack: Sack,
    allowance: Allowance,
    done: &'b mut BTreeMap<String, OutputFile>,
    warnings: &'b mut Vec<String>,
    until: Timestamp,
}

impl Unpacking<'_, '_> {
    /// Entry after entry; why it stopped before the archive's end.
    async fn all(
        &mut self,
        archive: &mut Archive<impl AsyncRead + Send + Unpin>,
    ) -> Result<Option<Fetched>, Error> {
        let mut entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return Ok(Some(self.broken(&error))),
        };
        while let Some(entry) = entries.next().await {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok(Some(self.broken(&error))),
            };
            // A name that is no path below the directory was not asked for.
            let name = entry.path_bytes().ok().and_then(|path| paths::safe(path).ok()).unwrap_or_default();
            let Some(listed) = self.wanted.get(name.as_str()).copied() else { continue };
            if !entry.header().entry_type().is_file() {
                return Ok(Some(Fetched::Cut(format!("`{name}` is no plain file in the archive"))));
            }
            let size = entry.effective_size();
            if size > MAX_BYTES {
                return Ok(Some(Fetched::Cut(format!(
                    "the archive says that `{name}` has {size} bytes, more than the {MAX_BYTES} of an output file"
                ))));
            }
            self.allowance.grow(size);
            let stopped = match Sack::takes(size) {
                true => match self.sack.take(&listed.path, size, &mut entry).await {
                    Ok(()) if self.sack.is_full() => self.empty_sack().await?,
                    Ok(()) => None,
                    Err(error) => Some(self.broken(&error)),
                },
                false => match self.carrier.store(&listed.path, size, &mut entry).await? {
                    Ok(file) => {
                        self.done.insert(name.clone(), file);
                        None
                    }
                    Err(error) => Some(self.broken(&error)),
                },
            };
            if stopped.is_some() {
                return Ok(stopped);
            }
            self.wanted.remove(name.as_str());
            if size != listed.size {
                self.warnings.push(format!(
                    "output file `{name}` had {} bytes when it was listed and {size} when it was read; something still writes to it",
                    listed.size
                ));
            }
            if self.carrier.environment.clock.now() >= self.until && !self.wanted.is_empty() {
                return Ok(Some(Fetched::OutOfTime(None)));
            }
        }
        Ok(None)
    }

    /// Why an archive was not read to its end.
    fn broken(&self, error: &std::io::Error) -> Fetched {
        let is_over = self.carrier.environment.clock.now() >= self.until;
        match error.kind() {
            ErrorKind::TimedOut if is_over => Fetched::OutOfTime(Some(error.to_string())),
            ErrorKind::TimedOut => Fetched::Silent(error.to_string()),
            _ => Fetched::Cut(error.to_string()),
        }
    }

    /// Store the small files that have come; why one could not be.
    async fn empty_sack(&mut self) -> Result<Option<Fetched>, Error> {
        let mut stopped = None;
        for stored in std::mem::take(&mut self.sack).stored_by(self.carrier).await? {
            match stored {
                Ok(file) => drop(self.done.insert(file.path.clone(), file)),
                Err(error) => stopped = Some(self.broken(&error)),
            }
        }
        Ok(stopped)
    }
}
