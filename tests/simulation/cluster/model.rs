//! The cluster: its pods, what happened to them, and who watches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use shared::clock::later;
use shared::cluster::client::{Change, CreatedPod, Page};
use shared::cluster::error::ClusterError;
use shared::pod::identity_of;

use super::life::Life;
use super::pod::{Outcome, SimulatedPod, State};
use super::words;
use crate::dice::Dice;
use crate::gate::Fault;

/// Pods of one page of a listing.
const PAGE: usize = 2;

/// What really became of a pod, whatever anybody was told.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Run and attempt of its annotations.
    pub attempt: (String, u32),
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its program has run.
    pub started: bool,
    /// Exit code of its program.
    pub code: Option<i32>,
    /// It lived without trouble, and nobody but Longshore touched it.
    pub plain: bool,
    /// It is not there any more.
    pub gone: bool,
}

struct Watcher {
    sender: UnboundedSender<Result<Change, ClusterError>>,
    seen: usize,
    ends_at: Timestamp,
}

/// A log that is followed.
struct Follower {
    uid: String,
    container: String,
    sender: UnboundedSender<std::io::Result<bytes::Bytes>>,
}

/// The cluster.
pub struct Model {
    pods: BTreeMap<String, SimulatedPod>,
    version: u64,
    happened: Vec<(u64, bool, Arc<Pod>)>,
    forgotten: u64,
    pages: BTreeMap<String, (Vec<Pod>, u64)>,
    watchers: BTreeMap<u64, Watcher>,
    followers: Vec<Follower>,
    made: u64,
    dice: Dice,
    trouble: u64,
    /// Every pod that ever was, in the order of creation.
    pub truths: Vec<Truth>,
    /// Requests that reached the API server.
    pub requests: u64,
    /// Lives that were drawn.
    pub lives: BTreeMap<&'static str, u64>,
}

impl Model {
    /// An empty cluster in which so many pods in a thousand get into trouble.
    pub fn new(dice: Dice, trouble: u64) -> Model {
        Model {
            pods: BTreeMap::new(),
            version: 100,
            happened: Vec::new(),
            forgotten: 0,
            pages: BTreeMap::new(),
            watchers: BTreeMap::new(),
            followers: Vec::new(),
            made: 0,
            dice,
            trouble,
            truths: Vec::new(),
            requests: 0,
            lives: BTreeMap::new(),
        }
    }

    /// From now on nothing happens to pods but their own end.
    pub fn calm(&mut self) {
        self.trouble = 0;
    }

    /// Take a pod in, if its name is free; `anyway` does not look.
    pub fn create(
        &mut self,
        manifest: Pod,
        now: Timestamp,
        anyway: bool,
    ) -> Result<CreatedPod, ClusterError> {
        let name = manifest.metadata.name.clone().unwrap_or_default();
        if !anyway && self.named(&name).is_some() {
            return Err(words::taken(&name));
        }
        self.made += 1;
        let uid = format!("uid-{}", self.made);
        let life = Life::draw(&mut self.dice, self.trouble);
        *self.lives.entry(life.kind()).or_default() += 1;
        let attempt = identity_of(&manifest).map(|identity| (identity.run_id.to_owned(), identity.attempt));
        self.truths.push(Truth {
            attempt: attempt.unwrap_or_default(),
            name,
            uid: uid.clone(),
            started: false,
            code: None,
            plain: life.is_plain(),
            gone: false,
        });
        self.pods.insert(uid.clone(), SimulatedPod::new(manifest, uid.clone(), life, now));
        self.publish(&uid);
        Ok(CreatedPod { uid, created_at: Some(now) })
    }

    /// The pod of this name.
    pub fn named(&self, name: &str) -> Option<&SimulatedPod> {
        self.pods.values().find(|pod| pod.name == name)
    }

    /// The pod as it was before its last change, for a cache that lags behind.
    pub fn stale(&self, name: &str) -> Option<Pod> {
        let mut of_name =
            self.happened.iter().rev().filter(|(_, _, pod)| pod.metadata.name.as_deref() == Some(name));
        of_name.next()?;
        of_name.next().map(|(_, _, pod)| pod.as_ref().clone())
    }

    /// Ask for a deletion. `by_others` is not Longshore's doing.
    pub fn delete(&mut self, uid: &str, grace: Option<u32>, now: Timestamp, by_others: bool) {
        let Some(pod) = self.pods.get_mut(uid) else { return };
        let outcome = pod.delete(grace, now);
        if by_others && let Some(truth) = self.truths.iter_mut().find(|truth| truth.uid == uid) {
            truth.plain = false;
        }
        self.settle(uid, outcome);
    }

    /// Uids of the pods that are there.
    pub fn uids(&self) -> Vec<String> {
        self.pods.keys().cloned().collect()
    }

    /// What the pods that are there look like.
    pub fn shown(&self) -> Vec<Pod> {
        self.pods.values().map(SimulatedPod::show).collect()
    }

    /// Pods whose time has come.
    pub fn due(&self, now: Timestamp) -> Vec<String> {
        self.pods
            .values()
            .filter(|pod| pod.due.is_some_and(|due| due <= now))
            .map(|pod| pod.uid.clone())
            .collect()
    }

    /// When something happens by itself.
    pub fn next(&self) -> Option<Timestamp> {
        let pods = self.pods.values().filter_map(|pod| pod.due);
        pods.chain(self.watchers.values().map(|watcher| watcher.ends_at)).min()
    }

    /// The next step of a pod.
    pub fn advance(&mut self, uid: &str, now: Timestamp) {
        let Some(pod) = self.pods.get_mut(uid) else { return };
        let outcome = pod.advance(now, &mut self.dice);
        self.settle(uid, outcome);
    }

