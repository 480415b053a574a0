//! A submission becomes a run: read, planned, recorded, and its pod created.

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::effects::Turn;
use shared::environment::Environment;
use shared::error::Error;
use shared::pod;
use shared::resolve::plan::Plan;
use shared::resolve::{self, Context};
use shared::run::record::Record;
use shared::run::state::State;
use shared::run::transition::Acceptance;
use shared::spec;
use shared::spec::problem::{Problem, Problems};
use shared::spec::submission::Submission;
use shared::store::records::Created;
use shared::store::upload::hex;
use shared::store::{records, results};

use crate::carry_on;
use crate::reject::{self, Refused};

/// What arrived.
pub struct Submitted {
    /// Unique to this submission and the same when it is delivered again.
    pub source_id: String,
    /// For people: `sqs:<message id>`, `invoke:<request id>`.
    pub source: String,
    /// The submission.
    pub bytes: Vec<u8>,
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
    let hash = hex(&Sha256::digest(&submitted.bytes));
    let submission = match spec::read::submission(&submitted.bytes) {
        Ok(submission) => submission,
        Err(problems) => return rejected(environment, &submitted, None, problems).await,
    };
    let run_id = submission.run_id.clone().unwrap_or_else(|| submitted.source_id.clone());
    if let Some(written) = results::read(environment.bucket.as_ref(), &run_id).await? {
        return match written.result.submission_hash {
            Some(other) if other != hash => {
                rejected(environment, &submitted, None, taken(&run_id, &submission)).await
            }
            Some(_) | None => Ok(Answer { run_id, state: written.result.state, problems: Vec::new() }),
        };
    }
    let plan = match plan(environment, &submission, &run_id) {
        Ok(plan) => plan,
        Err(problems) => {
            return rejected(environment, &submitted, submission.run_id.as_deref(), problems).await;
        }
    };
    let record = Record::accepted(Acceptance {
        group: environment.group_of(&plan.target.cluster),
        pod_name: pod::name(&plan, &run_id, 1),
        run_id: run_id.clone(),
        submission_hash: hash.clone(),
        source: submitted.source.clone(),
        accepted_at: environment.clock.now(),
        writer: environment.writer.clone(),
        plan,
    });
    let stored = match records::create(environment.bucket.as_ref(), record).await? {
        Created::New(stored) => {
            tracing::info!(
                run.id = run_id,
                group = stored.record.group,
                task.id = stored.record.plan.task.id,
                "the run is accepted"
            );
            stored
        }
        Created::Existing(stored) if stored.record.submission_hash == hash => stored,
        Created::Existing(_) => {
            return rejected(environment, &submitted, None, taken(&run_id, &submission)).await;
        }
    };
    shared::crash::point("after-record");
    carry_on::proceed(environment, stored, Turn { deadline, hops: 0, last_try: false }).await?;
    Ok(Answer { run_id, state: State::Accepted, problems: Vec::new() })
}

fn plan(environment: &Environment, submission: &Submission, run_id: &str) -> Result<Plan, Problems> {
    let context = Context {
        run_id,
        inputs: &submission.inputs,
        trigger: &submission.trigger,
        bucket: &environment.config.bucket,
        replace_connection: false,
    };
    let mut plan = resolve::plan_of(submission, &context)?;
    plan.target.namespace.get_or_insert_with(|| environment.config.namespace.clone());
    Ok(plan)
}

fn taken(run_id: &str, submission: &Submission) -> Problems {
    let pointer = if submission.run_id.is_some() { "/runId" } else { "" };
    let message = format!("run id `{run_id}` belongs to another submission");
    Problems(vec![Problem::new(pointer, message).accepted("a run id that was not used before, or none")])
}

async fn rejected(
    environment: &Environment,
    submitted: &Submitted,
    run_id: Option<&str>,
    problems: Problems,
) -> Result<Answer, Error> {
    let problems = problems.0;
    reject::submission(environment, submitted, Refused { run_id, problems: &problems }).await?;
    Ok(Answer { run_id: run_id.unwrap_or(&submitted.source_id).to_owned(), state: State::Rejected, problems })
}
