//! Runs that wait for a free place in a cluster with a cap. Nobody else creates pods there, and polls of a group run one at a time: so there are never
//! more than the cap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use shared::clock::later;
use shared::effects::create::{self, Made};
use shared::effects::{self, Turn, line};
use shared::environment::Environment;
use shared::error::Error;
use shared::pod::identity_of;
use shared::resolve::plan::ClusterChoice;
use shared::run::decision::Next;
use shared::run::observation::Observation;
use shared::run::record::Record;
use shared::spec::clusters::Caps;
use shared::store::waiting::{self, Mark};
use shared::store::{cursors, records};
use tokio::sync::Notify;

use crate::RESERVE;
use crate::group::{Group, is_closed, tell_closed};
use crate::hands::unreadable;

/// Selects pods that have not ended.
const LIVE: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// Between two looks for runs that wait, unless a place becomes free.
const PAUSE: Duration = Duration::from_secs(3);

/// Runs of a namespace whose turn comes at one look; more at the next.
const MOST: usize = 100;

/// Pods that are created at the same time.
const HANDS: usize = 8;

/// The line of a group, and the places that are taken.
pub struct Line {
    /// `None`: nobody knows them, so nobody's turn comes.
    caps: Option<Caps>,
    places: Mutex<Places>,
    freed: Notify,
}

#[derive(Default)]
struct Places {
    /// Pods that live, or may be about to, by namespace and name, with the uid where it is known.
    taken: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// Namespaces whose pods were counted.
    counted: BTreeSet<String>,
}

