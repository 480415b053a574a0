//! What the kubelet knows about one container of a pod.

use crate::store::text;
use jiff::Timestamp;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The first pause of a restart or a pull that failed; it doubles up to [`MAX_BACK_OFF`] (as the kubelet has it).
pub const FIRST_BACK_OFF: Duration = Duration::from_secs(10);
/// The longest pause.
pub const MAX_BACK_OFF: Duration = Duration::from_secs(300);
/// A container that ran that long starts again without a pause.
pub const BACK_OFF_FORGOTTEN: Duration = Duration::from_secs(600);

/// The place of a container in the life of its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs to its end before the next one starts.
    Init,
    /// An init container with restartPolicy Always: lives as long as the main ones.
    Sidecar,
    /// One of `spec.containers`.
    Main,
}

/// `state` of a container.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not running, and why.
    Waiting {
        /// A word, for example `ContainerCreating`.
        reason: String,
        /// A sentence.
        message: Option<String>,
    },
    /// Running since then.
    Running {
        /// When its process started.
        started_at: Timestamp,
        /// Its identifier, without the scheme.
        id: String,
    },
    /// Ended.
    Terminated(Ended),
}

/// How an instance of a container ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// A signal counts as 128 plus its number.
    pub exit_code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError` or `ContainerStatusUnknown`.
    pub reason: &'static str,
    /// Termination message or the words of the runtime.
    pub message: Option<String>,
    /// The beginning of 1970 when it never started; `None` when it never was.
    pub started_at: Option<Timestamp>,
    /// `None` when it never was.
    pub finished_at: Option<Timestamp>,
    /// `None` when it never was.
    pub id: Option<String>,
}

/// One container of one pod.
#[derive(Clone, Debug)]
pub struct Container {
    /// Its entry in the pod's spec.
    pub spec: Value,
    /// Its place.
    pub role: Role,
    /// Now.
    pub state: State,
    /// The end of the instance before.
    pub last: Option<Ended>,
    /// How often it was started again.
    pub restarts: u32,
    /// Identifier of the newest instance, once there was one.
    pub id: Option<String>,
    /// The pause after the next failure.
    pub back_off: Option<Duration>,
    /// The pause that `retry_at` came from.
    pub pause: Duration,
    /// Not to be started before.
    pub retry_at: Option<Instant>,
    /// It was told to stop.
    pub stopping: bool,
    /// Everybody was told that it stops.
    pub is_announced: bool,
    /// When it is killed after it was told to stop by itself, not with its pod.
    pub kill_at: Option<Instant>,
    /// What is shown instead of `state` while a postStart hook runs.
    pub held: Option<State>,
    /// The instance has started, as its startup probe sees it.
    pub has_started: bool,
    /// An instance has once started: the containers after it may.
    pub has_been_started: bool,
    /// The instance is ready, as its readiness probe sees it.
    pub is_ready: bool,
    /// The kernel has killed in it for memory, as it was asked to.
    pub is_out_of_memory: bool,
}

impl Container {
    /// The containers of a pod in the order of starting.
    pub fn all_of(pod: &Value) -> Vec<Container> {
        let list = |field: &str| {
            pod.pointer(&format!("/spec/{field}")).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let inits = list("initContainers");
        let reason = if inits.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let inits = inits.into_iter().map(|spec| {
            let role = if text(&spec, "/restartPolicy") == "Always" { Role::Sidecar } else { Role::Init };
            (spec, role)
        });
        let mains = list("containers").into_iter().map(|spec| (spec, Role::Main));
        inits
            .chain(mains)
            .map(|(spec, role)| Container {
                spec,
                role,
                state: State::Waiting { reason: reason.into(), message: None },
                last: None,
                restarts: 0,
                id: None,
                back_off: None,
                pause: Duration::ZERO,
                retry_at: None,
                stopping: false,
                is_announced: false,
                kill_at: None,
                held: None,
                has_started: false,
                has_been_started: false,
                is_ready: false,
                is_out_of_memory: false,
            })
            .collect()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        text(&self.spec, "/name")
    }

    /// The part of the pod that events about it name.
    pub fn field_path(&self) -> String {
        let list = if self.role == Role::Main { "containers" } else { "initContainers" };
        format!("spec.{list}{{{}}}", self.name())
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Its state as everybody may see it.
    pub fn shown(&self) -> &State {
        self.held.as_ref().filter(|_| self.is_running()).unwrap_or(&self.state)
    }

    /// Whether it runs, has started and is ready.
    pub fn is_ready(&self) -> bool {
        self.is_running() && self.held.is_none() && self.is_ready
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<&Ended> {
        match &self.state {
            State::Terminated(ended) => Some(ended),
            _ => None,
        }
    }

    /// Whether it ended with exit code 0.
    pub fn has_succeeded(&self) -> bool {
        self.ended().is_some_and(|ended| ended.exit_code == 0)
    }

    /// Whether an instance that ended like this is followed by another.
    pub fn restarts_after(&self, exit_code: i32, pod_policy: &str) -> bool {
        if self.role == Role::Sidecar {
            return true;
        }
        if let Some(rules) = self.spec.get("restartPolicyRules").and_then(Value::as_array)
            && rules.iter().any(|rule| rule_applies(rule, exit_code))
        {
            return true;
        }
        let own = text(&self.spec, "/restartPolicy");
        let policy = if own.is_empty() { pod_policy } else { own };
        match policy {
            "Never" => false,
            "Always" if self.role == Role::Main => true,
            _ => exit_code != 0,
        }
    }

    /// The next pause, growing with each call.
    pub fn next_back_off(&mut self) -> Duration {
        let pause = self.back_off.unwrap_or(FIRST_BACK_OFF);
        self.back_off = Some((pause * 2).min(MAX_BACK_OFF));
        self.pause = pause;
        pause
    }
}

fn rule_applies(rule: &Value, exit_code: i32) -> bool {
    let values = rule.pointer("/exitCodes/values").and_then(Value::as_array);
    let listed =
        values.is_some_and(|values| values.iter().any(|value| value.as_i64() == Some(exit_code.into())));
    match text(rule, "/exitCodes/operator") {
        "In" => listed,
        "NotIn" => !listed,
        _ => false,
    }
}
