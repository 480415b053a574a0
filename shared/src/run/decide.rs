//! `decide`: what comes next for a run, from its record, what was seen of its pod, and the time.

use jiff::Timestamp;

use super::decision::{Decision, Ending, Next, Outcome};
use super::diagnose::{culprit, over_limit};
use super::diagnosis::{Cause, Diagnosis};
use super::facts::{ContainerFacts, PodFacts};
use super::limits::{self, StartClock, finish_by, start_clock};
use super::observation::Observation;
use super::record::{Cancel, Record};
use super::retry::{self, Failure};
use super::state::State;
use super::verdict::{Verdict, failed_state};

/// What comes next. Pure and total: the same arguments give the same decision, and every combination has one.
pub fn decide(record: &Record, observation: &Observation, now: Timestamp) -> Decision {
    match own_pod(record, observation) {
        Some(pod) => with_pod(record, observation, pod, now),
        None => without(record, now),
    }
}

/// The pod of this attempt; one with another uid is somebody else's, and ours is gone.
fn own_pod<'a>(record: &Record, observation: &'a Observation) -> Option<&'a PodFacts> {
    let pod = observation.pod.as_ref()?;
    match &record.attempt.pod_uid {
        Some(uid) => (*uid == pod.uid).then_some(pod),
        // The function died between creating the pod and writing its uid.
        None => Some(pod),
    }
}

fn without(record: &Record, now: Timestamp) -> Decision {
    if let Some(ending) = settled(record) {
        return end(ending);
    }
    if let Some(cancel) = &record.cancel {
        return end(cancelled(cancel, false));
    }
    if record.plan.skip.is_some() {
        return end(Ending::plain(State::Skipped));
    }
    if record.has_pod() {
        let diagnosis = Diagnosis::new(
            Cause::PodVanished,
            format!(
                "the pod `{}` of attempt {} is not there any more",
                record.attempt.pod_name, record.attempt.number
            ),
        );
        // Whether its main container ever started cannot be known: the attempt counts.
        let failure = Failure { diagnosis, main_started: true, state: State::Failed };
        return end(failed(record, failure, Vec::new(), false, now));
    }
    let state = if record.past.is_empty() { State::Accepted } else { State::Retrying };
    match record.not_before {
        Some(until) if until > now => Decision { state, next: Next::Wait { until } },
        Some(_) | None => Decision { state, next: Next::Create },
    }
}

fn with_pod(record: &Record, observation: &Observation, pod: &PodFacts, now: Timestamp) -> Decision {
    let act = if observation.gone { end } else { collect };
    let still_runs = !observation.gone && !pod.is_decided() && !pod.phase.is_terminal();
    if let Some(ending) = settled(record) {
        return act(Ending { stop: still_runs, ..ending });
    }
    if let Some(cancel) = &record.cancel {
        return act(cancelled(cancel, still_runs));
    }
    let verdict = Verdict::of(observation, now);
    if let Some(warnings) = skipped(record, pod, &verdict) {
        return act(Ending { warnings, ..Ending::plain(State::Skipped) });
    }
    let ready_by = limits::ready_by(record, pod);
    match verdict {
        Verdict::Succeeded { mut warnings } => {
            warnings.extend(retry::warning(record));
            act(Ending { warnings, ..Ending::plain(State::Succeeded) })
        }
        Verdict::Failed { diagnosis, warnings, stop } => {
            let failure = Failure {
                main_started: pod.main_started_at().is_some(),
                state: failed_state(observation),
                diagnosis,
            };
            let failure = deleted_at_its_limit(record, observation, pod, failure);
            act(failed(record, failure, warnings, stop, now))
        }
        Verdict::Pending { .. } | Verdict::Running { .. } if ready_by.is_some_and(|limit| now >= limit) => {
            let failure = never_ready(record, observation, pod);
            act(failed(record, failure, Vec::new(), true, now))
        }
        Verdict::Pending { changes_at } => {
            let clock = start_clock(record, pod);
            let limit = clock.ends_at;
            if now >= limit {
                let failure = late_start(&clock, observation);
                return act(failed(record, failure, Vec::new(), true, now));
            }
            wait(State::Pending, changes_at, ready_by.map_or(limit, |ready_by| ready_by.min(limit)))
        }
        Verdict::Running { changes_at } => {
            let limit = running_limit(record, pod);
            if now >= limit {
                let failure = late_end(record, observation, pod);
                return act(failed(record, failure, Vec::new(), true, now));
            }
            wait(State::Running, changes_at, ready_by.map_or(limit, |ready_by| ready_by.min(limit)))
        }
    }
}

/// The warnings of a run whose deciding container ended by itself with an exit code that means skipped.
fn skipped(record: &Record, pod: &PodFacts, verdict: &Verdict) -> Option<Vec<String>> {
    let warnings = match verdict {
        Verdict::Succeeded { warnings } => warnings,
        Verdict::Failed { diagnosis, warnings, .. } if diagnosis.cause == Cause::NonZeroExit => warnings,
        _ => return None,
    };
    let codes = &record.plan.skip_exit_codes;
    let means_so = |main: &ContainerFacts| pod.end_of(main).is_some_and(|end| codes.contains(&end.exit_code));
    (pod.is_decided() && pod.deciding().any(means_so)).then(|| warnings.clone())
}

