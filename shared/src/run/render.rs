//! A decision and a diagnosis as text, for logs and for review.

use std::fmt::Write;

use jiff::Timestamp;

use super::decision::{Decision, Ending, Next, Outcome};
use super::diagnosis::Diagnosis;

/// One line: `RUNNING -> wait until +3601 s`, `COLLECTING -> collect, then FAILED: User/NonZeroExit in main, exit 3`. Times are told from `since` on.
pub fn decision(decision: &Decision, since: Timestamp) -> String {
    let next = match &decision.next {
        Next::Wait { until } => format!("wait until {}", moment(*until, since)),
        Next::Create => "create".to_owned(),
        Next::Collect(collected) => {
            let stop = if collected.stop { "stop, " } else { "" };
            format!("{stop}collect, then {}", ending(collected, since))
        }
        Next::End(ended) => format!("end: {}", ending(ended, since)),
    };
    format!("{} -> {next}", decision.state)
}

/// One line: what becomes of the run, why, and the warnings.
pub fn ending(ending: &Ending, since: Timestamp) -> String {
    let mut line = match &ending.outcome {
        Outcome::Finish(state) => state.to_string(),
        Outcome::Retry { not_before, counted } => {
            let counted = if *counted { "counted" } else { "not counted" };
            format!("RETRYING not before {} ({counted})", moment(*not_before, since))
        }
        Outcome::NewRun { state, not_before } => {
            format!("{state}, and a new run not before {}", moment(*not_before, since))
        }
    };
    if let Some(found) = &ending.diagnosis {
        line.push_str(": ");
        line.push_str(&cause(found));
    }
    for warning in &ending.warnings {
        line.push_str("; warning: ");
        line.push_str(warning);
    }
    line
}

/// `user/NonZeroExit in main, exit 137, signal 9`.
pub fn cause(diagnosis: &Diagnosis) -> String {
    let mut text = format!("{:?}/{:?}", diagnosis.class, diagnosis.cause);
    if let Some(container) = &diagnosis.container {
        text.push_str(&format!(" in {container}"));
    }
    if let Some(exit_code) = diagnosis.exit_code {
        text.push_str(&format!(", exit {exit_code}"));
    }
    if let Some(signal) = diagnosis.signal {
        text.push_str(&format!(", signal {signal}"));
    }
    text
}

/// Several lines: cause, message, hint, evidence.
pub fn diagnosis(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", cause(diagnosis));
    let _ = writeln!(text, "  {}", diagnosis.message);
    let _ = writeln!(text, "  hint: {}", diagnosis.hint);
    for line in &diagnosis.evidence {
        let _ = writeln!(text, "  - {line}");
    }
    text
}

fn moment(moment: Timestamp, since: Timestamp) -> String {
    format!("{:+} s", moment.duration_since(since).as_secs())
}
