//! What was seen, one line each, most telling first.

use super::facts::{ContainerFacts, ContainerState, PodFacts, Scheduling, Termination};
use super::observation::EventFact;
use super::text::{head, tail};

/// More lines tell no more.
const MOST_LINES: usize = 12;
/// Characters of a foreign message in one line.
const MESSAGE_CHARACTERS: usize = 300;

/// The pod's own words, its conditions, its containers (the culprit first), and warning events (latest first).
pub(super) fn evidence(pod: Option<&PodFacts>, culprit: Option<&str>, events: &[EventFact]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(pod) = pod {
        lines.extend(pod_lines(pod));
        let (first, rest): (Vec<_>, Vec<_>) =
            pod.containers.iter().partition(|container| Some(container.name.as_str()) == culprit);
        lines.extend(first.into_iter().chain(rest).map(container_line));
    }
    lines.extend(event_lines(events));
    lines.truncate(MOST_LINES);
    lines
}

fn pod_lines(pod: &PodFacts) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(reason) = &pod.reason {
        let message = pod.message.as_deref().unwrap_or_default();
        lines.push(with_message(
            format!("pod {}: {reason}", pod.phase.as_str()),
            &head(message, MESSAGE_CHARACTERS),
        ));
    }
    if let Some(disruption) = &pod.disruption {
        lines.push(with_message(
            format!("condition DisruptionTarget: {}", disruption.reason),
            &head(&disruption.message, MESSAGE_CHARACTERS),
        ));
    }
    match &pod.scheduling {
        Scheduling::Unschedulable { message } => {
            lines.push(with_message(
                "condition PodScheduled: Unschedulable".to_owned(),
                &head(message, MESSAGE_CHARACTERS),
            ));
        }
        Scheduling::Gated => lines.push("condition PodScheduled: SchedulingGated".to_owned()),
        Scheduling::Unknown | Scheduling::Scheduled => {}
    }
    if pod.node_is_silent() {
        lines.push("condition Ready: False, set by the node controller: the node is silent".to_owned());
    }
    if let Some(deletion) = pod.deletion {
        lines.push(format!("deletion was requested, to be done by {}", deletion.deadline));
    }
    lines
}

fn container_line(container: &ContainerFacts) -> String {
    let mut line = format!("container {}: {}", container.name, container_state(&container.state));
    if container.restarts > 0 {
        line.push_str(&format!(", restarted {} times", container.restarts));
    }
    if let Some(last) = &container.last {
        line.push_str(&format!(", before that {}", ended(last)));
    }
    line
}

fn container_state(state: &ContainerState) -> String {
    match state {
        ContainerState::Absent => "no status".to_owned(),
        ContainerState::Waiting { reason, message } => {
            let reason = if reason.is_empty() { "for no given reason" } else { reason };
            with_message(format!("waiting {reason}"), &head(message, MESSAGE_CHARACTERS))
        }
        ContainerState::Running { .. } => "running".to_owned(),
        ContainerState::Terminated(termination) => {
            with_message(ended(termination), &tail(&termination.message, MESSAGE_CHARACTERS))
        }
    }
}

fn ended(termination: &Termination) -> String {
    format!("terminated {} with exit code {}", termination.reason, termination.exit_code)
}

fn event_lines(events: &[EventFact]) -> Vec<String> {
    let mut warnings: Vec<&EventFact> = events.iter().filter(|event| event.is_warning()).collect();
    warnings.sort_by_key(|event| std::cmp::Reverse(event.last_at));
    warnings
        .into_iter()
        .map(|event| {
            let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
            with_message(format!("event {}{times}", event.reason), &head(&event.message, MESSAGE_CHARACTERS))
        })
        .collect()
}

fn with_message(line: String, message: &str) -> String {
    if message.is_empty() { line } else { format!("{line}: {message}") }
}
