//! A submission that cannot be carried out as written is kept, with everything that is wrong with it.

use sha2::{Digest, Sha256};
use shared::environment::Environment;
use shared::error::Error;
use shared::run::diagnosis::{Cause, Diagnosis};
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::spec;
use shared::spec::problem::Problem;
use shared::store::rejections::{self, Rejection};
use shared::store::upload::hex;
use shared::store::{records, results};
use shared::telemetry::metrics::Fact;

use crate::accept::Submitted;
use crate::answer;

/// Why a submission was refused.
pub struct Refused<'a> {
    /// The run id that its author asked for, where the result is looked for. `None` also when that id is somebody else's run.
    pub run_id: Option<&'a str>,
    /// Everything that is wrong.
    pub problems: &'a [Problem],
}

/// Keep it under `rejected/`, and answer with a result where a run id was asked for or somebody waits. The answer is the run id that this result has.
pub async fn submission(
    environment: &Environment,
    submitted: &Submitted,
    refused: Refused<'_>,
) -> Result<String, Error> {
    let now = environment.clock.now();
    tracing::warn!(
        source = submitted.source,
        run.id = refused.run_id,
        problems = refused.problems.len(),
        "the submission is rejected"
    );
    environment.measure(Fact::Rejected);
    let mut rejection = Rejection::new(&submitted.source, now, refused.problems, &submitted.bytes);
    rejection.run_id = refused.run_id.map(str::to_owned);
    rejections::write(environment.bucket.as_ref(), &submitted.source_id, &rejection).await?;
    let addresses = spec::read::asked(&submitted.bytes).addresses;
    let run_id = match refused.run_id {
        Some(id) if !is_somebody_elses(environment, id).await? => id.to_owned(),
        Some(_) | None if !addresses.is_empty() => {
            // The id of a message can be chosen by its sender (a redriven one brings its own along).
            match is_somebody_elses(environment, &submitted.source_id).await? {
                true => own_id(submitted),
                false => submitted.source_id.clone(),
            }
        }
        Some(id) => return Ok(id.to_owned()),
        None => return Ok(submitted.source_id.clone()),
    };
    let first = refused.problems.first().map(ToString::to_string).unwrap_or_default();
    let message = match refused.problems.len() {
        0 | 1 => first,
        count => format!("{first}; and {} more", count - 1),
    };
    let diagnosis = Diagnosis::new(Cause::InvalidSubmission, message);
    let mut result = RunResult::without_attempt(&run_id, State::Rejected, diagnosis, now);
    // A corrected submission is another one, and is told that the id is used up.
    result.submission_hash = Some(submitted.hash());
    result.problems = refused.problems.to_vec();
    results::write_once(environment.bucket.as_ref(), result).await?;
    answer::tell(environment, &run_id, addresses.iter()).await?;
    Ok(run_id)
}

/// A run of this id is under way or was: its result is neither ours to write nor to be told to whoever sent this.
async fn is_somebody_elses(environment: &Environment, run_id: &str) -> Result<bool, Error> {
    let bucket = environment.bucket.as_ref();
    if records::find(bucket, run_id).await?.is_some() {
        return Ok(true);
    }
    let written = results::read(bucket, run_id).await?;
    Ok(written.is_some_and(|written| written.result.state != State::Rejected))
}

/// An id that no run has, the same at every delivery.
fn own_id(submitted: &Submitted) -> String {
    let told = Sha256::new().chain_update(&submitted.source_id).chain_update(&submitted.bytes).finalize();
    format!("rejected-{}", hex(&told).chars().take(32).collect::<String>())
}
