//! Inputs: checked before a pod exists, then handed to its init container by one presigned manifest.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::environment::Environment;
use crate::error::chain;
use crate::pod::manifest::{self, Line};
use crate::resolve::plan::{InputFile, InputSource, Plan};
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::store::bucket::{BucketError, Condition};
use crate::store::keys;
use crate::store::upload::hex;

/// URLs live as long as a pod may wait for its start, and this much longer.
const GRANT_ALLOWANCE: Duration = Duration::from_secs(15 * 60);

/// Longest life of a presigned URL (S3: seven days). Signed by a function's role it ends with the role's session, hours earlier.
const LONGEST_GRANT: Duration = Duration::from_secs(7 * 24 * 3600);

/// What stands between a run and its inputs.
#[derive(Debug)]
pub enum InputsError {
    /// An input cannot be had: the run fails with this.
    Missing(Box<Diagnosis>),
    /// The store failed; try again later.
    Store(BucketError),
}

impl From<BucketError> for InputsError {
    fn from(error: BucketError) -> Self {
        InputsError::Store(error)
    }
}

/// Place inline files in the bucket, check that objects can be read, write the manifest; the answer is a URL to it, or `None` when there are no inputs.
///
/// # Errors
/// `Missing` names every input that cannot be read.
pub async fn grant(
    environment: &Environment,
    run_id: &str,
    plan: &Plan,
) -> Result<Option<String>, InputsError> {
    if !plan.files.has_inputs() {
        return Ok(None);
    }
    let life = life(plan);
    let (mut granted, mut missing) = (Vec::new(), Vec::new());
    for (index, file) in plan.files.inputs.iter().enumerate() {
        match place(environment, run_id, index, file).await {
            Ok(placed) => {
                let url = environment.files.presign(&placed.bucket, &placed.key, life).await?;
                granted.push((file, placed, url));
            }
            Err(error) if error.is_out_of_reach() => {
                missing.push(format!("input file `{}`: {}", file.path, chain(&error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !missing.is_empty() {
        let mut diagnosis = Diagnosis::new(Cause::InputMissing, missing.join("; "));
        diagnosis.evidence = missing;
        return Err(InputsError::Missing(Box::new(diagnosis)));
    }
    let lines: Vec<Line<'_>> = granted
        .iter()
        .map(|(file, placed, url)| Line {
            size: placed.size,
            sha256: placed.sha256.as_deref(),
            executable: file.executable,
            url,
            path: &file.path,
        })
        .collect();
    let key = keys::input(run_id, "manifest.txt");
    environment.bucket.put(&key, Bytes::from(manifest::text(&lines)), Condition::Always).await?;
    Ok(Some(environment.files.presign(environment.bucket.name(), &key, life).await?))
}

/// How long the links are of use; as long as can be where nobody knows when the pod is let in.
fn life(plan: &Plan) -> Duration {
    if plan.is_let_in() {
        return LONGEST_GRANT;
    }
    Duration::from_secs(plan.limits.start_seconds()).saturating_add(GRANT_ALLOWANCE).min(LONGEST_GRANT)
}

struct Placed {
    bucket: String,
    key: String,
    size: u64,
    /// Known of what was written in the document.
    sha256: Option<String>,
}

async fn place(
    environment: &Environment,
    run_id: &str,
    index: usize,
    file: &InputFile,
) -> Result<Placed, BucketError> {
    match &file.source {
        InputSource::Inline(text) => {
            // Numbered, not named: any path fits, and none can leave the prefix.
            let key = keys::input(run_id, &format!("{}/{index}", keys::INLINE));
            let (size, sha256) = (text.len() as u64, Some(hex(&Sha256::digest(text))));
            environment.bucket.put(&key, Bytes::from(text.clone()), Condition::Always).await?;
            Ok(Placed { bucket: environment.bucket.name().to_owned(), key, size, sha256 })
        }
        InputSource::Object { bucket, key } => {
            let size = environment.head_of_input(bucket, key).await?.size;
            Ok(Placed { bucket: bucket.clone(), key: key.clone(), size, sha256: None })
        }
        InputSource::Shared { key, size, .. } => Ok(Placed {
            bucket: environment.bucket.name().to_owned(),
            key: key.clone(),
            size: *size,
            sha256: None,
        }),
    }
}