impl Line {
    /// The line of a cluster.
    pub async fn of(environment: &Environment, choice: &ClusterChoice) -> Result<Self, Error> {
        let caps = line::caps(environment, choice).await?;
        Ok(Line { caps, places: Mutex::default(), freed: Notify::new() })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pod was seen. It takes a place until it has ended: what waits for its collection takes none.
    pub fn note(&self, pod: &Pod) {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else { return };
        let has_ended = matches!(phase, Some("Succeeded" | "Failed"));
        let mut places = self.places();
        let taken = places.taken.entry(namespace.clone()).or_default();
        match taken.get(name) {
            Some(Some(uid)) if pod.metadata.uid.as_ref() != Some(uid) => {}
            None if has_ended => {}
            Some(_) if has_ended => {
                taken.remove(name);
                self.freed.notify_one();
            }
            Some(_) | None => drop(taken.insert(name.clone(), pod.metadata.uid.clone())),
        }
    }

    /// A pod is not there any more.
    pub fn note_gone(&self, pod: &Pod) {
        let (Some(namespace), Some(name)) = (&pod.metadata.namespace, &pod.metadata.name) else { return };
        let mut places = self.places();
        let Some(taken) = places.taken.get_mut(namespace) else { return };
        // Where the uid is not known, it may have been an earlier pod of that name.
        if taken.get(name).is_some_and(|uid| uid.is_some() && *uid == pod.metadata.uid) {
            taken.remove(name);
            self.freed.notify_one();
        }
    }

    /// How many more pods may begin in a namespace.
    fn room(&self, caps: &Caps, namespace: &str) -> usize {
        let places = self.places();
        let live = |taken: &BTreeMap<String, Option<String>>| taken.len();
        caps.room(
            places.taken.get(namespace).map_or(0, live),
            places.taken.values().map(live).sum(),
            namespace,
        )
    }

    /// Take a place, if there is one or the pod has one already.
    fn take(&self, caps: &Caps, namespace: &str, pod_name: &str) -> bool {
        let has_place = self.places().taken.get(namespace).is_some_and(|taken| taken.contains_key(pod_name));
        if !has_place && self.room(caps, namespace) == 0 {
            return false;
        }
        let mut places = self.places();
        places.taken.entry(namespace.to_owned()).or_default().entry(pod_name.to_owned()).or_default();
        true
    }

    /// The pod is there.
    fn keep(&self, namespace: &str, pod_name: &str, uid: String) {
        if let Some(place) = self.places().taken.get_mut(namespace).and_then(|taken| taken.get_mut(pod_name))
        {
            place.get_or_insert(uid);
        }
    }

    fn leave(&self, namespace: &str, pod_name: &str) {
        if let Some(taken) = self.places().taken.get_mut(namespace) {
            taken.remove(pod_name);
        }
        self.freed.notify_one();
    }
}

/// Let runs have their turn until the poll ends; where there are no caps, only those that wait since there were some.
pub async fn serve(group: &Group<'_>) {
    let line = &group.line;
    let Some(caps) = &line.caps else {
        tracing::error!(group = group.name, "nobody's turn comes until `config/clusters.yaml` can be read");
        return;
    };
    loop {
        let somebody_waits = match round(group, caps).await {
            Ok(somebody_waits) => somebody_waits,
            Err(error) => {
                tracing::warn!(group = group.name, error = error.in_full(), "no turn could be given");
                true
            }
        };
        let clock = &group.environment.clock;
        if clock.now() >= group.stop || (caps.are_none() && !somebody_waits) {
            return;
        }
        tokio::task::yield_now().await;
        tokio::select! {
            () = line.freed.notified() => {}
            () = clock.sleep(PAUSE) => {}
        }
    }
}

/// One look at who waits; whether anybody did.
async fn round(group: &Group<'_>, caps: &Caps) -> Result<bool, Error> {
    let bucket = group.environment.bucket.as_ref();
    let waiting_in = waiting::namespaces(bucket, group.name).await?;
    if waiting_in.is_empty() {
        return Ok(false);
    }
    count(group, caps, &waiting_in).await?;
    let mut marks = Vec::new();
    for namespace in &waiting_in {
        let room = group.line.room(caps, namespace).min(MOST);
        if room > 0 {
            let most = u32::try_from(room).unwrap_or(u32::MAX);
            marks.extend(waiting::first(bucket, group.name, namespace, most).await?);
        }
    }
    marks.sort();
    let turns: Vec<Result<(), Error>> =
        stream::iter(&marks).map(|mark| turn(group, caps, mark)).buffered(HANDS).collect().await;
    turns.into_iter().collect::<Result<Vec<()>, Error>>()?;
    Ok(true)
}

/// Count the pods that live, once for each namespace. What happens to them afterwards, the watch tells.
async fn count(group: &Group<'_>, caps: &Caps, waiting_in: &[String]) -> Result<(), Error> {
    let mut namespaces: BTreeSet<String> =
        waiting_in.iter().filter(|namespace| caps.cover(namespace)).cloned().collect();
    if caps.cluster.is_some() {
        namespaces.extend(cursors::namespaces(group.environment.bucket.as_ref(), group.name).await?);
    }
    for namespace in namespaces {
        if group.line.places().counted.contains(&namespace) {
            continue;
        }
        match count_one(group, &namespace).await {
            // Nobody's turn comes there either, and the others are not kept from theirs.
            Err(error) if is_closed(&error) => tell_closed(group, &namespace, &error),
            other => other?,
        }
        group.line.places().counted.insert(namespace);
    }
    Ok(())
}

async fn count_one(group: &Group<'_>, namespace: &str) -> Result<(), Error> {
    let mut page = None;
    loop {
        let listed = group.cluster.list(namespace, Some(LIVE), page.as_deref()).await?;
        let of_group = |pod: &&Pod| identity_of(pod).is_some_and(|identity| identity.group == group.name);
        listed.pods.iter().filter(of_group).for_each(|pod| group.line.note(pod));
        page = listed.next;
        if page.is_none() {
            return Ok(());
        }
    }
}

/// A run's turn: its pod is created if there is a place, and in any case it is not asked again for the same mark.
async fn turn(group: &Group<'_>, caps: &Caps, mark: &Mark) -> Result<(), Error> {
    let environment = group.environment;
    let bucket = environment.bucket.as_ref();
    let now = environment.clock.now();
    if now >= group.stop {
        return Ok(());
    }
    let stored = match records::load(bucket, group.name, &mark.run_id).await {
        Ok(stored) => stored,
        Err(error) if error.is_not_found() => {
            return Ok(waiting::remove(bucket, group.name, mark).await?);
        }
        // Nor may it stand in the way of those behind it: once it can be read, a comparison puts it into the line again.
        Err(error) if error.is_unreadable() => {
            unreadable(&error);
            return Ok(waiting::remove(bucket, group.name, mark).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let next = shared::run::decide(&stored.record, &Observation::gone(now), now).next;
    if stored.record.has_pod() || next != Next::Create {
        if !stored.record.has_pod() {
            effects::hand_over(environment, &stored, &next).await?;
        }
        return Ok(waiting::remove(bucket, group.name, mark).await?);
    }
    let pod_name = stored.record.attempt.pod_name.clone();
    if !group.line.take(caps, &mark.namespace, &pod_name) {
        return Ok(());
    }
    let begins = |record: &mut Record| {
        let changes = !record.has_pod() && record.waiting_for.is_none();
        if changes {
            *record = record.clone().called(now).by(environment.writer.as_str());
        }
        changes
    };
    let turn = Turn { deadline: later(group.stop, RESERVE), hops: 0, last_try: false };
    let made = async {
        let stored = records::change(bucket, stored, begins).await?;
        Box::pin(create::pod(environment, stored, turn)).await
    };
    match made.await {
        Ok(Made::Pod(uid)) => group.line.keep(&mark.namespace, &pod_name, uid),
        Ok(Made::Maybe) => {}
        Ok(Made::Nothing) => group.line.leave(&mark.namespace, &pod_name),
        // It ended before its turn.
        Err(error) if error.is_not_found() => {}
        // Whether there is a pod now, the next poll counts.
        Err(error) => return Err(error),
    }
    Ok(waiting::remove(bucket, group.name, mark).await?)
}
