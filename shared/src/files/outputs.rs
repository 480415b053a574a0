//! Output files: listed and read in the carrier, one archive after the other, each entry streamed into the bucket.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use bytes::Bytes;
use futures::StreamExt;
use jiff::Timestamp;
use tokio::io::AsyncReadExt;
use tokio_tar::Archive;

use super::allowance::{Allowance, Metered};
use crate::cluster::client::Cluster;
use crate::cluster::error::ClusterError;
use crate::environment::Environment;
use crate::error::Error;
use crate::outputs::archive::{self, Batch};
use crate::outputs::choice::choose;
use crate::outputs::globs::Selection;
use crate::outputs::listing::{self, Entry, Listing};
use crate::outputs::paths;
use crate::pod::{OUT_CARRIER, WORKING_DIR};
use crate::run::record::Record;
use crate::run::result::OutputFile;
use crate::store::bucket::Condition;
use crate::store::keys;
use crate::store::upload::{MAX_BYTES, UploadError};

/// Most output files of an attempt. The result names each of them, and a function holds it in memory.
pub const MAX_FILES: usize = 10_000;

/// What an archive may hold beside the content of the files that were asked for: so much, and so much for each of them (its header, a long name, what
/// fills its last block).
const BESIDE_BYTES: u64 = 1024 * 1024;
const BESIDE_EACH_BYTES: u64 = 4 * 1024;

/// How often what is missing after an archive is asked for again.
const ROUNDS: u32 = 3;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collected {
    /// Files in the bucket, by path.
    pub files: Vec<OutputFile>,
    /// Declared globs that selected nothing.
    pub missing: Vec<String>,
    /// Files that could not be brought back, and why.
    pub lost: Vec<String>,
    /// What was left out and why.
    pub warnings: Vec<String>,
    /// Time ran out: another invocation carries on.
    pub unfinished: bool,
}

/// Bring the output files of the attempt back. Files that an earlier round stored are not fetched again. Stops after the current file once
/// `until` has passed.
///
/// # Errors
/// When the carrier cannot be reached or the store fails; everything may be done again.
pub async fn collect(
    environment: &Environment,
    cluster: &dyn Cluster,
    record: &Record,
    until: Timestamp,
) -> Result<Collected, Error> {
    let carrier = Carrier { environment, cluster, record };
    let listing = carrier.list().await?;
    let files = &record.plan.files;
    let selection = match Selection::new(&files.outputs, files.output_dir.as_deref()) {
        Ok(selection) => selection,
        // Globs are checked when the task is read; one that is refused only here must not pass in silence.
        Err(errors) => {
            let lost = errors.iter().map(|error| crate::error::chain(error)).collect();
            return Ok(Collected { lost, ..Collected::default() });
        }
    };
    let choice = choose(&listing, &selection);
    let (wanted, refused) = within_limits(choice.files);
    let earlier = Earlier { environment, record };
    let mut done = earlier.files().await?;
    let mut collected = Collected {
        missing: choice.missing.clone(),
        warnings: choice.warnings.clone(),
        ..Collected::default()
    };
    let mut lost = BTreeMap::new();
    for _ in 0..ROUNDS {
        let open: Vec<&Entry> =
            wanted.iter().copied().filter(|file| !done.contains_key(&file.path)).collect();
        if open.is_empty() {
            break;
        }
        lost.clear();
        for batch in archive::batches(&open) {
            match carrier.fetch(&batch, &mut done, &mut collected.warnings, until).await? {
                Fetched::All => {}
                Fetched::OutOfTime => {
                    earlier.keep(&done).await?;
                    return Ok(Collected {
                        files: done.into_values().collect(),
                        unfinished: true,
                        ..collected
                    });
                }
                Fetched::Cut(reason) => {
                    let left = batch.files.iter().filter(|file| !done.contains_key(&file.path));
                    lost.extend(left.map(|file| (file.path.clone(), reason.clone())));
                }
            }
        }
    }
    collected.files = done.into_values().collect();
    collected.lost = lost
        .into_iter()
        .map(|(path, reason)| format!("output file `{path}` could not be brought back: {reason}"))
        .chain(refused)
        .collect();
    Ok(collected)
}

/// The files that can be brought back, and words about the others.
fn within_limits(chosen: Vec<&Entry>) -> (Vec<&Entry>, Vec<String>) {
    let (mut wanted, large): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|file| file.size <= MAX_BYTES);
    let too_large = |file: &Entry| {
        format!(
            "output file `{}` could not be brought back: it has {} bytes, more than the {MAX_BYTES} of an output file; write it to a bucket from the task",
            file.path, file.size
        )
    };
    let mut refused: Vec<String> = large.into_iter().take(MAX_FILES).map(too_large).collect();
    if let Some(surplus) = wanted.len().checked_sub(MAX_FILES).filter(|surplus| *surplus > 0) {
        refused.push(format!(
            "{surplus} of {} output files could not be brought back: a run has at most {MAX_FILES}; pack them into an archive",
            wanted.len()
        ));
        wanted.truncate(MAX_FILES);
    }
    (wanted, refused)
}

/// What became of one archive.
enum Fetched {
    /// Every file of it is in the bucket.
    All,
    /// The time is over.
    OutOfTime,
    /// It broke off or a file was not as listed.
    Cut(String),
}

/// The carrier container of the attempt.
struct Carrier<'a> {
    environment: &'a Environment,
    cluster: &'a dyn Cluster,
    record: &'a Record,
}

