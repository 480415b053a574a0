//! Bringing an attempt's logs and files back, and then ending it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::effects::gather::{Collector, Gathered, NO_LOGS, Progress, View, leavings};
use crate::effects::{Turn, explain, finish, give_way, stop, wait};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::direct;
use crate::run::decision::Ending;
use crate::run::facts::PodFacts;
use crate::run::observation::Observation;
use crate::run::record::{CollectionProgress, Record};
use crate::store::records::{self, Stored};

/// Left for the result and the pod's deletion at the end of an invocation.
const RESERVE: Duration = Duration::from_secs(15);

/// Collect, then carry the ending out. A collection that does not fit into this invocation is carried on by the next one.
///
/// # Errors
/// What the bucket, the cluster or a queue says; the next delivery carries on.
pub async fn collect(
    environment: &Environment,
    stored: Stored,
    observation: &Observation,
    ending: Ending,
    turn: Turn,
) -> Result<(), Error> {
    let until = earlier(turn.deadline, RESERVE);
    let gives_way = give_way::is_due(&stored.record, turn);
    let cluster = environment.clusters.of(&stored.record.plan.target.cluster)?;
    // Explained while the pod is still as it ended; an ending that was settled earlier has been.
    let ending = match &stored.record.ending {
        Some(_) => ending,
        None => explain::ending(environment, cluster.as_ref(), &stored.record, observation, ending).await?,
    };
    let uploads = stored.record.plan.files.uploads();
    let Some(facts) = observation.pod.clone() else {
        return without_pod(environment, stored, ending, turn).await;
    };
    let mut gathered = Gathered { from: Some(environment.clock.now()), ..Gathered::default() };
    let view = View { environment, cluster: cluster.as_ref(), until, last_try: turn.last_try };
    let unreadable = observation.gone || facts.node_is_silent();
    let (stored, facts, ending) = if ending.stop && !unreadable {
        let (stored, settled) = stop::settle(environment, stored, &ending).await?;
        let Some(ending) = settled else { return look_anew(environment, &stored, turn).await };
        let (stored, facts) = stop_pod(view, stored, facts, &ending, &mut gathered).await?;
        (stored, facts, ending)
    } else {
        (stored, facts, ending)
    };
    gathered.started_at = facts.main_started_at();
    gathered.finished_at = facts.main_finished_at().or(gathered.finished_at);
    gathered.exit_code = facts.deciding().find_map(|main| main.termination().map(|end| end.exit_code));
    let done = if uploads { direct::done(environment, &stored.record).await? } else { None };
    let collector = Collector { view, record: &stored.record, facts: &facts, done: done.as_ref() };
    if !unreadable {
        collector.pod(&mut gathered).await?;
        collector.logs(&mut gathered).await?;
    }
    if gives_way && (unreadable || give_way::misses_a_log(&facts, &gathered)) {
        return give_way::look_later(environment, &stored.record, turn).await;
    }
    let progress = if unreadable {
        let progress = match uploads {
            true => leavings(view, &stored.record, done.as_ref(), &mut gathered).await?,
            false => Progress::Finished,
        };
        collector.nothing_to_read(&mut gathered);
        progress
    } else {
        collector.files(&mut gathered).await?
    };
    if progress == Progress::Unfinished {
        return carry_on(environment, stored, turn).await;
    }
    let shortfall = std::mem::take(&mut gathered.shortfall);
    let ending = ending.with_delivery(&stored.record, shortfall, environment.clock.now());
    crate::crash::point("before-result");
    finish::end(environment, stored, ending, gathered).await
}