/// The running limit; until every deciding container has started, the waiting limit as well.
fn running_limit(record: &Record, pod: &PodFacts) -> Timestamp {
    let finish_by = finish_by(record, pod).unwrap_or(Timestamp::MAX);
    if pod.deciding().all(|container| container.has_started()) {
        finish_by
    } else {
        finish_by.min(start_clock(record, pod).ends_at)
    }
}

fn wait(state: State, changes_at: Option<Timestamp>, limit: Timestamp) -> Decision {
    let until = changes_at.map_or(limit, |changes_at| changes_at.min(limit));
    Decision { state, next: Next::Wait { until } }
}

fn collect(ending: Ending) -> Decision {
    Decision { state: State::Collecting, next: Next::Collect(ending) }
}

fn end(ending: Ending) -> Decision {
    let state = match ending.outcome {
        Outcome::Finish(state) | Outcome::NewRun { state, .. } => state,
        Outcome::Retry { .. } => State::Retrying,
    };
    Decision { state, next: Next::End(ending) }
}

/// An ending that was settled before the pod was stopped for it: what the pod does after that changes nothing. Only a cancel goes before another
/// attempt or run.
fn settled(record: &Record) -> Option<Ending> {
    record.ending.clone().filter(|ending| match ending.outcome {
        Outcome::Finish(_) => true,
        Outcome::Retry { .. } | Outcome::NewRun { .. } => record.cancel.is_none(),
    })
}

fn cancelled(cancel: &Cancel, stop: bool) -> Ending {
    Ending {
        outcome: Outcome::Finish(State::Cancelled),
        diagnosis: Some(Diagnosis::new(
            Cause::Cancelled,
            format!("the run was cancelled: {}", cancel.reason),
        )),
        stop,
        warnings: Vec::new(),
    }
}

fn failed(record: &Record, failure: Failure, warnings: Vec<String>, stop: bool, now: Timestamp) -> Ending {
    let outcome = retry::outcome(record, &failure, now);
    Ending { outcome, diagnosis: Some(failure.diagnosis), stop, warnings }
}

/// The clock of the start is over. The diagnosis names what held the start up; only where nothing is known it is the deadline itself.
fn late_start(clock: &StartClock, observation: &Observation) -> Failure {
    let late = clock.lateness();
    let diagnosis = match culprit(observation, &[]) {
        Some(found) => Diagnosis { message: format!("{late}: {}", found.message), ..found },
        None => over_limit(Cause::WaitingDeadline, late, observation),
    };
    Failure { diagnosis, main_started: false, state: State::TimedOut }
}

/// The pod is not ready though it had to be. The diagnosis names what keeps it from that, if that can be seen.
fn never_ready(record: &Record, observation: &Observation, pod: &PodFacts) -> Failure {
    let seconds = record.plan.limits.ready_seconds.unwrap_or_default();
    let late = format!("the pod was not ready within {seconds} s");
    let found = culprit(observation, &[]).map(|found| format!("{late}: {}", found.message)).unwrap_or(late);
    Failure {
        diagnosis: over_limit(Cause::ReadyDeadline, found, observation),
        main_started: pod.main_started_at().is_some(),
        state: State::TimedOut,
    }
}

/// The running limit is over. A container that crashes again and again is the better reason.
fn late_end(record: &Record, observation: &Observation, pod: &PodFacts) -> Failure {
    let late = over_running_limit(record);
    let diagnosis = match culprit(observation, &[]) {
        Some(found) if found.cause == Cause::CrashLoop || !pod.deciding().all(|main| main.has_started()) => {
            Diagnosis { message: format!("{late}: {}", found.message), ..found }
        }
        Some(_) | None => over_limit(Cause::RunningDeadline, late, observation),
    };
    Failure { diagnosis, main_started: true, state: State::TimedOut }
}

fn over_running_limit(record: &Record) -> String {
    format!("the main container did not end within {} s", record.plan.limits.running_seconds)
}

/// A pod that was deleted once its limit was over was deleted for that, by Longshore: the limit is the reason.
fn deleted_at_its_limit(
    record: &Record,
    observation: &Observation,
    pod: &PodFacts,
    failure: Failure,
) -> Failure {
    if failure.diagnosis.cause != Cause::PodDeleted {
        return failure;
    }
    let Some(deletion) = pod.deletion else {
        return failure;
    };
    let ended_at = pod.main_finished_at().unwrap_or(deletion.deadline);
    match finish_by(record, pod) {
        Some(limit) if ended_at >= limit => Failure {
            diagnosis: over_limit(Cause::RunningDeadline, over_running_limit(record), observation),
            state: State::TimedOut,
            ..failure
        },
        Some(_) => failure,
        None => {
            let clock = start_clock(record, pod);
            if ended_at < clock.ends_at {
                return failure;
            }
            let diagnosis = over_limit(Cause::WaitingDeadline, clock.lateness(), observation);
            Failure { diagnosis, state: State::TimedOut, ..failure }
        }
    }
}
