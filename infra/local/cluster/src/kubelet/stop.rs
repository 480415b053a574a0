//! Stopping the containers of a pod: main ones first, then sidecars, all within one grace period.

use super::container::{Container, Role, State};
use super::health::Hook;
use super::pod::Worker;
use crate::clock;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often volumes with a limit are measured (a real kubelet takes 10 s).
const MEASURE_EVERY: Duration = Duration::from_secs(2);
/// The grace of an eviction for a full volume (as the kubelet has it).
pub(super) const EVICTION_GRACE: Duration = Duration::from_secs(1);
const DEADLINE_MESSAGE: &str = "Pod was active on the node longer than the specified deadline";

/// A stop under way.
#[derive(Clone, Debug)]
pub struct Stop {
    deadline: Instant,
    is_by_force: bool,
    is_killed: bool,
    /// Whether every init container had done its work before.
    pub was_initialized: bool,
    /// Whether the end of the containers is shown before the end of the pod.
    pub is_seen: bool,
}

impl Stop {
    fn new(grace: Duration, is_by_force: bool, was_initialized: bool) -> Stop {
        let now = clock::instant();
        let deadline = now.checked_add(grace).unwrap_or(now);
        Stop { deadline, is_by_force, is_killed: false, was_initialized, is_seen: false }
    }

    /// The main containers have ended by themselves.
    pub fn after_completion(grace: Duration, was_initialized: bool) -> Stop {
        Stop::new(grace, false, was_initialized)
    }

    /// The last container that went on is not healthy; its end is seen before the pod's.
    pub fn of_unhealthy(grace: Duration, was_initialized: bool) -> Stop {
        Stop { is_seen: true, ..Stop::new(grace, false, was_initialized) }
    }

    /// Whether containers are stopped that would go on: a deletion, a deadline, an eviction.
    pub fn is_by_force(&self) -> bool {
        self.is_by_force
    }

    /// When something has to be done.
    pub fn next_wake(&self) -> Option<Instant> {
        (!self.is_killed).then_some(self.deadline)
    }
}

impl Worker {
    /// Is the pod deleted, over its time, or over the limit of a volume?
    pub(super) async fn look_for_an_end(&mut self) {
        let now = clock::instant();
        if let Some(grace) = self.deletion_grace() {
            let deadline = now.checked_add(grace).unwrap_or(now);
            match &mut self.stop {
                Some(stop) if stop.is_by_force => stop.deadline = stop.deadline.min(deadline),
                _ => self.begin(grace),
            }
            return;
        }
        if self.stop.is_some() {
            return;
        }
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.event("Normal", "DeadlineExceeded", DEADLINE_MESSAGE.into(), None);
            self.cause = Some(("DeadlineExceeded", DEADLINE_MESSAGE.into()));
            self.begin(self.grace());
        } else if self.measure_at.is_some_and(|at| at <= now) {
            self.measure_at = now.checked_add(MEASURE_EVERY);
            if let Some((name, limit)) = self.full_volume().await {
                let message = format!("Usage of EmptyDir volume \"{name}\" exceeds the limit \"{limit}\". ");
                self.event("Warning", "Evicted", message.clone(), None);
                self.cause = Some(("Evicted", message));
                self.begin(EVICTION_GRACE);
            }
        }
    }

    pub(super) fn begin(&mut self, grace: Duration) {
        for container in &mut self.containers {
            if let State::Waiting { reason, message } = &mut container.state
                && self.cause.is_none()
                && container.role == Role::Main
                && reason.contains("Image")
            {
                *reason = "ContainerCreating".into();
                *message = None;
            }
        }
        self.stop = Some(Stop::new(grace, true, self.is_initialized()));
        self.show();
        // Everything is told at once, and waits for its turn.
        self.announce();
    }

    fn deletion_grace(&self) -> Option<Duration> {
        self.pod.pointer("/metadata/deletionTimestamp")?;
        let grace = self.pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64);
        Some(grace.map_or_else(|| self.grace(), Duration::from_secs))
    }

    async fn full_volume(&self) -> Option<(String, String)> {
        for volume in &self.volumes {
            let Some((most, limit)) = volume.limit.clone() else { continue };
            let directory = volume.directory.clone();
            let used = tokio::task::spawn_blocking(move || used_bytes(&directory)).await.unwrap_or_default();
            if used > most {
                return Some((volume.name.clone(), limit));
            }
        }
        None
    }

    /// Stop what is next; whether everything has ended.
    pub(super) async fn stop_containers(&mut self) -> bool {
        if self.keepers.is_empty() {
            return true;
        }
        let Some(stop) = &mut self.stop else { return false };
        if stop.is_killed {
            return false;
        }
        if clock::instant() >= stop.deadline {
            stop.is_killed = true;
            self.announce();
            self.kill_all().await;
            return false;
        }
        for index in self.next_to_stop() {
            let Some(container) = self.containers.get_mut(index) else { continue };
            if std::mem::replace(&mut container.stopping, true) {
                continue;
            }
            self.announce_one(index);
            self.stop_one(index).await;
        }
        false
    }

    /// The main and init containers that run, or else the last sidecar that does.
    fn next_to_stop(&self) -> Vec<usize> {
        let running = |wanted: fn(&Container) -> bool| -> Vec<usize> {
            let all = self.containers.iter().enumerate();
            all.filter(|(_, container)| container.is_running() && wanted(container))
                .map(|(index, _)| index)
                .collect()
        };
        let first = running(|container| container.role != Role::Sidecar);
        if first.is_empty() { running(|_| true).into_iter().next_back().into_iter().collect() } else { first }
    }

    fn announce(&mut self) {
        for index in 0..self.containers.len() {
            self.announce_one(index);
        }
    }

    fn announce_one(&mut self, index: usize) {
        let Some(container) = self.containers.get_mut(index).filter(|one| one.is_running()) else { return };
        if std::mem::replace(&mut container.is_announced, true) {
            return;
        }
        if let Some(stop) = &mut self.stop {
            stop.is_seen |= container.role == Role::Sidecar && !stop.is_by_force;
        }
        let message = format!("Stopping container {}", container.name());
        self.event("Normal", "Killing", message, Some(index));
    }

    /// Run the preStop hook, then send SIGTERM.
    pub(super) async fn stop_one(&mut self, index: usize) {
        let hook = self.containers.get(index).and_then(|one| one.spec.pointer("/lifecycle/preStop").cloned());
        match hook {
            Some(hook) => self.run_hook(index, Hook::PreStop, hook),
            None => self.ask_to_stop(index).await,
        }
    }

    /// Send SIGTERM.
    pub(super) async fn ask_to_stop(&mut self, index: usize) {
        if let Some(keeper) = self.keepers.get_mut(&index) {
            keeper.signal(Signal::SIGTERM).await;
        }
    }

    /// Send SIGKILL to everything.
    pub(super) async fn kill_all(&mut self) {
        for keeper in self.keepers.values_mut() {
            keeper.signal(Signal::SIGKILL).await;
        }
    }
}

/// Bytes that the files below a directory hold on disk.
fn used_bytes(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(file) if file.is_dir() => used_bytes(&entry.path()),
            Ok(file) => file.blocks() * 512,
            // Gone meanwhile.
            Err(_) => 0,
        })
        .sum()
}
