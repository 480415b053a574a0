//! The plan in force, as everything that can go wrong sees it.

use super::kind::{Kind, Moment, PodFault, RequestFault, Victim};
use super::plan::{Plan, Seen};
use super::reader::Problem;
use super::tally::Tally;
use super::texts;
use crate::store::text;
use serde_json::{Value, json};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What goes wrong on request; clones share it. At first, nothing does.
#[derive(Clone)]
pub struct Faults(Arc<Shared>);

struct Shared {
    active: Mutex<Option<Active>>,
    /// Looked at before anything else is done, so that no plan costs nothing.
    is_on: AtomicBool,
    plans: watch::Sender<u64>,
    node_is_silent: watch::Sender<bool>,
}

struct Active {
    written: Value,
    plan: Plan,
    tallies: Vec<Tally>,
    lifted: CancellationToken,
}

/// What the kubelet does to a pod whose container has started.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Disturbance {
    /// The kernel kills the container.
    OutOfMemory,
    /// The kernel kills a child of the container.
    ChildOutOfMemory,
    /// The pod is evicted.
    Evicted {
        /// Why.
        message: String,
        /// Whether a condition says so as well.
        disruption_target: bool,
    },
}

impl Default for Faults {
    fn default() -> Faults {
        Faults(Arc::new(Shared {
            active: Mutex::new(None),
            is_on: AtomicBool::new(false),
            plans: watch::Sender::new(0),
            node_is_silent: watch::Sender::new(false),
        }))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Faults").field(&self.report().to_string()).finish()
    }
}

impl Faults {
    /// Put a plan in force, in the words of `docs/FAULTS.md`; it replaces the one before, and counts from zero.
    ///
    /// # Errors
    ///
    /// Every problem in the plan; then the one before stays in force.
    pub fn put(&self, plan: &Value) -> Result<(), Vec<Problem>> {
        let read = Plan::read(plan)?;
        let tallies = vec![Tally::default(); read.faults.len()];
        let lifted = CancellationToken::new();
        self.replace(Some(Active { written: plan.clone(), plan: read, tallies, lifted }));
        Ok(())
    }

    /// Let nothing go wrong any more; a lost node comes back.
    pub fn clear(&self) {
        self.replace(None);
    }

    /// The plan as it was written, and for each fault how often it matched and struck.
    pub fn report(&self) -> Value {
        let active = self.active();
        let faults = active.iter().flat_map(|active| active.plan.faults.iter().zip(&active.tallies));
        let faults: Vec<Value> = faults
            .map(|(fault, tally)| {
                json!({"name": fault.name, "kind": fault.word, "matched": tally.matched, "struck": tally.struck})
            })
            .collect();
        json!({"plan": active.as_ref().map(|active| &active.written), "faults": faults})
    }

    /// How often the fault of that name has struck since its plan is in force.
    pub fn struck(&self, name: &str) -> u64 {
        let active = self.active();
        let mut faults = active.iter().flat_map(|active| active.plan.faults.iter().zip(&active.tallies));
        faults.find(|(fault, _)| fault.name == name).map_or(0, |(_, tally)| tally.struck)
    }

