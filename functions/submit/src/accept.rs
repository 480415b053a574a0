//! A submission becomes a run: read, planned, recorded, and its pod created.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::effects::{self, Turn, cancel};
use shared::environment::Environment;
use shared::error::Error;
use shared::pod;
use shared::run::record::Record;
use shared::run::state::State;
use shared::run::succession::Original;
use shared::run::transition::Acceptance;
use shared::spec;
use shared::spec::problem::{Problem, Problems};
use shared::spec::retry::Behavior;
use shared::spec::source::Source;
use shared::spec::submission::Submission;
use shared::store::records::{Created, Stored};
use shared::store::upload::hex;
use shared::store::{executions, records, results};
use shared::telemetry::metrics::Fact;

use crate::reject::{self, Refused};
use crate::{answer, carry_on, join};

/// What arrived.
pub struct Submitted {
    /// Unique to this submission and the same when it is delivered again.
    pub source_id: String,
    /// For people: `sqs:<message id>`, `invoke:<request id>`, `s3://bucket/key`.
    pub source: String,
    /// How many runs led to it; 0 but for an upload that a run wrote.
    pub hops: u32,
    /// The submission.
    pub bytes: Vec<u8>,
    /// What makes it the same as another.
    pub identity: Identity,
}

/// What makes two submissions one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// What it says, but for where its answer goes.
    Words,
    /// Every byte.
    Bytes,
    /// The upload: the rule that it fits may change between two deliveries.
    Upload,
}

impl Submitted {
    /// Hex SHA-256 of what makes it the same as another under its run id.
    pub fn hash(&self) -> String {
        hex(&match self.identity {
            Identity::Words => Sha256::digest(spec::read::sameness(&self.bytes)),
            Identity::Bytes => Sha256::digest(&self.bytes),
            Identity::Upload => Sha256::digest(&self.source_id),
        })
    }
}

/// What an invoke is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    run_id: String,
    state: State,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<Problem>,
}

/// Take a submission over. Once its record exists, everything else can be repeated.
pub async fn submission(
    environment: &Environment,
    submitted: Submitted,
    deadline: Timestamp,
) -> Result<Answer, Error> {
    match spec::read::submission(&submitted.bytes) {
        Ok(submission) => take(environment, submitted, submission, deadline).await,
        Err(problems) => rejected(environment, &submitted, None, problems).await,
    }
}

/// Take over a submission that was read. Submissions with the same run id and hash are one.
pub async fn take(
    environment: &Environment,
    submitted: Submitted,
    submission: Submission,
    deadline: Timestamp,
) -> Result<Answer, Error> {
    let hash = submitted.hash();
    let derived = || submission.origin.as_ref().map(|origin| origin.run_id(&hash));
    let chosen = submission.run_id.clone().or_else(derived);
    let run_id = chosen.clone().unwrap_or_else(|| submitted.source_id.clone());
    if let Some(written) = results::read(environment.bucket.as_ref(), &run_id).await? {
        if written.result.submission_hash.as_ref().is_some_and(|other| *other != hash) {
            return rejected(environment, &submitted, None, taken(&run_id, &submission)).await;
        }
        answer::ended(environment, &written.result, &submission.asked).await?;
        return Ok(Answer { run_id, state: written.result.state, problems: Vec::new() });
    }
    let plan = match effects::plan::of(environment, &submission, &run_id).await? {
        Ok(plan) => plan,
        Err(problems) => {
            return rejected(environment, &submitted, chosen.as_deref(), problems).await;
        }
    };
    let plan = effects::plan::lead(environment, plan).await?;
    let begins_anew = !plan.resume;
    let may_be_followed = plan.retry.behavior == Behavior::CreateNewExecution;
    let record = Record::accepted(Acceptance {
        group: environment.group_of(&plan.target.cluster),
        pod_name: pod::name(&plan, &run_id, 1),
        run_id: run_id.clone(),
        submission_hash: hash.clone(),
        source: submitted.source.clone(),
        hops: submitted.hops,
        accepted_at: environment.clock.now(),
        writer: environment.writer.clone(),
        plan,
        asked: submission.asked.clone(),
        execution_id: submission.origin.as_ref().map(|origin| origin.execution_id.clone()),
    });
    let original = may_be_followed.then(|| Original::of(&submission));
    let record = Record { original, ..record };
    let stored = match records::create(environment.bucket.as_ref(), record).await? {
        Created::New(stored) => {
            tracing::info!(
                run.id = run_id,
                group = stored.record.group,
                task.id = stored.record.plan.task.id,
                "the run is accepted"
            );
            environment.measure(Fact::Accepted);
            // Cancelled between the look at the result and the record: `cancel` writes the result and then looks for a record.
            if let Some(written) = results::read(environment.bucket.as_ref(), &run_id).await? {
                answer::ended(environment, &written.result, &submission.asked).await?;
                return Ok(Answer { run_id, state: written.result.state, problems: Vec::new() });
            }
            stored
        }
        Created::Existing(stored) if stored.record.submission_hash == hash => {
            let stored = answer::join(environment, stored, &submission.asked).await?;
            if begins_anew { join::anew(environment, stored, &submitted.source).await? } else { stored }
        }
        Created::Existing(_) => {
            return rejected(environment, &submitted, None, taken(&run_id, &submission)).await;
        }
    };
    shared::crash::point("after-record");
    let stored = without_execution(environment, stored).await?;
    carry_on::proceed(environment, stored, Turn { deadline, hops: 0, last_try: false }).await?;
    Ok(Answer { run_id, state: State::Accepted, problems: Vec::new() })
}

/// A run for an execution that was aborted before it was accepted: `cancel` leaves a mark and then looks for records, here the record is made and then
/// looked for a mark. Whoever comes second sees the first.
async fn without_execution(environment: &Environment, stored: Stored) -> Result<Stored, Error> {
    let bucket = environment.bucket.as_ref();
    let Some(execution_id) = stored.record.execution_id.clone() else { return Ok(stored) };
    let Some(mark) = executions::mark_of(bucket, &execution_id).await? else { return Ok(stored) };
    cancel::write(environment, stored, &mark.reason).await
}

fn taken(run_id: &str, submission: &Submission) -> Problems {
    let pointer = if submission.run_id.is_some() { "/runId" } else { "" };
    let message = format!("run id `{run_id}` belongs to another submission");
    Problems(vec![Problem::new(pointer, message).accepted("a run id that was not used before, or none")])
}

/// Keep a submission that cannot be carried out.
pub async fn rejected(
    environment: &Environment,
    submitted: &Submitted,
    run_id: Option<&str>,
    problems: Problems,
) -> Result<Answer, Error> {
    let mut problems = problems;
    Source::of(&submitted.bytes).mark(&mut problems);
    let problems = problems.0;
    let refused = Refused { run_id, problems: &problems };
    let run_id = reject::submission(environment, submitted, refused).await?;
    Ok(Answer { run_id, state: State::Rejected, problems })
}