    fn settle(&mut self, uid: &str, outcome: Outcome) {
        let Some(pod) = self.pods.get(uid) else { return };
        if let Some(truth) = self.truths.iter_mut().find(|truth| truth.uid == uid) {
            match pod.main() {
                Some(State::Running(_)) => truth.started = true,
                Some(State::Ended { code, .. }) => (truth.started, truth.code) = (true, Some(*code)),
                Some(State::Waiting(_)) | None => {}
            }
            truth.gone |= outcome == Outcome::Removed;
        }
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Changed => self.publish(uid),
            Outcome::Removed => {
                let mut last = pod.clone();
                self.version += 1;
                last.version = self.version;
                let shown = last.show();
                self.happened.push((self.version, true, Arc::new(shown)));
                self.pods.remove(uid);
            }
        }
        self.tell_followers();
    }

    fn publish(&mut self, uid: &str) {
        self.version += 1;
        if let Some(pod) = self.pods.get_mut(uid) {
            pod.version = self.version;
            self.happened.push((self.version, false, Arc::new(pod.show())));
        }
    }

    /// A page of a listing: all pages show the same moment.
    pub fn list(&mut self, pending_only: bool, page: Option<&str>) -> Result<Page, ClusterError> {
        let (mut pods, version) = match page {
            Some(token) => {
                self.pages.remove(token).ok_or_else(|| words::failure("list pods", Fault::Gone))?
            }
            None => {
                let is_meant = |pod: &Pod| {
                    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
                    !pending_only || phase == Some("Pending")
                };
                (self.shown().into_iter().filter(is_meant).collect(), self.version)
            }
        };
        let rest = pods.split_off(PAGE.min(pods.len()));
        let next = (!rest.is_empty()).then(|| {
            self.made += 1;
            let token = format!("page-{}", self.made);
            self.pages.insert(token.clone(), (rest, version));
            token
        });
        Ok(Page { pods, resource_version: version.to_string(), next })
    }

    /// Old versions cannot be watched from any more, and listings cannot be carried on.
    pub fn forget(&mut self) {
        self.forgotten = self.version;
        self.pages.clear();
    }

    /// A watch from a version on, for so many seconds.
    pub fn watch(
        &mut self,
        from: &str,
        seconds: u32,
        now: Timestamp,
        sender: UnboundedSender<Result<Change, ClusterError>>,
    ) {
        let from: u64 = from.parse().unwrap_or(0);
        if from < self.forgotten {
            // It comes inside the stream.
            drop(sender.unbounded_send(Err(words::failure("watch pods", Fault::Gone))));
            return;
        }
        let seen = self.happened.iter().filter(|(version, _, _)| *version <= from).count();
        self.made += 1;
        let ends_at = later(now, Duration::from_secs(u64::from(seconds)));
        self.watchers.insert(self.made, Watcher { sender, seen, ends_at });
    }

    /// Watches that have something to tell, or are over.
    pub fn watches(&self, now: Timestamp) -> Vec<u64> {
        let has_news = |watcher: &Watcher| watcher.seen < self.happened.len() || watcher.ends_at <= now;
        self.watchers.iter().filter(|(_, watcher)| has_news(watcher)).map(|(id, _)| *id).collect()
    }

    /// Tell a watch the next thing; `fault` breaks it off instead.
    pub fn tell(&mut self, id: u64, now: Timestamp, fault: Option<Fault>) {
        let Some(watcher) = self.watchers.get_mut(&id) else { return };
        if let Some(fault) = fault {
            drop(watcher.sender.unbounded_send(Err(words::failure("watch pods", fault))));
            self.watchers.remove(&id);
            return;
        }
        let Some((version, removed, pod)) = self.happened.get(watcher.seen) else {
            if watcher.ends_at <= now {
                drop(watcher.sender.unbounded_send(Ok(Change::Bookmark(self.version.to_string()))));
                self.watchers.remove(&id);
            }
            return;
        };
        watcher.seen += 1;
        let pod = Box::new(pod.as_ref().clone());
        let change = if *removed { Change::Gone(pod) } else { Change::Present(pod) };
        let mut is_over = watcher.sender.unbounded_send(Ok(change)).is_err();
        if version.is_multiple_of(7) {
            is_over |= watcher.sender.unbounded_send(Ok(Change::Bookmark(version.to_string()))).is_err();
        }
        if is_over {
            self.watchers.remove(&id);
        }
    }

    /// Follow a log to its container's end.
    pub fn follow(
        &mut self,
        uid: &str,
        container: &str,
        sender: UnboundedSender<std::io::Result<bytes::Bytes>>,
    ) {
        self.followers.push(Follower { uid: uid.to_owned(), container: container.to_owned(), sender });
        self.tell_followers();
    }

    fn tell_followers(&mut self) {
        let pods = &self.pods;
        self.followers.retain(|follower| {
            let pod = pods.get(&follower.uid);
            let runs = pod.is_some_and(|pod| pod.is_reachable(&follower.container));
            if !runs {
                let log = words::log(&follower.uid, &follower.container);
                drop(follower.sender.unbounded_send(Ok(log)));
            }
            runs && !follower.sender.is_closed()
        });
    }

    /// Exit codes and ends are seen at once by whoever looks at the truth.
    pub fn truth(&self, uid: &str) -> Option<&Truth> {
        self.truths.iter().find(|truth| truth.uid == uid)
    }
}

/// The cluster, whoever has died with it.
pub fn lock(model: &Mutex<Model>) -> MutexGuard<'_, Model> {
    model.lock().unwrap_or_else(PoisonError::into_inner)
}
