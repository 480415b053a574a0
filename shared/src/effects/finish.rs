//! Ending an attempt: the result is written once, or the next attempt begins; then the pod goes.

use futures::future::BoxFuture;
use jiff::Timestamp;

use crate::clock::between;
use crate::effects::gather::Gathered;
use crate::effects::{keep, observe, stop, succeed, wait};
use crate::environment::Environment;
use crate::error::{Error, chain};
use crate::pod;
use crate::queue::{AnswerRequest, MAX_DELAY};
use crate::run::cached::{self, CacheEntry};
use crate::run::decision::{Ending, Outcome};
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::run::record::Record;
use crate::run::result::{FORMAT_VERSION, RunResult, Timings};
use crate::run::state::State;
use crate::run::transition::Successor;
use crate::store::records::{self, Stored};
use crate::store::{cache, results};
use crate::telemetry::metrics::Fact;

/// Grace for a pod of which only carriers are left: they ignore SIGTERM and have nothing to put in order.
const CARRIER_GRACE_SECONDS: u32 = 1;

/// Carry an ending out. Boxed, because nearly every effect can come to it, and each would hold its room.
///
/// # Errors
/// What the bucket, the cluster or a queue says; it may be done again.
pub fn end(
    environment: &Environment,
    stored: Stored,
    ending: Ending,
    gathered: Gathered,
) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(carry_out(environment, stored, ending, gathered))
}

async fn carry_out(
    environment: &Environment,
    stored: Stored,
    ending: Ending,
    gathered: Gathered,
) -> Result<(), Error> {
    let (ending, tolerated) = ending.tolerated(&stored.record.plan);
    match ending.outcome.clone() {
        Outcome::Finish(state) | Outcome::NewRun { state, .. } => {
            let still_runs = gathered.started_at.is_some() && gathered.finished_at.is_none();
            let result =
                RunResult { tolerated, ..compose(environment, &stored.record, state, ending, gathered) };
            let ended_at = result.timings.ended_at;
            let result = results::write_once(environment.bucket.as_ref(), result).await?;
            if result.timings.ended_at == ended_at {
                tell(&result);
                environment.measure(Fact::Ended(&result));
            }
            crate::crash::point("after-result");
            have_told(environment, &stored.record).await;
            if still_runs && result.state == State::Cancelled {
                // It is being deleted already, with a window for its files that nobody needs any more: its own grace is left.
                return delete(environment, &stored.record, own_grace(&stored.record)).await;
            }
            follow_up(environment, &stored.record, &result).await
        }
        Outcome::Retry { not_before, counted } => {
            retry(environment, stored, ending, not_before, counted).await
        }
    }
}

/// Whoever waits for the run is told now. What cannot be asked for is asked for by `poll`, as long as the record names somebody who was not told.
async fn have_told(environment: &Environment, record: &Record) {
    if record.unanswered().next().is_none() {
        return;
    }
    let request = AnswerRequest { run_id: record.run_id.clone(), to: None };
    if let Err(error) = environment.queues.answer(&request).await {
        tracing::warn!(run.id = record.run_id, error = chain(&error), "whoever waits is told later");
    }
}

/// What is still to be done for a run that has its result, whoever finds that: begin the run that takes over, keep the outcome for others, remove the pod.
///
/// # Errors
/// What the bucket, the cluster or a queue says; it may be done again.
pub async fn follow_up(environment: &Environment, record: &Record, result: &RunResult) -> Result<(), Error> {
    if result.superseded_by.is_some() {
        Box::pin(succeed::begin(environment, record, result)).await?;
    }
    let key = record.prepared.as_ref().and_then(|prepared| prepared.cache_key.as_deref());
    if let Some(key) = key.filter(|_| cached::is_reusable(record, result)) {
        cache::offer(environment.bucket.as_ref(), key, &CacheEntry::of(result)).await?;
    }
    remove_pod(environment, record, result.own_state()).await
}

/// The transition that everybody looks for; told by the collection whose result it is.
fn tell(result: &RunResult) {
    let cause = result.diagnosis.as_ref().map(|diagnosis| format!("{:?}", diagnosis.cause));
    tracing::info!(
        run.id = result.run_id,
        run.state = %result.state,
        run.cause = cause,
        duration_ms = result.timings.total_ms,
        "the run has ended"
    );
}

async fn retry(
    environment: &Environment,
    stored: Stored,
    ending: Ending,
    not_before: Timestamp,
    counted: bool,
) -> Result<(), Error> {
    let (old, now) = (stored.record.clone(), environment.clock.now());
    let unexplained = || Diagnosis::new(Cause::Internal, "the attempt ended without a reason");
    let diagnosis = ending.diagnosis.unwrap_or_else(unexplained);
    let cause = diagnosis.cause;
    let change = |record: &mut Record| {
        let changes = record.attempt.number == old.attempt.number;
        if changes {
            let next = record.attempt.number.saturating_add(1);
            let pod_name = pod::name(&record.plan, &record.run_id, next);
            let successor =
                Successor { pod_name, counted, not_before, diagnosis: diagnosis.clone(), ended_at: now };
            *record = record.clone().next_attempt(successor).by(environment.writer.as_str());
        }
        changes
    };
    let stored = records::change(environment.bucket.as_ref(), stored, change).await?;
    tracing::info!(run.id = old.run_id, run.attempt = stored.record.attempt.number, until = %not_before, "another attempt follows");
    environment.measure(Fact::Retried(cause));
    delete(environment, &old, own_grace(&old)).await?;
    let delay = between(now, not_before).min(MAX_DELAY);
    Ok(environment.queues.carry_on(&wait::message(&stored.record, 0), delay).await?)
}

