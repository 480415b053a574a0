//! A pod and how it changes.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus,
    Pod, PodCondition, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use shared::clock::later;

use super::life::{Life, OnTerm};
use crate::dice::Dice;

/// The API server removes the pods of a node that stays away after so long.
const NODE_GONE_SECONDS: u64 = 240;

/// State of a container.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not started, for this reason.
    Waiting(&'static str),
    /// Since then.
    Running(Timestamp),
    /// Ended.
    Ended {
        /// Exit code.
        code: i32,
        /// `OOMKilled`, `Error`, `Completed`.
        reason: &'static str,
        /// From then.
        from: Timestamp,
        /// Until then.
        until: Timestamp,
    },
}

/// A container.
#[derive(Clone, Debug)]
pub struct Container {
    /// Its name.
    pub name: String,
    init: bool,
    /// Its state.
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Created,
    Unplaced,
    Placed,
    Initializing,
    Starting,
    Running,
    Ended,
    Over,
}

/// What a step made of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing to be seen.
    Unchanged,
    /// It looks otherwise.
    Changed,
    /// It is gone.
    Removed,
}

/// A pod.
#[derive(Clone, Debug)]
pub struct SimulatedPod {
    /// As it was posted.
    manifest: Pod,
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// `resourceVersion`
    pub version: u64,
    /// When it changes by itself.
    pub due: Option<Timestamp>,
    /// Its containers.
    pub containers: Vec<Container>,
    created_at: Timestamp,
    life: Life,
    stage: Stage,
    phase: &'static str,
    reason: Option<&'static str>,
    unschedulable: bool,
    scheduled_at: Option<Timestamp>,
    disruption: Option<&'static str>,
    silent: bool,
    /// Deadline and grace of its deletion.
    pub deletion: Option<(Timestamp, u32)>,
    terminated: bool,
}

impl SimulatedPod {
    /// A pod that was just created.
    pub fn new(manifest: Pod, uid: String, life: Life, now: Timestamp) -> SimulatedPod {
        let spec = manifest.spec.clone().unwrap_or_default();
        let container =
            |name: String, init: bool| Container { name, init, state: State::Waiting("ContainerCreating") };
        let init =
            spec.init_containers.unwrap_or_default().into_iter().map(|found| container(found.name, true));
        let others = spec.containers.into_iter().map(|found| container(found.name, false));
        SimulatedPod {
            name: manifest.metadata.name.clone().unwrap_or_default(),
            containers: init.chain(others).collect(),
            manifest,
            uid,
            version: 0,
            due: Some(now),
            created_at: now,
            life,
            stage: Stage::Created,
            phase: "Pending",
            reason: None,
            unschedulable: false,
            scheduled_at: None,
            disruption: None,
            silent: false,
            deletion: None,
            terminated: false,
        }
    }

    /// The container of this name runs, and its node answers.
    pub fn is_reachable(&self, container: &str) -> bool {
        !self.silent
            && self
                .containers
                .iter()
                .any(|found| found.name == container && matches!(found.state, State::Running(_)))
    }

    /// Its node answers and the container has been started: it has a log.
    pub fn has_log(&self, container: &str) -> bool {
        !self.silent
            && self
                .containers
                .iter()
                .any(|found| found.name == container && !matches!(found.state, State::Waiting(_)))
    }

    /// The node does not answer.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// State of the main container.
    pub fn main(&self) -> Option<&State> {
        self.containers.iter().find(|container| container.name == "main").map(|container| &container.state)
    }

    /// Somebody asks for its deletion.
    pub fn delete(&mut self, grace: Option<u32>, now: Timestamp) -> Outcome {
        let own = self.manifest.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
        let grace = grace.or_else(|| u32::try_from(own?).ok()).unwrap_or(30);
        if grace == 0 || self.scheduled_at.is_none() {
            return Outcome::Removed;
        }
        let deadline = later(now, Duration::from_secs(u64::from(grace)));
        match self.deletion {
            // A grace is only ever shortened.
            Some((known, _)) if known <= deadline => return Outcome::Unchanged,
            Some(_) | None => self.deletion = Some((deadline, grace)),
        }
        if !self.silent {
            self.due = Some(now);
        }
        Outcome::Changed
    }

