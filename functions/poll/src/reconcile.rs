//! Pods and records of a group compared as a whole: pods that vanished, records without a pod, messages that were lost, runs that are over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use shared::clock::{between, later};
use shared::effects::{self, finish, observe};
use shared::error::Error;
use shared::pod::identity_of;
use shared::run::decision::Next;
use shared::run::observation::Observation;
use shared::store::bucket::{Listed, list_all};
use shared::store::cursors::{self, Cursor};
use shared::store::records::{self, Stored};
use shared::store::{keys, results};

use crate::group::Group;
use crate::pod::{self, Seen};

/// A record this young may belong to a function that is at work on it; also how old a result must be before its record goes: longer than `submit` may take.
const SETTLED_AFTER: Duration = Duration::from_secs(65);

/// Compare; the answer is the namespaces that records name beyond those that were known.
pub async fn group(group: &Group<'_>, namespaces: &BTreeSet<String>) -> Result<BTreeSet<String>, Error> {
    let bucket = group.environment.bucket.as_ref();
    let mut pods = BTreeMap::new();
    for namespace in namespaces {
        list(group, namespace, &mut pods).await?;
    }
    let now = group.environment.clock.now();
    let mut found = BTreeSet::new();
    for listed in list_all(bucket, &keys::records(group.name)).await? {
        let Some((_, run_id)) = keys::parse_record(&listed.key) else { continue };
        if between(listed.modified, now) < SETTLED_AFTER && !namespaces.is_empty() {
            continue;
        }
        let stored = match records::load(bucket, group.name, run_id).await {
            Ok(stored) => stored,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error.into()),
        };
        let namespace = observe::namespace(group.environment, &stored.record).to_owned();
        if namespaces.contains(&namespace) {
            settle(group, &stored, &listed, pods.contains_key(run_id), now).await?;
        } else {
            found.insert(namespace);
        }
    }
    for namespace in namespaces {
        let kept = cursors::load(bucket, group.name, namespace).await?;
        let cursor = Cursor { format_version: 1, reconciled_at: Some(now), ..kept };
        cursors::save(bucket, group.name, namespace, &cursor).await?;
    }
    Ok(found)
}

/// Every pod is looked at.
async fn list(group: &Group<'_>, namespace: &str, pods: &mut BTreeMap<String, u32>) -> Result<(), Error> {
    let mut next = None;
    loop {
        let page = group.cluster.list(namespace, None, next.as_deref()).await?;
        for found in &page.pods {
            pod::present(group, found, Seen::Listed).await?;
            if let Some(identity) = identity_of(found) {
                pods.insert(identity.run_id.to_owned(), identity.attempt);
            }
        }
        next = page.next;
        if next.is_none() {
            return Ok(());
        }
    }
}

/// A record: of a run that is over it goes in time; of one without a pod the next step is asked for again.
async fn settle(
    group: &Group<'_>,
    stored: &Stored,
    listed: &Listed,
    has_pod: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let environment = group.environment;
    let record = &stored.record;
    if let Some(written) = results::read(environment.bucket.as_ref(), &record.run_id).await? {
        if has_pod && record.plan.delete {
            return finish::remove_pod(environment, record, written.result.state).await;
        }
        if between(written.at, now) >= SETTLED_AFTER {
            tracing::info!(run.id = record.run_id, "the record of a run that is over is removed");
            environment.bucket.delete(&listed.key).await?;
        }
        return Ok(());
    }
    if has_pod {
        return Ok(());
    }
    let decision = shared::run::decide(record, &Observation::gone(now), now);
    match decision.next {
        // Its message comes in time; if it was lost, a later comparison finds it over.
        Next::Wait { until } if until > later(now, SETTLED_AFTER) => Ok(()),
        next => effects::hand_over(environment, stored, &next).await,
    }
}
