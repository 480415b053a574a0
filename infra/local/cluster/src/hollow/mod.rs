//! A node without processes: its pods follow a script of phases and times, fifty thousand of them at once.
//!
//! What a client sees is shaped by the same code as the kubelet's statuses. There is one task and one timetable for all
//! pods, and about a kilobyte for each that has not ended; logs and files are made when they are read. Hollow pods are
//! never restarted, whatever their `restartPolicy`; they read no secrets and configmaps, and the only events are those
//! of the script.

mod exec;
mod log;
mod player;
mod script;
mod timetable;

#[cfg(test)]
mod tests;

pub use script::{EndReason, File, LogText, Match, Rule, Script, ScriptError, Step, StepEvent, Turn};

use crate::clock;
use crate::kubelet;
use crate::node::{ContainerRef, ExecOptions, ExecSession, LogOptions, Node, NodeError};
use crate::store::{EventRecord, Kind, Object, Record, Store, Subscription, Verb, text};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use player::{Next, Player};
use script::{Rules, seconds};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use timetable::Timetable;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Things that happen before changes are looked at again; each makes a change or two itself.
const BATCH: usize = 256;
/// Pieces of a log under way before the reader has to wait.
const QUEUE: usize = 16;

/// A node whose pods follow a script. Dropping it ends it.
pub struct Hollow {
    store: Store,
    rules: Arc<Rules>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Hollow {
    /// Let every pod of the store that is assigned to the node follow the script.
    ///
    /// # Errors
    ///
    /// When the script cannot be followed.
    pub fn start(store: Store, node_name: &str, script: Script) -> Result<Arc<Hollow>, ScriptError> {
        let rules = Arc::new(Rules::new(script)?);
        let changes = store.subscribe();
        let stage = Stage {
            store: store.clone(),
            rules: rules.clone(),
            node_name: node_name.into(),
            timetable: Timetable::default(),
        };
        let task = tokio::spawn(stage.run(changes));
        Ok(Arc::new(Hollow { store, rules, task: Mutex::new(Some(task)) }))
    }

    /// Let nothing happen any more.
    pub async fn shutdown(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // It ends as cancelled.
            let _ = task.await;
        }
    }

    /// The pod that is meant, and the status of the container.
    fn look(&self, container: &ContainerRef) -> Result<(Arc<Value>, Value), NodeError> {
        look(&self.store, container).ok_or_else(|| NodeError::NotRunning(container.container.clone()))
    }
}

impl Drop for Hollow {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

fn look(store: &Store, container: &ContainerRef) -> Option<(Arc<Value>, Value)> {
    let pod = store.get(Kind::Pod, &container.namespace, &container.pod)?;
    let status = ["containerStatuses", "initContainerStatuses"].iter().find_map(|field| {
        let all = pod.get("status")?.get(field)?.as_array()?;
        all.iter().find(|status| text(status, "/name") == container.container).cloned()
    })?;
    (text(&pod, "/metadata/uid") == container.uid).then_some((pod, status))
}

/// When a container started, if it has.
fn started_at(status: &Value) -> Option<Timestamp> {
    ["/state/running/startedAt", "/state/terminated/startedAt"]
        .iter()
        .find_map(|pointer| text(status, pointer).parse().ok())
}

impl Node for Hollow {
    fn logs(
        &self,
        container: ContainerRef,
        options: LogOptions,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<Bytes>, NodeError>> {
        let found = self.look(&container).and_then(|(pod, status)| {
            if options.previous {
                return Err(NodeError::NoPrevious(container.container.clone()));
            }
            let started_at = started_at(&status).ok_or_else(|| NodeError::Waiting {
                container: container.container.clone(),
                reason: text(&status, "/state/waiting/reason").into(),
            })?;
            Ok((self.rules.of(&pod).log.clone(), started_at))
        });
        let store = self.store.clone();
        ready(found.map(|(text, started_at)| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(async move {
                if log::write(&text, &container, started_at, &options, &sender).await && options.follow {
                    tokio::select! {
                        () = ended(&store, &container) => {}
                        () = sender.closed() => {}
                    }
                }
            });
            receiver
        }))
        .boxed()
    }

