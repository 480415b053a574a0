//! One pod: its run's record is read once, a decision is taken, and whoever has to act is told, once.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use shared::clock::later;
use shared::cluster::client::Change;
use shared::effects;
use shared::environment::Environment;
use shared::error::Error;
use shared::pod::{PodIdentity, identity_of};
use shared::resolve::plan::InputSource;
use shared::run::decision::Next;
use shared::run::last_words;
use shared::run::observation::{Observation, Roles};
use shared::run::rank::{self, Candidate, Owner};
use shared::run::state::State;
use shared::store::records::{self, Stored};
use shared::store::results;

use crate::group::Group;
use crate::hands::side_by_side;

/// Bytes of records that are kept in memory, about: those of the runs to which something happened last.
const REMEMBERED: usize = 32 * 1024 * 1024;

/// Bytes of a record beside the files that are written in its document, about; they can be many times as much.
const USUAL: usize = 20 * 1024;

/// A limit in the last moments of a poll is told by a message: it may end before its next look at what is due.
const LAST: Duration = Duration::from_secs(3);

/// What this poll has read and done.
#[derive(Default)]
pub struct Visits(Mutex<Done>);

#[derive(Default)]
struct Done {
    /// Records, by run; `None`: there is none.
    records: BTreeMap<String, Option<Stored>>,
    /// What they weigh together, those that were read anew counted twice.
    bytes: usize,
    /// Attempts that were handed over.
    handed: HashSet<(String, u32)>,
    /// Limits that a delayed message was sent for.
    announced: HashSet<(String, u32, Timestamp)>,
    /// Limits within this poll, and the pod they are about.
    limits: BTreeMap<(String, u32), (Timestamp, Box<Pod>)>,
}

impl Visits {
    fn done(&self) -> MutexGuard<'_, Done> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a pod came before us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Something happened to it.
    Changed,
    /// It stood in a listing.
    Listed,
}

/// Every pod of a page of a listing; the answer is the runs of which the attempt under way has its pod among them.
pub async fn listed(group: &Group<'_>, pods: &[Pod]) -> Result<Vec<String>, Error> {
    let looks = pods.iter().map(|pod| async move {
        let is_own = present(group, pod, Seen::Listed).await?;
        Ok(of_group(group, pod).filter(|_| is_own).map(|identity| identity.run_id.to_owned()))
    });
    Ok(side_by_side(looks).await?.into_iter().flatten().collect())
}

/// Several changes: those of one run one after the other, in their order, different runs side by side.
pub async fn changed(group: &Group<'_>, changes: &[Change]) -> Result<(), Error> {
    let mut runs: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        let pod = match change {
            Change::Present(pod) | Change::Gone(pod) => pod,
            Change::Bookmark(_) => continue,
        };
        if let Some(identity) = of_group(group, pod) {
            runs.entry(identity.run_id).or_default().push(change);
        }
    }
    let looks = runs.into_values().map(|changes| async move {
        for change in changes {
            match change {
                Change::Present(pod) => drop(present(group, pod, Seen::Changed).await?),
                Change::Gone(pod) => gone(group, pod).await?,
                Change::Bookmark(_) => {}
            }
        }
        Ok(())
    });
    side_by_side(looks).await.map(drop)
}

/// A pod that is there; whether it is that of its run's attempt under way.
pub async fn present(group: &Group<'_>, pod: &Pod, seen: Seen) -> Result<bool, Error> {
    let Some(identity) = of_group(group, pod) else { return Ok(false) };
    group.line.note(pod);
    let Some(stored) = record(group, identity, seen).await? else {
        return without_record(group, pod, identity).await.map(|()| false);
    };
    match owner(&stored, identity, pod) {
        Owner::Attempt => {}
        Owner::EarlierAttempt => return delete(group, pod).await.map(|()| false),
        // One that is going already says nothing about the attempt's own pod.
        Owner::Surplus if pod.metadata.deletion_timestamp.is_some() => return Ok(false),
        Owner::Surplus => return delete(group, pod).await.map(|()| false),
    }
    let observation = Observation::of(pod, &Roles::of(&stored.record.plan), group.environment.clock.now());
    decide(group, &stored, identity, &observation, Some((pod, seen))).await.map(|()| true)
}

fn owner(stored: &Stored, identity: PodIdentity<'_>, pod: &Pod) -> Owner {
    Owner::of(&stored.record.attempt, identity.attempt, pod.metadata.uid.as_deref())
}