    /// Its next step.
    pub fn advance(&mut self, now: Timestamp, dice: &mut Dice) -> Outcome {
        self.due = None;
        if self.deletion.is_some() {
            return self.end(now, dice);
        }
        let soon =
            |dice: &mut Dice, most: u64| Some(later(now, Duration::from_millis(dice.below(most * 1000))));
        let after = |seconds: u64| Some(later(now, Duration::from_secs(seconds)));
        match (self.stage, self.life) {
            (Stage::Created, Life::Refused) => {
                self.scheduled_at = Some(now);
                (self.phase, self.reason, self.stage) = ("Failed", Some("OutOfcpu"), Stage::Over);
            }
            (Stage::Created, Life::Unschedulable(seconds)) => {
                (self.unschedulable, self.stage) = (true, Stage::Unplaced);
                self.due = seconds.and_then(after);
            }
            (Stage::Created | Stage::Unplaced, _) => {
                (self.unschedulable, self.scheduled_at, self.stage) = (false, Some(now), Stage::Placed);
                self.due = soon(dice, 2);
            }
            (Stage::Placed, Life::Waits(reason)) => {
                self.set("main", State::Waiting(reason));
                self.stage = Stage::Over;
            }
            (Stage::Placed, life) => {
                let init =
                    self.containers.iter().find(|container| container.init).map(|init| init.name.clone());
                match init {
                    Some(init) => {
                        self.set(&init, State::Running(now));
                        self.stage = Stage::Initializing;
                    }
                    None if life == Life::InitFails => {
                        // Without carriers there is none that could fail: the program itself does.
                        self.life = Life::Ends { code: 1, seconds: 0 };
                        self.stage = Stage::Starting;
                    }
                    None => self.stage = Stage::Starting,
                }
                self.due = soon(dice, 3);
            }
            (Stage::Initializing, Life::InitFails) => {
                self.finish(|container| container.init, 1, now);
                (self.phase, self.stage) = ("Failed", Stage::Over);
            }
            (Stage::Initializing, _) => {
                self.finish(|container| container.init, 0, now);
                self.stage = Stage::Starting;
                self.due = soon(dice, 1);
            }
            (Stage::Starting, life) => {
                for container in self.containers.iter_mut().filter(|container| !container.init) {
                    container.state = State::Running(now);
                }
                (self.phase, self.stage) = ("Running", Stage::Running);
                self.due = match life {
                    Life::Ends { seconds, .. }
                    | Life::Evicted(seconds)
                    | Life::Preempted(seconds)
                    | Life::NodeLost(seconds)
                    | Life::CarrierDies(seconds) => after(seconds),
                    Life::Unschedulable(_) => after(2),
                    Life::Forever(_) | Life::Waits(_) | Life::InitFails | Life::Refused => None,
                };
            }
            (Stage::Running, Life::Evicted(_)) => {
                self.finish(|_| true, 137, now);
                (self.phase, self.reason, self.stage) = ("Failed", Some("Evicted"), Stage::Over);
            }
            (Stage::Running, Life::Preempted(_)) => {
                self.disruption = Some("PreemptionByScheduler");
                self.stage = Stage::Over;
                return self.delete(Some(30), now);
            }
            (Stage::Running, Life::NodeLost(_)) => {
                (self.silent, self.disruption) = (true, Some("DeletionByTaintManager"));
                self.stage = Stage::Over;
                let outcome = self.delete(Some(30), now);
                self.due = after(NODE_GONE_SECONDS);
                return outcome;
            }
            (Stage::Running, Life::CarrierDies(_)) => {
                self.finish(|container| container.name == "main", 0, now);
                self.stage = Stage::Ended;
                self.due = soon(dice, 4);
            }
            (Stage::Running, life) => {
                let code = if let Life::Ends { code, .. } = life { code } else { 0 };
                self.finish(|container| container.name == "main", code, now);
                self.stage = Stage::Ended;
                self.due = soon(dice, 1);
            }
            (Stage::Ended, Life::CarrierDies(_)) => {
                self.finish(|_| true, 137, now);
                (self.phase, self.stage) = ("Failed", Stage::Over);
            }
            (Stage::Ended, _) => {
                if self.runs() {
                    // Its carrier keeps it.
                    return Outcome::Unchanged;
                }
                let failed = !matches!(self.main(), Some(State::Ended { code: 0, .. }));
                self.phase = if failed { "Failed" } else { "Succeeded" };
                self.stage = Stage::Over;
            }
            (Stage::Over, _) => return Outcome::Unchanged,
        }
        Outcome::Changed
    }