    fn exec(
        &self,
        container: ContainerRef,
        options: ExecOptions,
    ) -> BoxFuture<'_, Result<ExecSession, NodeError>> {
        let session = self.look(&container).and_then(|(pod, status)| {
            if status.pointer("/state/running").is_none() {
                return Err(NodeError::NotRunning(container.container));
            }
            exec::open(&self.rules.of(&pod).files, &options)
        });
        ready(session).boxed()
    }

    fn attach(&self, _: ContainerRef, _: ExecOptions) -> BoxFuture<'_, Result<ExecSession, NodeError>> {
        ready(Err(NodeError::Unsupported("attach to hollow pods".into()))).boxed()
    }
}

/// Wait until a container has ended or is gone.
async fn ended(store: &Store, container: &ContainerRef) {
    let mut versions = store.versions();
    while look(store, container).is_some_and(|(_, status)| status.pointer("/state/running").is_some()) {
        if versions.changed().await.is_err() {
            return;
        }
    }
}

/// Where the pods are played.
struct Stage {
    store: Store,
    rules: Arc<Rules>,
    node_name: String,
    timetable: Timetable,
}

impl Stage {
    async fn run(mut self, mut changes: Subscription) {
        self.look_at_all();
        loop {
            for _ in 0..BATCH {
                let Some(uid) = self.timetable.take_due(clock::instant()) else { break };
                self.happen(&uid);
            }
            let due = self.timetable.next_due();
            let change = tokio::select! {
                biased;
                change = changes.record() => Some(change),
                () = tokio::time::sleep_until(due.unwrap_or_else(clock::instant).into()), if due.is_some() => None,
            };
            match change {
                None => continue,
                Some(Ok(change)) => self.take(&change),
                Some(Err(RecvError::Lagged(_))) => self.look_at_all(),
                Some(Err(RecvError::Closed)) => return,
            }
            loop {
                match changes.try_record() {
                    Ok(change) => self.take(&change),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                    Err(TryRecvError::Lagged(_)) => self.look_at_all(),
                }
            }
        }
    }

    /// Make up for changes that were missed.
    fn look_at_all(&mut self) {
        let (all, _) = self.store.objects(Kind::Pod, None, None);
        let there: HashSet<&str> = all.iter().map(|pod| pod.uid()).collect();
        for uid in self.timetable.all() {
            if !there.contains(&*uid) {
                self.timetable.remove(&uid);
            }
        }
        for pod in &all {
            self.look(pod);
        }
        tracing::debug!(
            pods = self.timetable.len(),
            waiting = self.timetable.waiting(),
            "every pod was looked at"
        );
    }

    fn take(&mut self, change: &Record) {
        match (change.kind, change.verb) {
            (Kind::Pod, Verb::Deleted) => self.timetable.remove(change.object.uid()),
            (Kind::Pod, Verb::Added | Verb::Modified) => self.look(&change.object),
            _ => {}
        }
    }

    /// Parse only a pod that may be news: most changes are those made here.
    fn look(&mut self, pod: &Object) {
        let field = if self.timetable.has(pod.uid()) { "deletionTimestamp" } else { "nodeName" };
        if pod.may_have(field) {
            self.notice(&pod.value());
        }
    }

