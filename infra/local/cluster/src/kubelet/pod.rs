//! The life of one pod on the node: a worker that starts what is due, stops what must stop, and shows the status.

use super::container::{Container, Ended, Role, State};
use super::health::Hook;
use super::instance::{Holder, Keeper};
use super::phase::{self, Phase};
use super::probe::Found;
use super::release::release;
use super::status::{self, Picture};
use super::stop::Stop;
use super::view::View;
use super::volumes::{self, Volume};
use super::{Host, discard, environment, instance};
use crate::clock;
use crate::container::HoldSpec;
use crate::faults::Disturbance;
use crate::store::{EventRecord, Kind, set, text};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;

/// The pause after a volume could not be mounted; it doubles up to two minutes (as the kubelet has it).
const FIRST_MOUNT_PAUSE: Duration = Duration::from_millis(500);
const LAST_MOUNT_PAUSE: Duration = Duration::from_secs(122);

/// What a worker is told.
#[derive(Debug)]
pub enum Notice {
    /// The pod has changed.
    Changed(Arc<Value>),
    /// The pod is gone from the API: stop everything at once.
    Removed,
    /// The node stops: stop everything at once.
    Shutdown,
    /// A container ended.
    Ended {
        /// Its place among the containers.
        index: usize,
        /// Its exit code.
        code: i32,
        /// When.
        finished_at: Timestamp,
    },
    /// A hook of a container is over.
    HookOver {
        /// The container's place.
        index: usize,
        /// The instance.
        id: String,
        /// Which one.
        hook: Hook,
        /// Whether it did what it should.
        is_good: bool,
    },
    /// A probe has something to say.
    Probed {
        /// The container's place.
        index: usize,
        /// The instance.
        id: String,
        /// What.
        found: Found,
    },
    /// Something goes wrong with a container, as it was asked to.
    Disturbed(usize, Disturbance),
}

/// The worker of one pod.
pub struct Worker {
    pub(super) host: Arc<Host>,
    pub(super) pod: Arc<Value>,
    pub(super) view: Arc<View>,
    pub(super) notices: UnboundedSender<Notice>,
    pub(super) directory: PathBuf,
    pub(super) containers: Vec<Container>,
    pub(super) keepers: HashMap<usize, Keeper>,
    pub(super) probes: HashMap<usize, JoinSet<()>>,
    pub(super) volumes: Vec<Volume>,
    pub(super) holder: Option<Holder>,
    pub(super) stop: Option<Stop>,
    pub(super) cause: Option<(&'static str, String)>,
    started: Instant,
    pub(super) is_abandoned: bool,
    pub(super) is_set_up: bool,
    pub(super) has_address: bool,
    start_time: Timestamp,
    phase: Phase,
    mount_pause: Duration,
    mount_at: Option<Instant>,
    pub(super) measure_at: Option<Instant>,
}

impl Worker {
    /// A worker for a pod that the kubelet sees for the first time.
    pub fn new(
        host: Arc<Host>,
        pod: Arc<Value>,
        view: Arc<View>,
        notices: UnboundedSender<Notice>,
    ) -> Worker {
        let start_time = clock::now();
        // The API shows whole seconds, and the deadline counts from what it shows.
        let shown_late =
            Duration::from_nanos(u64::try_from(start_time.subsec_nanosecond()).unwrap_or_default());
        let now = clock::instant();
        Worker {
            directory: host.config.directory.join("pods").join(text(&pod, "/metadata/uid")),
            containers: Container::all_of(&pod),
            host,
            pod,
            view,
            notices,
            keepers: HashMap::new(),
            probes: HashMap::new(),
            volumes: Vec::new(),
            holder: None,
            stop: None,
            cause: None,
            started: now.checked_sub(shown_late).unwrap_or(now),
            is_abandoned: false,
            is_set_up: false,
            has_address: false,
            start_time,
            phase: Phase::Pending,
            mount_pause: FIRST_MOUNT_PAUSE,
            mount_at: None,
            measure_at: None,
        }
    }

    /// Live until the pod is gone from the API or the node stops.
    pub async fn run(mut self, mut notices: UnboundedReceiver<Notice>) {
        self.host.config.faults.node_answers().await;
        if self.has_rejected() {
            return;
        }
        self.show();
        while !self.advance().await {
            let notice = match self.next_wake() {
                Some(wake) => tokio::time::timeout_at(wake.into(), notices.recv()).await,
                None => Ok(notices.recv().await),
            };
            // A node that is lost does nothing; its containers go on.
            self.host.config.faults.node_answers().await;
            if let Ok(Some(notice)) = notice {
                self.take(notice).await;
            }
        }
        self.finish();
        if let Some(holder) = self.holder.take() {
            holder.release().await;
        }
        // Its log is still wanted, nothing else.
        self.discard(&["containers", "volumes"]).await;
        while !self.is_abandoned && !self.release() {
            match notices.recv().await {
                Some(notice) => self.take(notice).await,
                None => break,
            }
        }
        self.discard(&[""]).await;
    }