/// End an attempt whose pod cannot be seen any more, with what a helper in it has uploaded.
///
/// # Errors
/// What the bucket, the cluster or a queue says; the next delivery carries on.
pub async fn without_pod(
    environment: &Environment,
    stored: Stored,
    ending: Ending,
    turn: Turn,
) -> Result<(), Error> {
    if give_way::is_due(&stored.record, turn) {
        return give_way::look_later(environment, &stored.record, turn).await;
    }
    // Nothing that is looked at tells of it, as of a pod that is there: another attempt may have begun since the record was read.
    let bucket = environment.bucket.as_ref();
    let current = records::load(bucket, &stored.record.group, &stored.record.run_id).await?;
    if current.record.attempt.number != stored.record.attempt.number {
        return Ok(());
    }
    let mut gathered = Gathered::default();
    if stored.record.has_pod() && stored.record.plan.files.uploads() {
        let cluster = environment.clusters.of(&stored.record.plan.target.cluster)?;
        let until = earlier(turn.deadline, RESERVE);
        let view = View { environment, cluster: cluster.as_ref(), until, last_try: turn.last_try };
        let done = direct::done(environment, &stored.record).await?;
        if leavings(view, &stored.record, done.as_ref(), &mut gathered).await? == Progress::Unfinished {
            return carry_on(environment, stored, turn).await;
        }
    }
    if stored.record.has_pod() && gathered.logs.is_empty() {
        gathered.warnings.push(NO_LOGS.to_owned());
    }
    let shortfall = std::mem::take(&mut gathered.shortfall);
    let ending = ending.with_delivery(&stored.record, shortfall, environment.clock.now());
    finish::end(environment, stored, ending, gathered).await
}

/// Stop the pod. Its logs are followed from before the deletion on, since a pod without carriers is gone as soon as its containers have ended.
async fn stop_pod(
    view: View<'_>,
    stored: Stored,
    facts: PodFacts,
    ending: &Ending,
    gathered: &mut Gathered,
) -> Result<(Stored, PodFacts), Error> {
    let patience = stop::patience(view.environment, &stored.record, ending, view.until);
    let record = stored.record.clone();
    let collector = Collector { view, record: &record, facts: &facts, done: None };
    let opened = collector.open_logs().await;
    let silent = AtomicBool::new(false);
    let followed = async {
        let followed = collector.follow_logs(opened, patience, gathered).await;
        let now = view.environment.clock.now();
        if now < patience && facts.deciding().all(|main| gathered.logs.contains_key(&main.name)) {
            gathered.finished_at = Some(now);
            silent.store(true, Ordering::Relaxed);
        }
        followed
    };
    let (followed, stopped) =
        futures::join!(followed, stop::pod(view.environment, stored, patience, &silent));
    followed?;
    let (stored, observation) = stopped?;
    Ok((stored, observation.pod.unwrap_or(facts)))
}

/// Out of time: remember how far it came, and carry on in another invocation.
async fn carry_on(environment: &Environment, stored: Stored, turn: Turn) -> Result<(), Error> {
    let number = stored.record.attempt.number;
    let change = |record: &mut Record| {
        let rounds = record
            .collection
            .as_ref()
            .filter(|progress| progress.attempt == number)
            .map_or(0, |progress| progress.rounds);
        record.collection = Some(CollectionProgress { attempt: number, rounds: rounds.saturating_add(1) });
        record.writer.clone_from(&environment.writer);
        true
    };
    let stored = records::change(environment.bucket.as_ref(), stored, change).await?;
    tracing::info!(run.id = stored.record.run_id, "the collection is carried on by another invocation");
    look_anew(environment, &stored, turn).await
}

/// Have another invocation look at the run, now.
async fn look_anew(environment: &Environment, stored: &Stored, turn: Turn) -> Result<(), Error> {
    let message = wait::message(&stored.record, turn.hops.saturating_add(1));
    Ok(environment.queues.look_at(&message, Duration::ZERO).await?)
}

/// `time` minus `duration`, or the beginning of time.
fn earlier(time: Timestamp, duration: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(duration)
        .ok()
        .and_then(|span| time.checked_sub(span).ok())
        .unwrap_or(Timestamp::MIN)
}