/// Of several pods of one attempt one stays; called with all that were listed in a namespace.
pub async fn several(
    group: &Group<'_>,
    namespace: &str,
    (run_id, attempt): (&str, u32),
    candidates: &[Candidate],
) -> Result<(), Error> {
    let Some(stored) = load(group.environment, group.name, run_id).await? else { return Ok(()) };
    if stored.record.attempt.number != attempt {
        return Ok(());
    }
    let Some(kept) = rank::keep(stored.record.attempt.pod_uid.as_deref(), candidates) else { return Ok(()) };
    for surplus in candidates.iter().filter(|candidate| candidate.uid != kept && !candidate.is_ending) {
        remove(group, namespace, &surplus.name, &surplus.uid).await?;
    }
    Ok(())
}

/// A pod that is gone; its last state.
pub async fn gone(group: &Group<'_>, pod: &Pod) -> Result<(), Error> {
    let Some(identity) = of_group(group, pod) else { return Ok(()) };
    group.line.note_gone(pod);
    let key = (identity.run_id.to_owned(), identity.attempt);
    group.visits.done().limits.remove(&key);
    if group.visits.done().handed.contains(&key) {
        // Deleted by the collection that it was handed to.
        return Ok(());
    }
    let Some(stored) = record(group, identity, Seen::Changed).await? else { return Ok(()) };
    let is_over = results::read(group.environment.bucket.as_ref(), identity.run_id).await?.is_some();
    if is_over || owner(&stored, identity, pod) != Owner::Attempt {
        return Ok(());
    }
    let observation = Observation::last(pod, &Roles::of(&stored.record.plan), group.environment.clock.now());
    let stored = settle(group.environment, stored, identity, pod, &observation).await?;
    if owner(&stored, identity, pod) != Owner::Attempt {
        return Ok(());
    }
    decide(group, &stored, identity, &observation, None).await
}

/// The last state of a pod is seen only here: how its attempt ended is written down before it is handed over, unless the record has another one by now.
async fn settle(
    environment: &Environment,
    stored: Stored,
    identity: PodIdentity<'_>,
    pod: &Pod,
    observation: &Observation,
) -> Result<Stored, Error> {
    let now = environment.clock.now();
    let uid = pod.metadata.uid.as_deref();
    let settled = records::change(environment.bucket.as_ref(), stored.clone(), |record| {
        let is_own = Owner::of(&record.attempt, identity.attempt, uid) == Owner::Attempt;
        let settled =
            is_own.then(|| last_words::settled_by(record, identity.attempt, observation, now)).flatten();
        let changes = settled.is_some();
        if let Some(settled) = settled {
            *record = settled.by(environment.writer.as_str());
        }
        changes
    });
    match settled.await {
        Err(error) if error.is_not_found() => Ok(stored),
        other => Ok(other?),
    }
}

/// Limits that are over.
pub async fn due(group: &Group<'_>) -> Result<(), Error> {
    let now = group.environment.clock.now();
    look_again(group, |limit| limit <= now).await
}

/// Limits that this poll will not see: it ends. Whoever is over its limit is handed over, of the others a message tells in time.
pub async fn left(group: &Group<'_>) -> Result<(), Error> {
    look_again(group, |_| true).await
}

async fn look_again(group: &Group<'_>, is_meant: impl Fn(Timestamp) -> bool) -> Result<(), Error> {
    let meant: Vec<Box<Pod>> = {
        let mut done = group.visits.done();
        let keys: Vec<_> = done
            .limits
            .iter()
            .filter(|(_, (limit, _))| is_meant(*limit))
            .map(|(key, _)| key.clone())
            .collect();
        keys.iter().filter_map(|key| done.limits.remove(key)).map(|(_, pod)| pod).collect()
    };
    for pod in meant {
        present(group, &pod, Seen::Changed).await?;
    }
    Ok(())
}

async fn decide(
    group: &Group<'_>,
    stored: &Stored,
    identity: PodIdentity<'_>,
    observation: &Observation,
    pod: Option<(&Pod, Seen)>,
) -> Result<(), Error> {
    let environment = group.environment;
    let decision = shared::run::decide(&stored.record, observation, environment.clock.now());
    let key = (identity.run_id.to_owned(), identity.attempt);
    match (&decision.next, pod) {
        (Next::Wait { until }, Some((pod, _))) if later(*until, LAST) <= group.stop => {
            group.visits.done().limits.insert(key, (*until, Box::new(pod.clone())));
            Ok(())
        }
        // The next poll lists pods that wait, and of a small group all: it finds the limit in time.
        (Next::Wait { .. }, Some((_, seen)))
            if decision.state == State::Pending || (seen == Seen::Listed && group.is_small) =>
        {
            group.visits.done().limits.remove(&key);
            Ok(())
        }
        (Next::Wait { until }, _) => {
            group.visits.done().limits.remove(&key);
            let news = group.visits.done().announced.insert((key.0, key.1, *until));
            if news { effects::hand_over(environment, stored, &decision.next).await } else { Ok(()) }
        }
        (Next::Create | Next::Collect(_) | Next::End(_), _) => {
            group.visits.done().limits.remove(&key);
            if group.visits.done().handed.contains(&key) {
                return Ok(());
            }
            tracing::info!(run.id = key.0, run.attempt = key.1, run.state = %decision.state, "handed over");
            effects::hand_over(environment, stored, &decision.next).await?;
            group.visits.done().handed.insert(key);
            Ok(())
        }
    }
}