    /// Remove parts of the pod's directory.
    async fn discard(&self, parts: &[&str]) {
        let directories: Vec<PathBuf> = parts.iter().map(|part| self.directory.join(part)).collect();
        let removed = move || directories.iter().try_for_each(|directory| discard::discard(directory));
        let removed = tokio::task::spawn_blocking(removed).await.unwrap_or_else(|error| Err(error.into()));
        if let Err(error) = removed {
            tracing::warn!(pod.uid = self.uid(), %error, "a pod's directory could not be removed");
        }
    }

    async fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Changed(pod) => self.pod = pod,
            Notice::Removed | Notice::Shutdown => self.is_abandoned = true,
            Notice::HookOver { index, id, hook, is_good } => self.take_hook(index, &id, hook, is_good).await,
            Notice::Probed { index, id, found } => self.take_probed(index, &id, found).await,
            Notice::Disturbed(index, disturbance) => self.suffer(index, disturbance).await,
            Notice::Ended { index, code, finished_at } => {
                self.keepers.remove(&index);
                self.probes.remove(&index);
                let comes_back_at_once = self.note_end(index, code, finished_at).await;
                if self.stop.is_none() && !comes_back_at_once {
                    self.show();
                }
            }
        }
    }

    /// Do what is due; whether everything is over.
    async fn advance(&mut self) -> bool {
        if self.is_abandoned {
            self.kill_all().await;
            return self.keepers.is_empty();
        }
        self.look_for_an_end().await;
        if self.stop.is_some() {
            return self.stop_containers().await;
        }
        if !self.set_up().await {
            return false;
        }
        self.kill_overdue().await;
        self.start_due().await;
        if !self.is_complete() {
            return false;
        }
        self.stop = Some(Stop::after_completion(self.grace(), self.is_initialized()));
        self.stop_containers().await
    }

    /// Whether nothing is left to do but to stop sidecars.
    fn is_complete(&self) -> bool {
        let policy = self.policy();
        let computed = phase::of(&self.containers, policy, false);
        let mut mains = self.containers.iter().filter(|container| container.role == Role::Main);
        computed.is_final()
            || mains.all(|main| main.ended().is_some_and(|end| !main.restarts_after(end.exit_code, policy)))
    }

    async fn set_up(&mut self) -> bool {
        if self.is_set_up {
            return true;
        }
        if self.mount_at.is_some_and(|at| at > clock::instant()) {
            return false;
        }
        match self.mount().await {
            Ok(()) => {
                self.is_set_up = true;
                self.mount_at = None;
                self.show();
                true
            }
            Err(words) => {
                self.event("Warning", "FailedMount", words, None);
                self.mount_at = clock::instant().checked_add(self.mount_pause);
                self.mount_pause = (self.mount_pause * 2).min(LAST_MOUNT_PAUSE);
                false
            }
        }
    }

    async fn mount(&mut self) -> Result<(), String> {
        let directory = self.directory.join("volumes");
        self.volumes = volumes::prepare(&self.host, &self.pod, &directory).map_err(|problem| problem.0)?;
        let in_memory: Vec<_> = self.volumes.iter().filter_map(|volume| volume.in_memory.clone()).collect();
        if !in_memory.is_empty() && self.holder.is_none() {
            let path = self.directory.join("volumes.json");
            let spec = HoldSpec { volumes: in_memory };
            let holder =
                instance::hold(&self.host.config.stage, &spec, &path).await.map_err(|e| e.to_string())??;
            self.holder = Some(holder);
        }
        if self.volumes.iter().any(|volume| volume.limit.is_some()) {
            self.measure_at = Some(clock::instant());
        }
        Ok(())
    }

    /// When the pod's time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let seconds = self.pod.pointer("/spec/activeDeadlineSeconds").and_then(Value::as_u64)?;
        self.started.checked_add(Duration::from_secs(seconds))
    }

    fn next_wake(&self) -> Option<Instant> {
        if self.is_abandoned {
            return None;
        }
        if let Some(stop) = &self.stop {
            return stop.next_wake();
        }
        let retries =
            self.containers.iter().filter(|container| !container.is_running()).filter_map(|c| c.retry_at);
        let kills = self.containers.iter().filter_map(|container| container.kill_at);
        retries.chain(kills).chain(self.deadline()).chain(self.mount_at).chain(self.measure_at).min()
    }

    /// Show the status as it is now.
    pub(super) fn show(&mut self) {
        let mut computed = phase::of(&self.containers, self.policy(), self.stop.is_some());
        if self.cause.is_some() {
            computed = Phase::Failed;
        } else if !computed.is_final() && !self.stop.as_ref().is_some_and(Stop::is_by_force) {
            self.phase = computed;
        }
        self.write(self.phase, computed);
    }

    fn write(&mut self, phase: Phase, computed: Phase) {
        self.phase = phase;
        let cause = self.cause.as_ref().filter(|_| phase.is_final());
        let picture = Picture {
            containers: &self.containers,
            phase,
            computed,
            cause: cause.map(|(reason, message)| (*reason, message.as_str())),
            start_time: self.start_time,
            is_set_up: self.is_set_up,
            has_address: self.has_address,
            identity: environment::identity,
        };
        for container in &self.containers {
            self.view.change(container.name(), |seen| {
                seen.waiting = match container.shown() {
                    State::Waiting { reason, .. } => Some(reason.clone()),
                    State::Running { .. } | State::Terminated(_) => None,
                };
                seen.is_lost = container.id.is_none() && container.ended().is_some();
            });
        }
        let (namespace, name, uid) = (self.field("namespace"), self.field("name"), self.uid());
        let written = self.host.store.update(Kind::Pod, namespace, name, Some(uid), |object| {
            let status = status::render(object, &picture);
            set(object, "status", status);
        });
        if let Ok(pod) = written {
            self.pod = pod;
        }
    }

    /// Show how the pod ended.
    fn finish(&mut self) {
        if self.is_abandoned {
            return;
        }
        let Some(stop) = self.stop.take() else { return };
        let (was_forced, was_initialized) = (stop.is_by_force(), stop.was_initialized);
        let shown = self.phase;
        let mut computed = phase::of(&self.containers, self.policy(), true);
        if self.cause.is_some() || self.init_has_failed() {
            computed = Phase::Failed;
        }
        self.is_set_up = false;
        if (was_forced && !computed.is_final()) || stop.is_seen {
            // Seen between the end of the last container and the last word.
            self.write(shown, computed);
        }
        if was_initialized {
            for container in self.containers.iter_mut().filter(|container| container.role != Role::Init) {
                lose(container);
            }
        }
        let last = if computed.is_final() { computed } else { Phase::Failed };
        self.write(last, computed);
    }

    fn init_has_failed(&self) -> bool {
        let policy = self.policy();
        self.containers.iter().any(|container| {
            container.role == Role::Init
                && container
                    .ended()
                    .is_some_and(|end| end.exit_code != 0 && !container.restarts_after(end.exit_code, policy))
        })
    }

    /// Let the API have a pod that was deleted and has ended; whether it is gone.
    fn release(&self) -> bool {
        release(&self.host.store, self.field("namespace"), self.field("name"), self.uid())
    }

    pub(super) fn event(&self, kind: &'static str, reason: &str, message: String, index: Option<usize>) {
        let field_path = index.and_then(|index| self.containers.get(index)).map(Container::field_path);
        let event = EventRecord { kind, reason: reason.into(), message, field_path, component: "kubelet" };
        self.host.store.record_event(&self.pod, event);
    }

    /// Whether every init container has done its work.
    pub(super) fn is_initialized(&self) -> bool {
        self.containers.iter().all(|container| match container.role {
            Role::Init => container.has_succeeded(),
            Role::Sidecar => container.id.is_some(),
            Role::Main => true,
        })
    }

    pub(super) fn policy(&self) -> &str {
        text(&self.pod, "/spec/restartPolicy")
    }

    /// `terminationGracePeriodSeconds`; 30 when nothing is said.
    pub(super) fn grace(&self) -> Duration {
        let seconds = self.pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64);
        Duration::from_secs(seconds.unwrap_or(30))
    }

    fn field(&self, name: &str) -> &str {
        text(&self.pod, &format!("/metadata/{name}"))
    }

    fn uid(&self) -> &str {
        text(&self.pod, "/metadata/uid")
    }
}

/// A container that should have run and is not there.
fn lose(container: &mut Container) {
    if matches!(container.state, State::Waiting { .. }) {
        container.state = State::Terminated(Ended {
            exit_code: 137,
            reason: "ContainerStatusUnknown",
            message: Some("The container could not be located when the pod was terminated".into()),
            started_at: None,
            finished_at: None,
            id: None,
        });
    }
}
