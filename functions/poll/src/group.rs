//! One group: its clusters' namespaces are watched while it has active runs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::FusedFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use shared::clock::{between, later};
use shared::cluster::client::Cluster;
use shared::environment::Environment;
use shared::error::Error;
use shared::resolve::plan::ClusterChoice;
use shared::store::bucket::Listed;
use shared::store::cursors::{self, Cursor};
use shared::store::{keys, records};

use crate::hands::unreadable;
use crate::line::Line;
use crate::pod::Visits;
use crate::{absent, heartbeat, line, reconcile, watch};

/// Pods and records are compared as a whole this often.
const RECONCILE_EVERY: Duration = Duration::from_secs(600);

/// A group with at most this many active runs is compared at every poll: it costs two listings.
const SMALL: u32 = 50;

/// A cluster that cannot be asked costs a read for every record; in a large group those are looked at in one minute of so many.
const ABSENT_EVERY_MINUTES: i64 = 10;

/// How often new namespaces are looked for.
const NAMESPACES_EVERY: Duration = Duration::from_secs(10);

/// What a poll needs of its group.
pub struct Group<'a> {
    /// The world.
    pub environment: &'a Environment,
    /// Name of the group.
    pub name: &'a str,
    /// Its cluster.
    pub cluster: Arc<dyn Cluster>,
    /// Who waits for a free place in it.
    pub line: Line,
    /// What was done in this poll already.
    pub visits: Visits,
    /// It has so few active runs that every poll compares all of them.
    pub is_small: bool,
    /// When this poll ends.
    pub stop: Timestamp,
}

/// Look after a group until `stop`; at once done when nothing is active. Where its cluster cannot be asked, what can be done without it is.
pub async fn look_after(environment: &Environment, name: &str, stop: Timestamp) -> Result<(), Error> {
    let active = environment.bucket.list(&keys::records(name), None, SMALL + 1).await?;
    if active.is_empty() {
        return Ok(());
    }
    let Some(choice) = cluster_of(environment, name, &active).await? else { return Ok(()) };
    let is_small = active.len() <= SMALL as usize;
    let asked = ask(environment, name, &choice, is_small, stop).await;
    if let Err(Error::Cluster(error)) = &asked {
        // Whoever waits for these runs does not wait for the cluster.
        heartbeat::once(environment, name).await;
        let minute = environment.clock.now().as_second() / 60;
        if is_small || minute % ABSENT_EVERY_MINUTES == 0 {
            absent::runs(environment, name, error).await?;
        }
    }
    asked
}

/// Compare and watch.
async fn ask(
    environment: &Environment,
    name: &str,
    choice: &ClusterChoice,
    is_small: bool,
    stop: Timestamp,
) -> Result<(), Error> {
    let cluster = environment.clusters.of(choice)?;
    let line = Line::of(environment, choice).await?;
    let group = Group { environment, name, cluster, line, visits: Visits::default(), is_small, stop };
    let mut namespaces: BTreeSet<String> =
        cursors::namespaces(environment.bucket.as_ref(), name).await?.into_iter().collect();
    let mut cursor = Cursor::default();
    if let Some(namespace) = namespaces.first() {
        cursor = cursors::load(environment.bucket.as_ref(), name, namespace).await?;
    }
    // A group that grows beyond that is compared once more: until now nobody was told of limits that a comparison would find in time.
    if is_small || cursor.was_small || is_due(&cursor, environment.clock.now()) {
        namespaces.extend(reconcile::group(&group, &namespaces).await?);
    }
    let (watched, ()) = tokio::join!(watch_all(&group, namespaces), heartbeat::keep(&group));
    watched
}

/// The cluster of a group, as the first record says that can be understood; `None` where there is none.
async fn cluster_of(
    environment: &Environment,
    name: &str,
    active: &[Listed],
) -> Result<Option<ClusterChoice>, Error> {
    for (_, run_id) in active.iter().filter_map(|listed| keys::parse_record(&listed.key)) {
        match records::load(environment.bucket.as_ref(), name, run_id).await {
            Ok(stored) => return Ok(Some(stored.record.plan.target.cluster)),
            // Gone since it was listed.
            Err(error) if error.is_not_found() => {}
            Err(error) if error.is_unreadable() => unreadable(&error),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// The role may not look at this namespace: a matter of its own, which keeps nobody else's runs waiting.
pub fn is_closed(error: &Error) -> bool {
    matches!(error, Error::Cluster(error) if error.is_forbidden())
}

/// Tell people of a namespace that is closed.
pub fn tell_closed(group: &Group<'_>, namespace: &str, error: &Error) {
    tracing::error!(
        group = group.name,
        namespace,
        error = error.in_full(),
        "the runs of a namespace are not followed until the role may look at it"
    );
}

fn is_due(cursor: &Cursor, now: Timestamp) -> bool {
    cursor.reconciled_at.is_none_or(|at| between(at, now) >= RECONCILE_EVERY)
}

/// Watch a namespace; that it is closed ends nothing but this watch.
async fn watch_one(group: &Group<'_>, namespace: String) -> Result<(), Error> {
    match watch::namespace(group, namespace.clone()).await {
        Err(error) if is_closed(&error) => {
            tell_closed(group, &namespace, &error);
            Ok(())
        }
        other => other,
    }
}

/// Watch every namespace side by side, and those that are announced meanwhile.
async fn watch_all(group: &Group<'_>, namespaces: BTreeSet<String>) -> Result<(), Error> {
    let mut watched = namespaces;
    let mut watches: FuturesUnordered<_> =
        watched.iter().cloned().map(|namespace| watch_one(group, namespace)).collect();
    let clock = &group.environment.clock;
    let mut turns = std::pin::pin!(line::serve(group).fuse());
    loop {
        let now = clock.now();
        if now >= group.stop {
            break;
        }
        tokio::select! {
            // In this order: what happens depends on nothing but what happened. Who waits in line is not kept from it by a busy watch.
            biased;
            () = &mut turns, if !turns.is_terminated() => {}
            Some(outcome) = watches.next(), if !watches.is_empty() => outcome?,
            () = clock.sleep(NAMESPACES_EVERY.min(between(now, group.stop))) => {
                if later(clock.now(), NAMESPACES_EVERY) < group.stop {
                    let known = cursors::namespaces(group.environment.bucket.as_ref(), group.name).await?;
                    for namespace in known {
                        if watched.insert(namespace.clone()) {
                            watches.push(watch_one(group, namespace));
                        }
                    }
                }
            }
        }
    }
    if !turns.is_terminated() {
        turns.await;
    }
    while let Some(outcome) = watches.next().await {
        outcome?;
    }
    Ok(())
}
