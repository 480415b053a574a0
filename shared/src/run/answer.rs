//! What is told of a run that has ended, to whoever asked. `uri` is where its result is.

use serde_json::{Map, Value, json};

use super::diagnosis::{Class, Diagnosis};
use super::result::RunResult;
use super::state::State;

/// Longest output of a state (Step Functions quotas: 256 KiB of UTF-8); a message and an event may be no longer either.
pub const MAX_OUTPUT_BYTES: usize = 256 * 1024;

/// Left of an event for what EventBridge writes around it: an entry is at most 256 KiB as a whole.
const MAX_DETAIL_BYTES: usize = 240 * 1024;

/// Longest `cause` (API reference, `SendTaskFailure`: 32768 characters), here in bytes.
const MAX_CAUSE_BYTES: usize = 32 * 1024;

/// How a state that waits with a task token goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The output of the state, JSON.
    Success(String),
    /// The state fails; `Retry` and `Catch` match `error`.
    Failure {
        /// [`error_name`]
        error: String,
        /// In words.
        cause: String,
    },
}

/// For a state that waits: success for what succeeded or needed not run, else a failure.
pub fn reply(result: &RunResult, uri: &str) -> Reply {
    match result.state {
        State::Succeeded | State::Skipped => {
            Reply::Success(within(MAX_OUTPUT_BYTES, output(result, uri), result, uri))
        }
        _ => Reply::Failure { error: error_name(result.diagnosis.as_ref()), cause: cause(result, uri) },
    }
}

/// The body of a reply message: the output, with the diagnosis of what failed.
pub fn message(result: &RunResult, uri: &str) -> String {
    within(MAX_OUTPUT_BYTES, told(result, uri), result, uri)
}

/// The detail of the event `Longshore Run State Change`: the reply, and when what happened.
pub fn event(result: &RunResult, uri: &str) -> String {
    let mut detail = told(result, uri);
    detail.insert("timings".into(), json!(result.timings));
    within(MAX_DETAIL_BYTES, detail, result, uri)
}

/// What a state that asks for the status of a run is told once it has ended: the output, and what failed as `error` and `cause`.
pub fn status(result: &RunResult, uri: &str) -> Value {
    let reply = reply(result, uri);
    let mut told = pointer(result, uri);
    match reply {
        Reply::Success(output) => {
            if let Ok(Value::Object(output)) = serde_json::from_str(&output) {
                told.extend(output);
            }
        }
        Reply::Failure { error, cause } => {
            told.insert("error".into(), error.into());
            told.insert("cause".into(), cause.into());
        }
    }
    told.insert("ended".into(), true.into());
    Value::Object(told)
}

/// `Longshore.` and the class of the diagnosis, for example `Longshore.infrastructure`: what `ErrorEquals` of `Retry` and `Catch` matches.
pub fn error_name(diagnosis: Option<&Diagnosis>) -> String {
    class_name(diagnosis.map_or(Class::Internal, |diagnosis| diagnosis.class))
}

/// The same of a class.
pub fn class_name(class: Class) -> String {
    let class = serde_json::to_value(class).ok();
    format!("Longshore.{}", class.as_ref().and_then(Value::as_str).unwrap_or("internal"))
}

fn told(result: &RunResult, uri: &str) -> Map<String, Value> {
    let mut told = output(result, uri);
    if let Some(diagnosis) = &result.diagnosis {
        told.insert("error".into(), error_name(Some(diagnosis)).into());
        told.insert("diagnosis".into(), json!(diagnosis));
    }
    told
}

/// Output variables and files, and where the whole result is.
fn output(result: &RunResult, uri: &str) -> Map<String, Value> {
    let mut output = pointer(result, uri);
    output.insert("outputs".into(), Value::Object(result.outputs.clone()));
    output.insert("outputFiles".into(), json!(result.output_files));
    output.insert("warnings".into(), json!(result.warnings));
    output
}

fn pointer(result: &RunResult, uri: &str) -> Map<String, Value> {
    let mut pointer = Map::new();
    pointer.insert("runId".into(), result.run_id.clone().into());
    pointer.insert("state".into(), result.state.as_str().into());
    pointer.insert("resultUri".into(), uri.into());
    pointer
}

/// The text of it, or, when that is too long, only the pointer to the result, which says so.
fn within(most: usize, whole: Map<String, Value>, result: &RunResult, uri: &str) -> String {
    let text = Value::Object(whole).to_string();
    if text.len() <= most {
        return text;
    }
    let mut pointer = pointer(result, uri);
    pointer.insert("truncated".into(), true.into());
    Value::Object(pointer).to_string()
}

/// What went wrong, for people: cause and message, what to do, where to look, and the end of the log as far as it fits.
fn cause(result: &RunResult, uri: &str) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    match &result.diagnosis {
        Some(diagnosis) => {
            line(format!("{:?}: {}", diagnosis.cause, diagnosis.message));
            line(format!("hint: {}", diagnosis.hint));
            diagnosis.evidence.iter().for_each(|seen| line(format!("seen: {seen}")));
        }
        None => line(format!("the run ended as {}", result.state)),
    }
    result.problems.iter().for_each(|problem| line(format!("problem: {problem}")));
    let place = format!("run {}: {uri}\n", result.run_id);
    let mut text = beginning(&text, MAX_CAUSE_BYTES.saturating_sub(place.len())).to_owned();
    text.push_str(&place);
    let heading = "the log ended:\n";
    let room = MAX_CAUSE_BYTES.saturating_sub(text.len() + heading.len());
    if let Some(tail) = result.log_tail.as_deref().map(|tail| end(tail, room)).filter(|tail| !tail.is_empty())
    {
        text.push_str(heading);
        text.push_str(tail);
    }
    text
}

fn beginning(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

fn end(text: &str, most: usize) -> &str {
    text.get(text.ceil_char_boundary(text.len().saturating_sub(most))..).unwrap_or_default()
}
