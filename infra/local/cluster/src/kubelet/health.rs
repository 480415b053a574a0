//! What hooks and probes say about a container, and ending one that fails.

use super::container::{Container, Role};
use super::pod::{Notice, Worker};
use super::probe::{self, Found, Probe};
use super::stop::Stop;
use crate::clock;
use crate::node::Exit;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::time::Duration;

/// A hook of `lifecycle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Runs beside the command; nobody hears of the container before it is over.
    PostStart,
    /// Runs before SIGTERM.
    PreStop,
}

impl Worker {
    /// A process runs: carry out its hook, or go on to its probes.
    pub(super) fn note_running(&mut self, index: usize) {
        let hook =
            self.containers.get(index).and_then(|one| one.spec.pointer("/lifecycle/postStart").cloned());
        match hook {
            Some(hook) => self.run_hook(index, Hook::PostStart, hook),
            None => self.begin_probes(index),
        }
    }

    fn begin_probes(&mut self, index: usize) {
        let Some(container) = self.containers.get_mut(index) else { return };
        container.held = None;
        let has = |probe: Probe| container.spec.get(probe.field()).is_some();
        container.has_started = !has(Probe::Startup);
        container.has_been_started |= container.has_started;
        container.is_ready = container.has_started && !has(Probe::Readiness);
        let (Some(id), Some(target)) = (&container.id, self.view.get(container.name()).target) else {
            return;
        };
        self.probes.insert(index, probe::start(index, id, &container.spec, &target, &self.notices));
    }

    /// Run a hook beside everything else; a notice says when it is over.
    pub(super) fn run_hook(&self, index: usize, hook: Hook, spec: Value) {
        let notices = self.notices.clone();
        let Some(container) = self.containers.get(index) else { return };
        let target = self.view.get(container.name()).target;
        let id = container.id.clone().unwrap_or_default();
        tokio::spawn(async move {
            let is_good = match (target, spec.pointer("/sleep/seconds").and_then(Value::as_u64)) {
                (_, Some(seconds)) => {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    true
                }
                (Some(target), None) => {
                    probe::command(&target, spec.pointer("/exec/command")).await.0 == Exit::Code(0)
                }
                (None, None) => false,
            };
            // A worker that has ended has stopped the container already.
            let _ = notices.send(Notice::HookOver { index, id, hook, is_good });
        });
    }

    pub(super) async fn take_hook(&mut self, index: usize, id: &str, hook: Hook, is_good: bool) {
        if !self.is_instance(index, id) {
            return;
        }
        match hook {
            // Failed or not, the container is stopped next.
            Hook::PreStop => self.ask_to_stop(index).await,
            Hook::PostStart if is_good => {
                self.begin_probes(index);
                self.show();
            }
            Hook::PostStart => {
                self.event("Warning", "FailedPostStartHook", "PostStartHook failed".into(), Some(index));
                let grace = self.grace();
                self.end_instance(index, "FailedPostStartHook".into(), grace).await;
            }
        }
    }

    pub(super) async fn take_probed(&mut self, index: usize, id: &str, found: Found) {
        if !self.is_instance(index, id) || self.stop.is_some() {
            return;
        }
        let Some(container) = self.containers.get_mut(index) else { return };
        match found {
            Found::Started => {
                container.has_started = true;
                // A real kubelet writes the one before it thinks about the other.
                self.show();
                let Some(container) = self.containers.get_mut(index) else { return };
                container.has_been_started = true;
                container.is_ready = container.spec.get(Probe::Readiness.field()).is_none();
                self.show();
            }
            Found::Ready(is_ready) if container.is_ready != is_ready => {
                container.is_ready = is_ready;
                self.show();
            }
            Found::Ready(_) => {}
            Found::Unhealthy(probe, words) => {
                let message = format!("{} probe failed: {words}", probe.name());
                self.event("Warning", "Unhealthy", message, Some(index));
            }
            Found::Failed(probe) => self.end_unhealthy(index, probe).await,
        }
    }

    /// End a container whose probe failed too often; with the last one that goes on, the pod ends.
    async fn end_unhealthy(&mut self, index: usize, probe: Probe) {
        let Some(container) = self.containers.get(index) else { return };
        let own =
            container.spec.get(probe.field()).and_then(|probe| probe.get("terminationGracePeriodSeconds"));
        let grace = own.and_then(Value::as_u64).map_or_else(|| self.grace(), Duration::from_secs);
        let goes_on = |other: &Container| {
            other.role == Role::Main && (other.is_running() || other.restarts_after(1, self.policy()))
        };
        // SIGTERM and SIGKILL both leave an exit code that is not 0, unless the program handles the first.
        let comes_back = container.restarts_after(143, self.policy());
        let others = self.containers.iter().enumerate().any(|(other, one)| other != index && goes_on(one));
        if container.role == Role::Main && !comes_back && !others {
            self.stop = Some(Stop::of_unhealthy(grace, self.is_initialized()));
            return;
        }
        let asked = probe.name().to_lowercase();
        let name = container.name();
        let message = match container.role {
            Role::Main if comes_back => format!("Container {name} failed {asked} probe, will be restarted"),
            Role::Main => format!("Container {name} failed {asked} probe"),
            Role::Init | Role::Sidecar => format!("Init container {name} failed {asked} probe"),
        };
        self.end_instance(index, message, grace).await;
    }

    /// End one container while the others go on.
    async fn end_instance(&mut self, index: usize, message: String, grace: Duration) {
        self.probes.remove(&index);
        let Some(container) = self.containers.get_mut(index) else { return };
        if std::mem::replace(&mut container.stopping, true) {
            return;
        }
        container.is_announced = true;
        container.kill_at = clock::instant().checked_add(grace);
        self.event("Normal", "Killing", message, Some(index));
        self.stop_one(index).await;
    }

    /// Send SIGKILL to what was asked to end long enough ago.
    pub(super) async fn kill_overdue(&mut self) {
        let now = clock::instant();
        for (index, keeper) in &mut self.keepers {
            let container = self.containers.get_mut(*index);
            if let Some(container) = container.filter(|one| one.kill_at.is_some_and(|at| at <= now)) {
                container.kill_at = None;
                keeper.signal(Signal::SIGKILL).await;
            }
        }
    }

    /// Whether it is this instance that runs.
    fn is_instance(&self, index: usize, id: &str) -> bool {
        let container = self.containers.get(index);
        container.is_some_and(|container| container.is_running() && container.id.as_deref() == Some(id))
    }
}