    /// A step of a pod that is being deleted: SIGTERM, SIGKILL at its deadline, and then it goes.
    fn end(&mut self, now: Timestamp, dice: &mut Dice) -> Outcome {
        let Some((deadline, _)) = self.deletion else { return Outcome::Unchanged };
        if self.silent || !self.runs() {
            return Outcome::Removed;
        }
        if !self.terminated {
            self.terminated = true;
            match self.life {
                Life::Forever(OnTerm::Ignores) => {}
                Life::Forever(OnTerm::Ends(code)) => {
                    self.finish(|container| container.name == "main", code, now)
                }
                _ => self.finish(|container| container.name != "out-files", 143, now),
            }
        } else if now >= deadline {
            self.finish(|_| true, 137, now);
        }
        let pause = Duration::from_millis(dice.below(1500));
        self.due = Some(if self.runs() { deadline.max(later(now, pause)) } else { later(now, pause) });
        Outcome::Changed
    }

    fn runs(&self) -> bool {
        self.containers.iter().any(|container| matches!(container.state, State::Running(_)))
    }

    fn set(&mut self, name: &str, state: State) {
        if let Some(container) = self.containers.iter_mut().find(|container| container.name == name) {
            container.state = state;
        }
    }

    fn finish(&mut self, which: impl Fn(&Container) -> bool, code: i32, now: Timestamp) {
        let out_of_memory = matches!(self.life, Life::Ends { code: 137, .. });
        for container in self.containers.iter_mut().filter(|container| which(container)) {
            if let State::Running(from) = container.state {
                let reason = match code {
                    0 => "Completed",
                    137 if out_of_memory => "OOMKilled",
                    _ => "Error",
                };
                container.state = State::Ended { code, reason, from, until: now };
            }
        }
    }

    /// As the API server shows it.
    pub fn show(&self) -> Pod {
        let mut pod = self.manifest.clone();
        pod.metadata.uid = Some(self.uid.clone());
        pod.metadata.resource_version = Some(self.version.to_string());
        pod.metadata.creation_timestamp = Some(Time(whole(self.created_at)));
        if let Some((deadline, grace)) = self.deletion {
            pod.metadata.deletion_timestamp = Some(Time(whole(deadline)));
            pod.metadata.deletion_grace_period_seconds = Some(i64::from(grace));
        }
        let statuses = |init: bool| {
            let of = self.containers.iter().filter(|container| container.init == init);
            Some(of.map(status).collect()).filter(|_| self.scheduled_at.is_some())
        };
        pod.status = Some(PodStatus {
            phase: Some(self.phase.to_owned()),
            reason: self.reason.map(str::to_owned),
            message: self.reason.map(|reason| format!("the node says {reason}")),
            start_time: self.scheduled_at.map(|at| Time(whole(at))),
            conditions: Some(self.conditions()),
            init_container_statuses: statuses(true),
            container_statuses: statuses(false).filter(|_| self.reason != Some("OutOfcpu")),
            ..PodStatus::default()
        });
        pod
    }

    fn conditions(&self) -> Vec<PodCondition> {
        let condition = |kind: &str, holds: bool, reason: Option<&str>| PodCondition {
            type_: kind.to_owned(),
            status: if holds { "True" } else { "False" }.to_owned(),
            reason: reason.map(str::to_owned),
            ..PodCondition::default()
        };
        let mut conditions = Vec::new();
        if self.unschedulable {
            conditions.push(condition("PodScheduled", false, Some("Unschedulable")));
        } else if self.scheduled_at.is_some() {
            conditions.push(condition("PodScheduled", true, None));
            let is_ready = self.phase == "Running" && !self.silent;
            let reason = if self.silent { None } else { Some("ContainersNotReady") };
            conditions.push(condition("Ready", is_ready, reason.filter(|_| !is_ready)));
        }
        conditions.extend(self.disruption.map(|reason| condition("DisruptionTarget", true, Some(reason))));
        conditions
    }
}

fn status(container: &Container) -> ContainerStatus {
    let state = match &container.state {
        State::Waiting(reason) => ContainerState {
            waiting: Some(ContainerStateWaiting { reason: Some((*reason).to_owned()), message: None }),
            ..ContainerState::default()
        },
        State::Running(from) => ContainerState {
            running: Some(ContainerStateRunning { started_at: Some(Time(whole(*from))) }),
            ..ContainerState::default()
        },
        State::Ended { code, reason, from, until } => ContainerState {
            terminated: Some(ContainerStateTerminated {
                exit_code: *code,
                reason: Some((*reason).to_owned()),
                started_at: Some(Time(whole(*from))),
                finished_at: Some(Time(whole(*until))),
                ..ContainerStateTerminated::default()
            }),
            ..ContainerState::default()
        },
    };
    ContainerStatus { name: container.name.clone(), state: Some(state), ..ContainerStatus::default() }
}

/// The API server tells whole seconds.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