impl Carrier<'_> {
    fn namespace(&self) -> &str {
        self.record.plan.target.namespace.as_deref().unwrap_or(&self.environment.config.namespace)
    }

    async fn list(&self) -> Result<Listing, Error> {
        let command = listing::command(WORKING_DIR);
        let mut running =
            self.cluster.exec(self.namespace(), &self.record.attempt.pod_name, OUT_CARRIER, &command).await?;
        let mut bytes = Vec::new();
        let limit = listing::MAX_LISTING_BYTES as u64 + 1;
        let read = (&mut running.stdout).take(limit).read_to_end(&mut bytes).await;
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
    async fn fetch(
        &self,
        batch: &Batch<'_>,
        done: &mut BTreeMap<String, OutputFile>,
        warnings: &mut Vec<String>,
        until: Timestamp,
    ) -> Result<Fetched, Error> {
        let command = batch.command(WORKING_DIR);
        let running =
            self.cluster.exec(self.namespace(), &self.record.attempt.pod_name, OUT_CARRIER, &command).await?;
        let mut wanted: BTreeMap<&str, &Entry> =
            batch.files.iter().map(|file| (file.path.as_str(), *file)).collect();
        let allowance = Allowance::of(BESIDE_BYTES + BESIDE_EACH_BYTES * batch.files.len() as u64);
        let mut archive = Archive::new(Metered::new(running.stdout, allowance.clone()));
        let mut entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return Ok(Fetched::Cut(error.to_string())),
        };
        while let Some(entry) = entries.next().await {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok(Fetched::Cut(error.to_string())),
            };
            // A name that is no path below the directory was not asked for.
            let name = entry.path_bytes().ok().and_then(|path| paths::safe(path).ok()).unwrap_or_default();
            let Some(listed) = wanted.get(name.as_str()) else { continue };
            if !entry.header().entry_type().is_file() {
                return Ok(Fetched::Cut(format!("`{name}` is no plain file in the archive")));
            }
            let size = entry.effective_size();
            if size > MAX_BYTES {
                return Ok(Fetched::Cut(format!(
                    "the archive says that `{name}` has {size} bytes, more than the {MAX_BYTES} of an output file"
                )));
            }
            allowance.grow(size);
            let listed_size = listed.size;
            match self.store(listed, size, &mut entry).await {
                Ok(file) => drop(done.insert(name.clone(), file)),
                Err(Error::Upload(UploadError::Stream { source, .. })) => {
                    return Ok(Fetched::Cut(source.to_string()));
                }
                Err(error) => return Err(error),
            }
            wanted.remove(name.as_str());
            if size != listed_size {
                warnings.push(format!(
                    "output file `{name}` had {listed_size} bytes when it was listed and {size} when it was read; something still writes to it"
                ));
            }
            if self.environment.clock.now() >= until && !wanted.is_empty() {
                return Ok(Fetched::OutOfTime);
            }
        }
        drop(entries);
        // What `tar` has to say comes after the last block. That the connection broke there is no matter for files that came.
        let rest = match archive.into_inner() {
            Ok(mut rest) => tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop),
            Err(_) => Ok(()),
        };
        let complaint = match rest {
            Ok(()) => running.outcome.await.err().map(|error| crate::error::chain(&error)),
            Err(error) if wanted.is_empty() && error.kind() != ErrorKind::FileTooLarge => None,
            Err(error) => Some(error.to_string()),
        };
        match complaint {
            Some(complaint) if wanted.is_empty() => {
                let count = batch.files.len();
                warnings
                    .push(format!("{count} output files were brought back with a complaint: {complaint}"));
                Ok(Fetched::All)
            }
            None if wanted.is_empty() => Ok(Fetched::All),
            Some(complaint) => Ok(Fetched::Cut(complaint)),
            None => Ok(Fetched::Cut("the archive ended without it".to_owned())),
        }
    }

    async fn store(
        &self,
        listed: &Entry,
        size: u64,
        stream: &mut (dyn tokio::io::AsyncRead + Send + Unpin),
    ) -> Result<OutputFile, Error> {
        let key = keys::output(&self.record.run_id, self.record.attempt.number, &listed.path);
        let hops = self.record.hops + 1;
        let stored = self.environment.files.upload(&key, size, hops, stream).await?;
        if stored.size != size && !stored.existed {
            let source = std::io::Error::other(format!("{} bytes came of {size}", stored.size));
            return Err(UploadError::Stream { key, bytes: stored.size, source }.into());
        }
        let uri = keys::uri(self.environment.bucket.name(), &key);
        Ok(OutputFile { path: listed.path.clone(), uri, size: stored.size, sha256: stored.sha256 })
    }
}

/// How far earlier, unfinished collections of an attempt came.
pub(super) struct Earlier<'a> {
    pub(super) environment: &'a Environment,
    pub(super) record: &'a Record,
}

impl Earlier<'_> {
    /// The files that they found or stored.
    pub(super) async fn files(&self) -> Result<BTreeMap<String, OutputFile>, Error> {
        if self
            .record
            .collection
            .as_ref()
            .is_none_or(|progress| progress.attempt != self.record.attempt.number)
        {
            return Ok(BTreeMap::new());
        }
        match self.environment.bucket.get(&self.key()).await {
            Ok(object) => {
                let files: Vec<OutputFile> = serde_json::from_slice(&object.bytes).unwrap_or_default();
                Ok(files.into_iter().map(|file| (file.path.clone(), file)).collect())
            }
            Err(error) if error.is_not_found() => Ok(BTreeMap::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Leave word for the next one.
    pub(super) async fn keep(&self, done: &BTreeMap<String, OutputFile>) -> Result<(), Error> {
        let files: Vec<&OutputFile> = done.values().collect();
        let bytes = serde_json::to_vec(&files).unwrap_or_default();
        self.environment.bucket.put(&self.key(), Bytes::from(bytes), Condition::Always).await?;
        Ok(())
    }

    fn key(&self) -> String {
        keys::attempt(&self.record.run_id, self.record.attempt.number, "files.json")
    }
}
