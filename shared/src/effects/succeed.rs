//! A run that was superseded is followed by a new one (`behavior: CREATE_NEW_EXECUTION`).

use crate::clock::between;
use crate::effects::{plan, wait};
use crate::environment::Environment;
use crate::error::Error;
use crate::pod;
use crate::queue::MAX_DELAY;
use crate::resolve::plan::Plan;
use crate::run::limits::later;
use crate::run::record::Record;
use crate::run::result::RunResult;
use crate::run::transition::Acceptance;
use crate::spec::answer::Asked;
use crate::store::records::Created;
use crate::store::{records, results};

/// Begin the run that takes over, unless it has begun. The result of the one before names it and is written first: whoever finds that result does what
/// is still to be done, and the successor's id makes sure that it is done once.
///
/// # Errors
/// What the bucket or the queue says.
pub async fn begin(environment: &Environment, record: &Record, result: &RunResult) -> Result<(), Error> {
    let lineage = record.next_in_line();
    let run_id = lineage.run_id();
    if result.superseded_by.as_ref() != Some(&run_id) {
        return Ok(());
    }
    let bucket = environment.bucket.as_ref();
    if results::read(bucket, &run_id).await?.is_some() {
        return Ok(());
    }
    let plan = replan(environment, record, &run_id).await?;
    let counted = record.attempt.counted.saturating_add(1);
    let not_before =
        later(result.timings.ended_at, record.plan.retry.backoff.seconds(&record.run_id, counted));
    let successor = Record::accepted(Acceptance {
        group: environment.group_of(&plan.target.cluster),
        pod_name: pod::name(&plan, &run_id, 1),
        run_id,
        submission_hash: record.submission_hash.clone(),
        source: record.source.clone(),
        hops: record.hops,
        accepted_at: environment.clock.now(),
        writer: environment.writer.clone(),
        plan,
        // Whoever asked is told how it ends in the end.
        asked: Asked {
            addresses: record.answers.iter().map(|answer| answer.to.clone()).collect(),
            heartbeat_seconds: record.heartbeat_seconds,
        },
        execution_id: record.execution_id.clone(),
    });
    let successor = successor.following(lineage, record, not_before);
    let (Created::New(stored) | Created::Existing(stored)) = records::create(bucket, successor).await?;
    tracing::info!(run.id = record.run_id, run.superseded_by = stored.record.run_id, "a new run takes over");
    if stored.record.has_pod() {
        return Ok(());
    }
    let delay = between(environment.clock.now(), not_before).min(MAX_DELAY);
    Ok(environment.queues.carry_on(&wait::message(&stored.record, 0), delay).await?)
}

/// The submission planned for the new run, so that templates have its id. One that cannot be planned any more, because the deployment has changed,
/// runs as it did.
async fn replan(environment: &Environment, record: &Record, run_id: &str) -> Result<Plan, Error> {
    let submission = record.original.as_ref().map(|original| original.submission(run_id));
    let Some(submission) = submission else { return Ok(record.plan.clone()) };
    let planned = plan::of(environment, &submission, run_id).await?;
    // It stays in the cluster, and so in the group, of the run before, and has its priority, which the envelope may have given.
    let (target, priority) = (record.plan.target.clone(), record.plan.priority);
    Ok(planned.map_or_else(|_| record.plan.clone(), |plan| Plan { target, priority, ..plan }))
}
