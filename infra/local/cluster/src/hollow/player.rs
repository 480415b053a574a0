//! What is known about one hollow pod while it lives, and what a step makes of its containers.

use super::script::{Rule, Step, Turn};
use crate::clock;
use crate::kubelet::container::{Container, Ended, Role, State};
use crate::kubelet::environment;
use crate::kubelet::phase::{self, Phase};
use crate::kubelet::status::{self, Picture};
use crate::random;
use crate::store::{set, text};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::Instant;

/// The exit code of a container that was killed, and of one that was asked to end.
const KILLED: i32 = 137;
const ASKED: i32 = 143;

/// What comes next for a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The step of that number.
    Step(usize),
    /// Its time is over.
    Deadline,
    /// Its deletion: the containers end, and it goes.
    End,
}

/// One pod that has not ended.
#[derive(Debug)]
pub(super) struct Player {
    pub namespace: String,
    pub name: String,
    /// When something happens, if anything does.
    pub due: Option<Instant>,
    /// What happens then.
    pub next: Next,
    /// The step that comes when nothing else does.
    pub step: usize,
    /// When `activeDeadlineSeconds` are over.
    pub deadline: Option<Instant>,
    start_time: Timestamp,
    states: Vec<State>,
    is_unready: bool,
    cause: Option<(String, String)>,
}

impl Player {
    /// A pod that the node sees for the first time.
    pub fn new(pod: &Value) -> Player {
        Player {
            namespace: text(pod, "/metadata/namespace").into(),
            name: text(pod, "/metadata/name").into(),
            due: None,
            next: Next::Step(0),
            step: 0,
            deadline: None,
            start_time: clock::now(),
            states: Container::all_of(pod).into_iter().map(|container| container.state).collect(),
            is_unready: false,
            cause: None,
        }
    }

    /// Let something happen and write the status that comes of it into the pod; the pod's new phase.
    pub fn play(&mut self, pod: &mut Value, rule: &Rule, next: Next) -> Phase {
        let mut containers = Container::all_of(pod);
        let uid = text(pod, "/metadata/uid").to_owned();
        for (container, state) in containers.iter_mut().zip(&self.states) {
            container.state = state.clone();
            (container.has_started, container.has_been_started) = (true, true);
            container.is_ready = !self.is_unready;
            if !matches!(state, State::Waiting { .. }) {
                container.id = Some(id(&uid, container.name()));
            }
        }
        let now = clock::now();
        match next {
            Next::Step(index) => {
                if let Some(step) = rule.steps.get(index) {
                    self.turn(&mut containers, &uid, rule, step, now);
                }
            }
            Next::Deadline => {
                let message = "Pod was active on the node longer than the specified deadline";
                self.cause = Some(("DeadlineExceeded".into(), message.into()));
                end(&mut containers, KILLED, now);
            }
            Next::End => end(&mut containers, ASKED, now),
        }
        let mut mains = containers.iter().filter(|container| container.role == Role::Main);
        if mains.all(|main| main.ended().is_some()) {
            end(&mut containers, 0, now);
        }
        let is_over = self.cause.is_some() || next == Next::End;
        let phase = match phase::of(&containers, "Never", is_over) {
            _ if self.cause.is_some() => Phase::Failed,
            computed if is_over && !computed.is_final() => Phase::Failed,
            computed => computed,
        };
        let has_address = containers.iter().any(|container| container.id.is_some());
        let picture = Picture {
            containers: &containers,
            phase,
            computed: phase,
            cause: self.cause.as_ref().map(|(reason, message)| (reason.as_str(), message.as_str())),
            start_time: self.start_time,
            is_set_up: has_address && !phase.is_final(),
            has_address,
            identity: environment::identity,
        };
        let status = status::render(pod, &picture);
        set(pod, "status", status);
        self.states = containers.into_iter().map(|container| container.state).collect();
        phase
    }

    fn turn(&mut self, containers: &mut [Container], uid: &str, rule: &Rule, step: &Step, now: Timestamp) {
        let is_named = |container: &Container| step.containers.iter().any(|name| name == container.name());
        let is_meant = |container: &Container, otherwise: bool| match step.containers.is_empty() {
            true => otherwise,
            false => is_named(container),
        };
        match &step.turn {
            Turn::Waiting { reason, message } => {
                for container in containers.iter_mut().filter(|one| is_meant(one, one.id.is_none())) {
                    container.state = State::Waiting { reason: reason.clone(), message: message.clone() };
                    container.id = None;
                }
            }
            Turn::Running { ready } => {
                self.is_unready = !ready;
                if step.containers.is_empty() {
                    pass_inits(containers, uid, now);
                }
                for container in containers.iter_mut().filter(|one| is_meant(one, true)) {
                    container.is_ready = *ready;
                    run(container, uid, now);
                }
            }
            Turn::Terminated { exit_code, reason, message } => {
                let stays = |one: &Container| rule.staying.iter().any(|name| name == one.name());
                let is_main = |one: &Container| one.role == Role::Main && !stays(one);
                if step.containers.is_empty() {
                    pass_inits(containers, uid, now);
                }
                for container in containers.iter_mut().filter(|one| is_meant(one, is_main(one))) {
                    run(container, uid, now);
                    finish(container, *exit_code, reason.map(|one| one.name()), message.clone(), now);
                }
            }
            Turn::Failed { reason, message } => {
                self.cause = Some((reason.clone(), message.clone()));
                end(containers, KILLED, now);
            }
        }
    }
}

fn id(uid: &str, container: &str) -> String {
    random::hex(&Sha256::digest(format!("{uid}/{container}")))
}

/// The init containers have done their work.
fn pass_inits(containers: &mut [Container], uid: &str, now: Timestamp) {
    for init in containers.iter_mut().filter(|container| container.role == Role::Init) {
        run(init, uid, now);
        finish(init, 0, None, None, now);
    }
}

/// Start a container that has not run.
fn run(container: &mut Container, uid: &str, now: Timestamp) {
    if matches!(container.state, State::Waiting { .. }) {
        let id = id(uid, container.name());
        container.id = Some(id.clone());
        container.state = State::Running { started_at: now, id };
    }
}

/// End a container that runs.
fn finish(
    container: &mut Container,
    exit_code: i32,
    reason: Option<&'static str>,
    message: Option<String>,
    now: Timestamp,
) {
    let State::Running { started_at, id } = &container.state else { return };
    let reason = reason.unwrap_or(if exit_code == 0 { "Completed" } else { "Error" });
    container.state = State::Terminated(Ended {
        exit_code,
        reason,
        message,
        started_at: Some(*started_at),
        finished_at: Some(now),
        id: Some(id.clone()),
    });
}

fn end(containers: &mut [Container], exit_code: i32, now: Timestamp) {
    for container in containers {
        finish(container, exit_code, None, None, now);
    }
}
