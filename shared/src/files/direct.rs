//! Output files that a helper has uploaded: judged by name, asked for at the store, large ones put together from their pieces.

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;

use crate::environment::Environment;
use crate::error::Error;
use crate::files::earlier::Earlier;
use crate::files::form::Join;
use crate::files::outputs::Collected;
use crate::outputs::direct::{self, DONE, Done, DoneFile, PIECE_BYTES, Pieces};
use crate::outputs::globs::Selection;
use crate::outputs::paths;
use crate::run::record::Record;
use crate::run::result::OutputFile;
use crate::store::bucket::BucketError;
use crate::store::keys;

/// Files that are asked for at the same time.
const LOOKS: usize = 16;

/// What the helper of the attempt has said, if it has.
///
/// # Errors
/// The bucket's.
pub async fn done(environment: &Environment, record: &Record) -> Result<Option<Done>, Error> {
    let key = keys::attempt(&record.run_id, record.attempt.number, DONE);
    match environment.bucket.get(&key).await {
        // Whatever stands there was written by the pod: one that cannot be read is as good as none.
        Ok(object) => Ok(serde_json::from_slice(&object.bytes).ok()),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The files that were said to be uploaded and are. Stops after the current ones once `until` has passed; what an earlier round found is not looked
/// at again.
///
/// # Errors
/// The store's; everything may be done again.
pub async fn collect(
    environment: &Environment,
    record: &Record,
    said: &Done,
    until: Timestamp,
) -> Result<Collected, Error> {
    let files = &record.plan.files;
    let mut collected =
        Collected { lost: said.lost.clone(), warnings: said.warnings.clone(), ..Collected::default() };
    let selection = match Selection::new(&files.outputs, files.output_dir.as_deref()) {
        Ok(selection) => selection,
        Err(errors) => {
            collected.lost.extend(errors.iter().map(|error| crate::error::chain(error)));
            return Ok(collected);
        }
    };
    let mut wanted: Vec<&DoneFile> = Vec::new();
    for file in &said.files {
        match paths::safe(&file.path) {
            Ok(path) if path == file.path && selection.selects(&path) => wanted.push(file),
            Ok(_) => collected.warnings.push(format!(
                "the helper named `{}`, which is no declared output; it is left out",
                paths::shown(file.path.as_bytes())
            )),
            Err(error) => {
                collected.warnings.push(format!("the helper named a file that is refused: {error}"))
            }
        }
    }
    let named: Vec<&str> = wanted.iter().map(|file| file.path.as_str()).collect();
    collected.missing = selection.unmatched(&named).into_iter().map(str::to_owned).collect();
    let earlier = Earlier { environment, record };
    let mut found = earlier.files().await?;
    let open: Vec<&DoneFile> = wanted.into_iter().filter(|file| !found.contains_key(&file.path)).collect();
    let mut looks = stream::iter(open.into_iter().map(|file| one(environment, record, file))).buffered(LOOKS);
    while let Some(looked) = looks.next().await {
        match looked? {
            Ok(file) => drop(found.insert(file.path.clone(), file)),
            Err(words) => collected.lost.push(words),
        }
        if environment.clock.now() >= until {
            earlier.keep(&found).await?;
            return Ok(Collected { files: found.into_values().collect(), unfinished: true, ..collected });
        }
    }
    collected.files = found.into_values().collect();
    Ok(collected)
}

/// One file as the store has it, or why it does not count.
async fn one(
    environment: &Environment,
    record: &Record,
    file: &DoneFile,
) -> Result<Result<OutputFile, String>, BucketError> {
    let key = keys::output(&record.run_id, record.attempt.number, &file.path);
    let lost = |reason: &str| {
        Err(format!("output file `{}` was said to be uploaded and is not: {reason}", file.path))
    };
    if let Some(pieces) = file.pieces
        && let Err(reason) = join(environment, record, file, pieces, &key).await?
    {
        return Ok(lost(&reason));
    }
    let facts = match environment.files.facts(&key).await {
        Ok(facts) => facts,
        Err(error) if error.is_not_found() => return Ok(lost("there is no such object")),
        Err(error) => return Err(error),
    };
    if facts.size != file.size {
        return Ok(lost(&format!("it has {} bytes instead of {}", facts.size, file.size)));
    }
    let uri = keys::uri(environment.bucket.name(), &key);
    let sha256 = facts.sha256.unwrap_or_else(|| file.sha256.clone());
    Ok(Ok(OutputFile { path: file.path.clone(), uri, size: facts.size, sha256 }))
}

/// Have the store put a file together from its pieces; the pieces go then.
async fn join(
    environment: &Environment,
    record: &Record,
    file: &DoneFile,
    pieces: Pieces,
    key: &str,
) -> Result<Result<(), String>, BucketError> {
    let expected = direct::pieces(file.size);
    if expected != Some(u64::from(pieces.count)) {
        return Ok(Err(format!("{} pieces make no {} bytes", pieces.count, file.size)));
    }
    let number = record.attempt.number;
    let sized: Vec<(String, u64)> = (0..pieces.count)
        .map(|index| {
            let key =
                keys::attempt(&record.run_id, number, &direct::piece(pieces.file, index.saturating_add(1)));
            let before = u64::from(index).saturating_mul(PIECE_BYTES);
            (key, PIECE_BYTES.min(file.size.saturating_sub(before)))
        })
        .collect();
    let hops = record.hops.saturating_add(1);
    let order = Join { key, pieces: &sized, hops, sha256: &file.sha256 };
    match environment.files.join(&order).await {
        Ok(()) => {}
        // An earlier collection was faster.
        Err(error) if error.is_precondition_failed() => {}
        // Of an earlier collection the pieces are gone, and the file is there.
        Err(error) if error.is_not_found() => return Ok(Ok(())),
        Err(error) => return Err(error),
    }
    let gone = sized.iter().map(|(key, _)| environment.bucket.delete(key));
    let gone: Vec<Result<(), BucketError>> = stream::iter(gone).buffer_unordered(LOOKS).collect().await;
    gone.into_iter().collect::<Result<(), BucketError>>().map(Ok)
}
