//! Pods and records of a group compared as a whole: pods that vanished, records without a pod, messages that were lost, runs that are over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use shared::clock::{between, later};
use shared::effects::{self, finish, observe, wait};
use shared::environment::Environment;
use shared::error::Error;
use shared::pod::identity_of;
use shared::queue::AnswerRequest;
use shared::run::decision::Next;
use shared::run::observation::Observation;
use shared::run::rank::Candidate;
use shared::run::record::Record;
use shared::store::bucket::{Bucket, Listed, list_all};
use shared::store::cursors::{self, Cursor};
use shared::store::records::{self, Stored};
use shared::store::{keys, results, waiting};

use crate::group::{Group, is_closed, tell_closed};
use crate::hands::side_by_side;
use crate::pod;

/// A record this young may belong to a function that is at work on it; also how old a result must be before its record goes: longer than `submit` may take.
pub const SETTLED_AFTER: Duration = Duration::from_secs(65);

/// How long somebody who cannot be told is told again.
const ANSWER_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Compare; the answer is the namespaces that records name beyond those that were known.
pub async fn group(group: &Group<'_>, namespaces: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
    let bucket = group.environment.bucket.as_ref();
    let mut pods = Pods::default();
    let mut versions = BTreeMap::new();
    let mut closed = BTreeSet::new();
    for namespace in namespaces {
        match list(group, namespace, &mut pods).await {
            Ok(version) => drop(versions.insert(namespace, version)),
            Err(error) if is_closed(&error) => {
                tell_closed(group, namespace, &error);
                closed.insert(namespace.as_str());
            }
            Err(error) => return Err(error),
        }
    }
    let waiting: BTreeSet<String> =
        waiting::all(bucket, group.name).await?.into_iter().map(|mark| mark.run_id).collect();
    let now = group.environment.clock.now();
    let listed = list_all(bucket, &keys::records(group.name)).await?;
    let is_due = |listed: &&Listed| namespaces.is_empty() || between(listed.modified, now) >= SETTLED_AFTER;
    let compared = listed.iter().filter(is_due).filter_map(|listed| {
        let (_, run_id) = keys::parse_record(&listed.key)?;
        let kept = Kept {
            has_pod: pods.own.contains(run_id),
            has_any: pods.any.contains(run_id),
            waits: waiting.contains(run_id),
        };
        Some(compare(group, (namespaces, &closed), listed, run_id, kept, now))
    });
    let found = side_by_side(compared).await?;
    for namespace in namespaces {
        let kept = cursors::load(bucket, group.name, namespace).await?;
        let mut cursor =
            Cursor { format_version: 1, reconciled_at: Some(now), was_small: group.is_small, ..kept };
        // Every pod was just looked at: a watch that knows no place to resume from begins where the listing stands.
        if let Some(version) = versions.remove(namespace).filter(|_| cursor.resource_version.is_empty()) {
            cursor.resource_version = version;
        }
        cursors::save(bucket, group.name, namespace, &cursor).await?;
    }
    Ok(found.into_iter().flatten().collect())
}

/// One record; the answer is its namespace when that is none of those that are known. What cannot be seen in a namespace that is closed has not vanished.
async fn compare(
    group: &Group<'_>,
    (namespaces, closed): (&BTreeSet<String>, &BTreeSet<&str>),
    listed: &Listed,
    run_id: &str,
    kept: Kept,
    now: Timestamp,
) -> Result<Option<String>, Error> {
    let bucket = group.environment.bucket.as_ref();
    // Most runs have a pod, which was looked at with their record, and no result: that is all there is to know of them.
    if kept.has_pod && results::read(bucket, run_id).await?.is_none() {
        return Ok(None);
    }
    let stored = match records::load(bucket, group.name, run_id).await {
        Ok(stored) => stored,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let namespace = observe::namespace(group.environment, &stored.record).to_owned();
    if !namespaces.contains(&namespace) {
        return Ok(Some(namespace));
    }
    if closed.contains(namespace.as_str()) && stored.record.has_pod() {
        return Ok(None);
    }
    settle(group, &stored, listed, kept, now).await?;
    Ok(None)
}

/// Every pod is looked at; the answer is the version at which the listing stands.
async fn list(group: &Group<'_>, namespace: &str, pods: &mut Pods) -> Result<String, Error> {
    let mut attempts: BTreeMap<(String, u32), Vec<Candidate>> = BTreeMap::new();
    let mut next = None;
    let version = loop {
        let page = group.cluster.list(namespace, None, next.as_deref()).await?;
        pods.own.extend(pod::listed(group, &page.pods).await?);
        for found in &page.pods {
            if let Some(identity) = identity_of(found) {
                pods.any.insert(identity.run_id.to_owned());
                let attempt = (identity.run_id.to_owned(), identity.attempt);
                attempts.entry(attempt).or_default().push(Candidate::of(found));
            }
        }
        next = page.next;
        if next.is_none() {
            break page.resource_version;
        }
    };
    for ((run_id, attempt), candidates) in attempts.iter().filter(|(_, candidates)| candidates.len() > 1) {
        pod::several(group, namespace, (run_id, *attempt), candidates).await?;
    }
    Ok(version)
}

/// The run that takes over has a record or a result.
pub async fn has_begun(bucket: &dyn Bucket, group: &str, run_id: &str) -> Result<bool, Error> {
    match records::load(bucket, group, run_id).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(results::read(bucket, run_id).await?.is_some()),
        Err(error) => Err(error.into()),
    }
}

