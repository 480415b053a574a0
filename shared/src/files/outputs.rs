//! The output files of an attempt: chosen from what the carrier lists, and brought back one archive after the other.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use super::carrier::{Carrier, Fetched};
use crate::cluster::client::Cluster;
use crate::environment::Environment;
use crate::error::Error;
use crate::outputs::archive;
use crate::outputs::choice::choose;
use crate::outputs::globs::Selection;
use crate::outputs::listing::Entry;
use crate::run::record::Record;
use crate::run::result::OutputFile;
use crate::store::bucket::Condition;
use crate::store::keys;
use crate::store::upload::MAX_BYTES;

/// Most output files of an attempt. The result names each of them, and a function holds it in memory.
pub const MAX_FILES: usize = 20_000;

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