    fn active(&self) -> MutexGuard<'_, Option<Active>> {
        // Every change is one replacement or one count.
        self.0.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, new: Option<Active>) {
        let is_on = new.is_some();
        let old = std::mem::replace(&mut *self.active(), new);
        self.0.is_on.store(is_on, Ordering::Release);
        if let Some(old) = old {
            old.lifted.cancel();
        }
        self.set_node_silent(false);
        self.0.plans.send_modify(|number| *number += 1);
    }

    /// Whether anything can go wrong at all.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_on.load(Ordering::Acquire)
    }

    /// Moves with every plan that is put or cleared.
    pub(crate) fn plans(&self) -> watch::Receiver<u64> {
        self.0.plans.subscribe()
    }

    /// Whether the node does not answer.
    pub(crate) fn node_is_silent(&self) -> bool {
        *self.0.node_is_silent.borrow()
    }

    /// Wait until the node answers.
    pub(crate) async fn node_answers(&self) {
        // The sender lives as long as this.
        let _ = self.0.node_is_silent.subscribe().wait_for(|is_silent| !is_silent).await;
    }

    /// Silence the node or let it answer; whether that is new.
    pub(super) fn set_node_silent(&self, is_silent: bool) -> bool {
        self.0.node_is_silent.send_if_modified(|now| std::mem::replace(now, is_silent) != is_silent)
    }

    /// What happens to a request: how long it waits, and what then.
    pub(super) fn request(&self, seen: &Seen<'_>) -> (Duration, Option<RequestFault>) {
        let mut delay = Duration::ZERO;
        let mut guard = self.active();
        let Some(Active { plan, tallies, .. }) = guard.as_mut() else { return (delay, None) };
        for (place, (fault, tally)) in (0..).zip(plan.faults.iter().zip(tallies)) {
            let Kind::Request(request) = &fault.kind else { continue };
            let is_struck = request.fits(seen)
                && fault.selection.takes(seen)
                && tally.count(&fault.rhythm, plan.seed, place);
            match request {
                _ if !is_struck => {}
                RequestFault::Latency(more) => delay += *more,
                other => return (delay, Some(other.clone())),
            }
        }
        (delay, None)
    }

    /// What strikes a pod, of the faults that `pick` takes; it is told how often this was asked for the pod.
    fn of_pod<T>(&self, pod: &Value, pick: impl Fn(&PodFault, u64) -> Option<T>) -> Vec<T> {
        if !self.is_on() {
            return Vec::new();
        }
        let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        let (uid, labels) = (text(pod, "/metadata/uid"), pod.pointer("/metadata/labels"));
        let mut guard = self.active();
        let Some(Active { plan, tallies, .. }) = guard.as_mut() else { return Vec::new() };
        let mut struck = Vec::new();
        for (place, (fault, tally)) in (0..).zip(plan.faults.iter().zip(tallies)) {
            let Kind::Pod(what) = &fault.kind else { continue };
            if pick(what, 1).is_none() || !fault.selection.takes_object(namespace, name, labels) {
                continue;
            }
            let verdict = tally.judge(uid, &fault.rhythm, plan.seed, place);
            if verdict.strikes {
                struck.extend(pick(what, verdict.asked));
            }
        }
        struck
    }

    /// Why no node is found for a pod.
    pub(crate) fn unschedulable(&self, pod: &Value) -> Option<String> {
        let message = |fault: &PodFault, _| match fault {
            PodFault::Unschedulable { message } => Some(message.clone()),
            _ => None,
        };
        self.of_pod(pod, message).into_iter().next()
    }

    /// Why the node refuses a pod, in the kubelet's words, and whether that is new.
    pub(super) fn out_of_cpu(&self, pod: &Value) -> Option<(String, bool)> {
        let message = |fault: &PodFault, asked| match fault {
            PodFault::OutOfCpu { message } => Some((message.clone(), asked == 1)),
            _ => None,
        };
        self.of_pod(pod, message).into_iter().next()
    }

    /// Why the image of a container of a pod cannot be pulled this time.
    pub(crate) fn pull(&self, pod: &Value, container: &str, image: &str) -> Option<String> {
        let problem = |fault: &PodFault, asked| match fault {
            PodFault::ImagePull { problem, container: named, pulls } => {
                let is_meant = named.as_deref().is_none_or(|named| named == container);
                (is_meant && pulls.is_none_or(|pulls| asked <= pulls)).then_some(*problem)
            }
            _ => None,
        };
        self.of_pod(pod, problem).into_iter().next().map(|problem| texts::pull(problem, image))
    }

    /// What happens to a pod, and when, now that a container of it has started; `is_first` of its main ones.
    pub(crate) fn started(
        &self,
        pod: &Value,
        container: &str,
        is_first: bool,
    ) -> Vec<(Duration, Disturbance)> {
        self.of_pod(pod, |fault, _| match fault {
            PodFault::OomKilled { victim, container: named, after } => {
                let is_meant = named.as_deref().map_or(is_first, |named| named == container);
                let disturbance = match victim {
                    Victim::Container => Disturbance::OutOfMemory,
                    Victim::Child => Disturbance::ChildOutOfMemory,
                };
                is_meant.then_some((*after, disturbance))
            }
            PodFault::Evicted { message, disruption_target, after } => is_first.then(|| {
                let (message, disruption_target) = (message.clone(), *disruption_target);
                (*after, Disturbance::Evicted { message, disruption_target })
            }),
            _ => None,
        })
    }

    /// What somebody else does to a pod in the phase that it is in, told once, until the plan is lifted.
    pub(super) fn outside(&self, pod: &Value) -> Vec<(PodFault, Moment)> {
        let phase = text(pod, "/status/phase");
        self.of_pod(pod, |fault, asked| {
            let moment = fault.moment()?;
            let is_new = asked == 1 && moment.phase.name() == phase;
            is_new.then(|| (fault.clone(), moment.clone()))
        })
    }

    /// Ends when the plan in force is replaced; `None` without one that is about pods from outside.
    pub(super) fn lifted(&self) -> Option<CancellationToken> {
        let active = self.active();
        let active = active.as_ref()?;
        let is_meant = |kind: &Kind| matches!(kind, Kind::Pod(fault) if fault.moment().is_some());
        active.plan.faults.iter().any(|fault| is_meant(&fault.kind)).then(|| active.lifted.clone())
    }
}

impl PodFault {
    /// When it happens, if it comes from outside the node's own work.
    fn moment(&self) -> Option<&Moment> {
        match self {
            PodFault::Ended(outside) => Some(&outside.moment),
            PodFault::NodeLost(lost) => Some(&lost.moment),
            _ => None,
        }
    }
}