/// The pod of a run that has ended goes, unless it is to be kept and comes to its end; a cancelled run's goes in any case, and so does one that still runs.
///
/// # Errors
/// What the cluster says.
pub async fn remove_pod(environment: &Environment, record: &Record, state: State) -> Result<(), Error> {
    if !record.has_pod() {
        return Ok(());
    }
    if !removes_pod(record, state) {
        return keep::to_its_end(environment, record).await;
    }
    delete(environment, record, grace(record)).await
}

/// The pod of a run that ended so is to go.
pub fn removes_pod(record: &Record, state: State) -> bool {
    match state {
        State::Cancelled | State::TimedOut => true,
        State::Succeeded => record.plan.delete,
        _ => record.plan.delete && !record.plan.keep_failed,
    }
}

/// The user's own grace where containers of theirs may still run, else next to none.
fn grace(record: &Record) -> Option<u32> {
    let containers = record.plan.pod.pointer("/spec/containers").and_then(serde_json::Value::as_array);
    let companions = containers.is_some_and(|containers| containers.len() > 1);
    if companions { own_grace(record) } else { Some(CARRIER_GRACE_SECONDS) }
}

/// The pod's own grace, said aloud: a pod that is being deleted with a longer one keeps that otherwise.
fn own_grace(record: &Record) -> Option<u32> {
    u32::try_from(stop::grace_seconds(record)).ok()
}

async fn delete(environment: &Environment, record: &Record, grace_seconds: Option<u32>) -> Result<(), Error> {
    let Some(uid) = &record.attempt.pod_uid else { return Ok(()) };
    let cluster = environment.clusters.of(&record.plan.target.cluster)?;
    let namespace = observe::namespace(environment, record);
    Ok(cluster.delete(namespace, &record.attempt.pod_name, uid, grace_seconds).await?)
}

/// The task is not to run, or its exit code says that there was nothing to do.
fn skipped_because(record: &Record, exit_code: Option<i32>) -> Option<String> {
    let by_code = || match exit_code {
        Some(code) => format!("the exit code is {code}, which means that the run is skipped"),
        None => "the exit code means that the run is skipped".to_owned(),
    };
    Some(record.plan.skip.clone().unwrap_or_else(by_code))
}

fn compose(
    environment: &Environment,
    record: &Record,
    state: State,
    ending: Ending,
    gathered: Gathered,
) -> RunResult {
    let now = environment.clock.now();
    let millis =
        |from: Timestamp, to: Timestamp| u64::try_from(between(from, to).as_millis()).unwrap_or(u64::MAX);
    let running = gathered.started_at.zip(gathered.finished_at);
    let has_failed = ending.diagnosis.is_some();
    let mut warnings = record.plan.warnings.clone();
    warnings.extend(ending.warnings);
    warnings.extend(gathered.warnings);
    RunResult {
        format_version: FORMAT_VERSION,
        run_id: record.run_id.clone(),
        submission_hash: Some(record.submission_hash.clone()),
        group: Some(record.group.clone()),
        state,
        skipped_because: skipped_because(record, gathered.exit_code).filter(|_| state == State::Skipped),
        tolerated: None,
        cached_from: gathered.cached_from,
        predecessor: record.lineage.as_ref().map(|lineage| lineage.predecessor.clone()),
        superseded_by: matches!(ending.outcome, Outcome::NewRun { .. })
            .then(|| record.next_in_line().run_id()),
        diagnosis: ending.diagnosis,
        problems: Vec::new(),
        outputs: gathered.outputs,
        pod: gathered.pod,
        output_files: gathered.files,
        logs: gathered.logs,
        log_tail: gathered.tail.filter(|_| has_failed),
        warnings,
        attempt: if record.has_pod() {
            record.attempt.number
        } else {
            record.attempt.number.saturating_sub(1)
        },
        pod_name: record.attempt.pod_uid.as_ref().map(|_| record.attempt.pod_name.clone()),
        namespace: Some(observe::namespace(environment, record).to_owned()),
        timings: Timings {
            accepted_at: Some(record.accepted_at),
            pod_created_at: record.attempt.created_at,
            started_at: gathered.started_at,
            finished_at: gathered.finished_at,
            collected_from: gathered.from,
            ended_at: now,
            total_ms: millis(record.accepted_at, now),
            running_ms: running.map(|(from, to)| millis(from, to)),
            collecting_ms: gathered.from.map(|from| millis(from, now)),
        },
    }
}
