//! The output files of an attempt: chosen from what the carrier lists, and brought back one archive after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::carrier::{Carrier, Fetched, ROUNDS};
use super::earlier::Earlier;
use crate::clock::between;
use crate::cluster::client::Cluster;
use crate::environment::Environment;
use crate::error::Error;
use crate::outputs::archive;
use crate::outputs::choice::choose;
use crate::outputs::globs::Selection;
use crate::outputs::listing::Entry;
use crate::run::record::Record;
use crate::run::result::OutputFile;
use crate::store::upload::MAX_BYTES;

/// Most output files of an attempt. The result names each of them, and a function holds it in memory.
pub const MAX_FILES: usize = 20_000;

/// A file that had less time than this when it did not come has it in the next invocation.
const FAIR: Duration = Duration::from_secs(60);

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

/// Bring the output files of the attempt back. Files that an earlier round stored are not fetched again. Stops once `until` has passed.
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
    let listing = carrier.listed(until).await?;
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
    let (mut done, mut slow) = (earlier.files().await?, earlier.slow().await?);
    let begun_with = (done.len(), slow.len());
    let has_time = between(environment.clock.now(), until) >= FAIR;
    let mut collected = Collected {
        missing: choice.missing.clone(),
        warnings: choice.warnings.clone(),
        ..Collected::default()
    };
    let mut lost = BTreeMap::new();
    let (mut rounds, mut silent_at) = (0, None);
    while rounds < ROUNDS {
        rounds += 1;
        let is_open = |file: &&Entry| !done.contains_key(&file.path) && !slow.contains_key(&file.path);
        let open: Vec<&Entry> = wanted.iter().copied().filter(is_open).collect();
        if open.is_empty() {
            break;
        }
        lost.clear();
        for batch in archive::batches(&open) {
            let fetched = carrier.fetch(&batch, &mut done, &mut collected.warnings, until).await?;
            let next =
                batch.files.iter().map(|file| &file.path).find(|path| !done.contains_key(*path)).cloned();
            match fetched {
                Fetched::All => {}
                Fetched::OutOfTime(reason) => {
                    // A file that did not come in all the time of an invocation, with none before it, comes in none.
                    let had_it_all = has_time && (done.len(), slow.len()) == begun_with;
                    slow.extend(next.zip(reason).filter(|_| had_it_all));
                    if !slow.is_empty() {
                        earlier.keep_slow(&slow).await?;
                    }
                    earlier.keep(&done).await?;
                    return Ok(Collected {
                        files: done.into_values().collect(),
                        unfinished: true,
                        ..collected
                    });
                }
                // Twice at the same file: the ones behind it are asked for without it.
                Fetched::Silent(reason) if next.is_some() && next == silent_at => {
                    slow.extend(next.map(|path| (path, reason)));
                    rounds = 0;
                    break;
                }
                Fetched::Cut(reason) | Fetched::Silent(reason) => {
                    silent_at = next;
                    let left = batch.files.iter().filter(|file| !done.contains_key(&file.path));
                    lost.extend(left.map(|file| (file.path.clone(), reason.clone())));
                }
            }
        }
    }
    collected.files = done.into_values().collect();
    collected.lost = slow
        .into_iter()
        .chain(lost)
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