    /// Take a pod in that is new here, and see whether a known one is deleted.
    fn notice(&mut self, pod: &Value) {
        let uid = text(pod, "/metadata/uid");
        if !self.timetable.has(uid) {
            if text(pod, "/spec/nodeName") != self.node_name {
                return;
            }
            // A change that waited its turn may be older than the end of its pod.
            let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
            let current = self.store.get(Kind::Pod, namespace, name);
            let is_over = |pod: &Value| matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
            if !current.is_some_and(|current| text(&current, "/metadata/uid") == uid && !is_over(&current)) {
                return;
            }
            let mut player = Player::new(pod);
            let seconds = pod.pointer("/spec/activeDeadlineSeconds").and_then(Value::as_u64);
            player.deadline =
                seconds.and_then(|seconds| clock::instant().checked_add(Duration::from_secs(seconds)));
            self.timetable.insert(uid, player);
            self.begin(uid, pod);
        }
        if pod.pointer("/metadata/deletionTimestamp").is_some() {
            let grace = pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64);
            let most = Duration::from_secs(grace.unwrap_or_default());
            let wanted = seconds(self.rules.of(pod).ends_after_seconds).min(most);
            let due = clock::instant().checked_add(wanted);
            // A second deletion shortens and never lengthens.
            let is_later = self.timetable.get(uid).is_some_and(|player| {
                player.next == Next::End
                    && player.due.is_some_and(|before| due.is_none_or(|due| due >= before))
            });
            if !is_later {
                self.timetable.set(uid, due, Next::End);
            }
        }
    }

    /// Show a new pod as seen, and set its first step.
    fn begin(&mut self, uid: &str, pod: &Value) {
        // A step past the last one: nothing happens to the containers.
        self.show(uid, Next::Step(usize::MAX), pod);
        self.follow(uid, pod, clock::instant());
    }

    /// Set what comes next for a pod that was not deleted: its step or its deadline.
    fn follow(&mut self, uid: &str, pod: &Value, now: Instant) {
        let rule = self.rules.of(pod);
        let Some(player) = self.timetable.get(uid) else { return };
        let step = rule.steps.get(player.step);
        let step_due = step.and_then(|step| now.checked_add(seconds(step.after_seconds)));
        let index = player.step;
        let (due, next) = match (step_due, player.deadline) {
            (Some(step), Some(deadline)) if deadline < step => (Some(deadline), Next::Deadline),
            (None, Some(deadline)) => (Some(deadline), Next::Deadline),
            (step, _) => (step, Next::Step(index)),
        };
        self.timetable.set(uid, due, next);
    }

    /// What is due for a pod happens.
    fn happen(&mut self, uid: &str) {
        let Some(player) = self.timetable.get(uid) else { return };
        let next = player.next;
        let found = self.store.get(Kind::Pod, &player.namespace, &player.name);
        let Some(pod) = found.filter(|pod| text(pod, "/metadata/uid") == uid) else {
            self.timetable.remove(uid);
            return;
        };
        if let Next::Step(index) = next {
            player.step = index + 1;
        }
        let is_over = self.show(uid, next, &pod);
        self.tell(&pod, next);
        match next {
            Next::End => {
                let (namespace, name) = (text(&pod, "/metadata/namespace"), text(&pod, "/metadata/name"));
                kubelet::release(&self.store, namespace, name, uid);
                self.timetable.remove(uid);
            }
            _ if is_over => self.timetable.remove(uid),
            _ => self.follow(uid, &pod, clock::instant()),
        }
    }

    /// Let something happen and show the status that comes of it; whether the pod is over.
    fn show(&mut self, uid: &str, next: Next, pod: &Value) -> bool {
        let rule = self.rules.of(pod);
        let Some(player) = self.timetable.get(uid) else { return true };
        let (namespace, name) = (player.namespace.clone(), player.name.clone());
        let mut is_over = false;
        let written = self.store.update(Kind::Pod, &namespace, &name, Some(uid), |pod| {
            is_over = player.play(pod, rule, next).is_final();
        });
        // A pod that is gone has nothing to show.
        is_over || written.is_err()
    }

    fn tell(&self, pod: &Value, next: Next) {
        let Next::Step(index) = next else { return };
        let event = self.rules.of(pod).steps.get(index).and_then(|step| step.event.clone());
        if let Some(StepEvent { warning, reason, message }) = event {
            let kind = if warning { "Warning" } else { "Normal" };
            let event = EventRecord { kind, reason, message, field_path: None, component: "kubelet" };
            self.store.record_event(pod, event);
        }
    }
}
