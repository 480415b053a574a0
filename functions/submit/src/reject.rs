//! A submission that cannot be carried out as written is kept, with everything that is wrong with it.

use serde_json::Value;
use shared::environment::Environment;
use shared::error::Error;
use shared::files::secrets;
use shared::run::diagnosis::{Cause, Diagnosis};
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::spec::problem::Problem;
use shared::store::bucket::BucketError;
use shared::store::rejections::{self, Rejection};
use shared::store::{keys, records, results};

use crate::accept::Submitted;

/// Why a submission was refused.
pub struct Refused<'a> {
    /// The run id that its author asked for, where the result is looked for. `None` also when that id is somebody else's run.
    pub run_id: Option<&'a str>,
    /// Everything that is wrong.
    pub problems: &'a [Problem],
}

/// Keep it under `rejected/`, and answer with a result where a run id was asked for.
pub async fn submission(
    environment: &Environment,
    submitted: &Submitted,
    refused: Refused<'_>,
) -> Result<(), Error> {
    let now = environment.clock.now();
    tracing::warn!(
        source = submitted.source,
        run.id = refused.run_id,
        problems = refused.problems.len(),
        "the submission is rejected"
    );
    let rejection = Rejection {
        format_version: 1,
        source: submitted.source.clone(),
        rejected_at: now,
        run_id: refused.run_id.map(str::to_owned),
        problems: refused.problems.to_vec(),
        body: without_secrets(&submitted.bytes),
    };
    rejections::write(environment.bucket.as_ref(), &submitted.source_id, &rejection).await?;
    let Some(run_id) = refused.run_id else { return Ok(()) };
    if is_active(environment, run_id).await? {
        return Ok(());
    }
    let first = refused.problems.first().map(ToString::to_string).unwrap_or_default();
    let message = match refused.problems.len() {
        0 | 1 => first,
        count => format!("{first}; and {} more", count - 1),
    };
    let diagnosis = Diagnosis::new(Cause::InvalidSubmission, message);
    let mut result = RunResult::without_attempt(run_id, State::Rejected, diagnosis, now);
    result.problems = refused.problems.to_vec();
    results::write_once(environment.bucket.as_ref(), result).await?;
    Ok(())
}

/// A run of this id is under way: its result is not ours to write.
async fn is_active(environment: &Environment, run_id: &str) -> Result<bool, BucketError> {
    let bucket = environment.bucket.as_ref();
    for group in bucket.folders(keys::ACTIVE).await? {
        match records::load(bucket, &group, run_id).await {
            Ok(_) => return Ok(true),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn without_secrets(bytes: &[u8]) -> Value {
    match shared::spec::read::tree(bytes) {
        Ok(mut tree) => {
            secrets::tree(&mut tree);
            tree
        }
        Err(_) => Value::from(secrets::text(&String::from_utf8_lossy(bytes))),
    }
}