/// The record, from memory unless the pod is of a later attempt than was known. What stands in a listing is not remembered: there are as many pods as the
/// cluster carries, and most of them will not change before the next poll.
async fn record(group: &Group<'_>, identity: PodIdentity<'_>, seen: Seen) -> Result<Option<Stored>, Error> {
    let known = group.visits.done().records.get(identity.run_id).cloned();
    if let Some(Some(stored)) = known
        && stored.record.attempt.number >= identity.attempt
        && stored.record.has_pod()
    {
        return Ok(Some(stored));
    }
    let loaded = load(group.environment, group.name, identity.run_id).await?;
    if seen == Seen::Changed {
        let mut done = group.visits.done();
        let bytes = loaded.as_ref().map_or(USUAL, weight);
        if done.bytes.saturating_add(bytes) > REMEMBERED {
            done.records.clear();
            done.bytes = 0;
        }
        done.bytes = done.bytes.saturating_add(bytes);
        done.records.insert(identity.run_id.to_owned(), loaded.clone());
    }
    Ok(loaded)
}

/// Files that a document brings along stand in the record, and again in what a successor is made from.
fn weight(stored: &Stored) -> usize {
    let inputs = stored.record.plan.files.inputs.iter().map(|input| match &input.source {
        InputSource::Inline(text) => text.len(),
        InputSource::Object { .. } | InputSource::Shared { .. } => 0,
    });
    let files: usize = inputs.sum();
    let copies = 1 + usize::from(stored.record.original.is_some());
    files.saturating_mul(copies).saturating_add(USUAL)
}

async fn load(environment: &Environment, group: &str, run_id: &str) -> Result<Option<Stored>, Error> {
    match records::load(environment.bucket.as_ref(), group, run_id).await {
        Ok(stored) => Ok(Some(stored)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn of_group<'p>(group: &Group<'_>, pod: &'p Pod) -> Option<PodIdentity<'p>> {
    identity_of(pod).filter(|identity| identity.group == group.name)
}

/// The run is over and its record gone. A pod that should have gone goes now; one that was to be kept stays.
async fn without_record(group: &Group<'_>, pod: &Pod, identity: PodIdentity<'_>) -> Result<(), Error> {
    if pod.metadata.deletion_timestamp.is_some() || shared::pod::is_kept(pod) {
        return Ok(());
    }
    match results::read(group.environment.bucket.as_ref(), identity.run_id).await? {
        Some(_) => delete(group, pod).await,
        // Neither record nor result: not a run of this bucket.
        None => Ok(()),
    }
}

async fn delete(group: &Group<'_>, pod: &Pod) -> Result<(), Error> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (namespace, name, uid) =
        (text(&pod.metadata.namespace), text(&pod.metadata.name), text(&pod.metadata.uid));
    remove(group, &namespace, &name, &uid).await
}

async fn remove(group: &Group<'_>, namespace: &str, name: &str, uid: &str) -> Result<(), Error> {
    tracing::info!(pod.name = name, namespace, "a pod that was left over is deleted");
    Ok(group.cluster.delete(namespace, name, uid, None).await?)
}

#[cfg(test)]
mod tests {
    use shared::resolve::plan::InputFile;
    use shared::run::record::Record;

    use super::*;

    #[test]
    fn a_record_weighs_what_its_document_brings_along() {
        let text = include_str!("../../../tests/fixtures/formats/record-1.json");
        let record: Record = serde_json::from_str(text).unwrap();
        let mut stored = Stored { record, etag: String::new() };
        stored.record.original = None;
        stored.record.plan.files.inputs = vec![InputFile {
            path: "a".to_owned(),
            source: InputSource::Inline("x".repeat(1 << 20)),
            executable: false,
        }];
        assert_eq!(weight(&stored), (1 << 20) + USUAL);
    }
}