/// Have everybody told who was not, since the function that ended the run died or they could not be reached; for a day. The answer is whether nobody is waited for
/// any more.
pub async fn have_told(environment: &Environment, record: &Record, age: Duration) -> Result<bool, Error> {
    if record.unanswered().next().is_none() || age >= ANSWER_WITHIN {
        return Ok(true);
    }
    let request = AnswerRequest { run_id: record.run_id.clone(), to: None };
    environment.queues.answer(&request).await?;
    Ok(false)
}

/// The record of a run that is over goes.
pub async fn forget(environment: &Environment, record: &Record, key: &str) -> Result<(), Error> {
    let unanswered = record.unanswered().count();
    if unanswered > 0 {
        tracing::error!(
            run.id = record.run_id,
            unanswered,
            "nobody could be told of the run's end for a day"
        );
    }
    if record.heartbeat_seconds.is_some() {
        environment.bucket.delete(&keys::heartbeat(&record.group, &record.run_id)).await?;
    }
    tracing::info!(run.id = record.run_id, "the record of a run that is over is removed");
    Ok(environment.bucket.delete(key).await?)
}

/// Runs that have pods.
#[derive(Default)]
struct Pods {
    /// That of the attempt under way.
    own: BTreeSet<String>,
    /// Any, one as well that an earlier attempt has left and that does not go.
    any: BTreeSet<String>,
}

/// What else there is of a record's run.
#[derive(Clone, Copy)]
struct Kept {
    /// That of the attempt under way.
    has_pod: bool,
    /// One of whatever attempt.
    has_any: bool,
    /// It waits for a free place.
    waits: bool,
}

/// A record: of a run that is over it goes in time; of one without a pod the next step is asked for again.
async fn settle(
    group: &Group<'_>,
    stored: &Stored,
    listed: &Listed,
    kept: Kept,
    now: Timestamp,
) -> Result<(), Error> {
    let (environment, has_pod) = (group.environment, kept.has_pod);
    let record = &stored.record;
    if let Some(written) = results::read(environment.bucket.as_ref(), &record.run_id).await? {
        let age = between(written.at, now);
        // Whatever is left of its pod: whoever waits for the run does not wait for that.
        let may_go = age >= SETTLED_AFTER && have_told(environment, record, age).await?;
        if let Some(successor) = &written.result.superseded_by
            && !has_begun(environment.bucket.as_ref(), group.name, successor).await?
        {
            // Whoever wrote the result could not begin it any more.
            return Ok(environment.queues.look_at(&wait::message(record, 0), Duration::ZERO).await?);
        }
        if has_pod && !record.has_pod() {
            // Its creator got no answer before it gave up: `collect` takes the pod on and removes it.
            return Ok(environment.queues.look_at(&wait::message(record, 0), Duration::ZERO).await?);
        }
        if kept.has_any && finish::removes_pod(record, written.result.own_state()) {
            return finish::remove_pod(environment, record, written.result.own_state()).await;
        }
        return if may_go { forget(environment, record, &listed.key).await } else { Ok(()) };
    }
    if has_pod {
        return Ok(());
    }
    let decision = shared::run::decide(record, &Observation::gone(now), now);
    match decision.next {
        // Its message comes in time; if it was lost, a later comparison finds it over.
        Next::Wait { until } if until > later(now, SETTLED_AFTER) => Ok(()),
        // It has its turn when a place is free.
        Next::Create if kept.waits => Ok(()),
        next => effects::hand_over(environment, stored, &next).await,
    }
}
