use serde_json::{Value, json};

use super::at;
use crate::run::answer::{MAX_OUTPUT_BYTES, Reply, error_name, event, message, reply, status};
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::run::result::{OutputFile, RunResult};
use crate::run::state::State;

const URI: &str = "s3://bucket/runs/run-1/result.json";

fn ended(state: State) -> RunResult {
    let diagnosis = Diagnosis::new(Cause::NodeLost, "the node `n-1` does not answer");
    let mut result = RunResult::without_attempt("run-1", state, diagnosis, at(60));
    if state == State::Succeeded {
        result.diagnosis = None;
        result.outputs.insert("rows".into(), json!(3));
        let uri = "s3://bucket/runs/run-1/attempts/1/outputs/a.csv".to_owned();
        result.output_files = vec![OutputFile { path: "a.csv".into(), uri, size: 4, sha256: "00".into() }];
    }
    result
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn success_carries_outputs_and_files() {
    let Reply::Success(output) = reply(&ended(State::Succeeded), URI) else { panic!("a success") };
    let output = json_of(&output);
    assert_eq!(output["runId"], "run-1");
    assert_eq!(output["state"], "SUCCEEDED");
    assert_eq!(output["resultUri"], URI);
    assert_eq!(output["outputs"], json!({"rows": 3}));
    assert_eq!(output["outputFiles"][0]["uri"], "s3://bucket/runs/run-1/attempts/1/outputs/a.csv");
}

#[test]
fn an_output_of_256_kib_goes_out_whole_and_a_longer_one_as_a_pointer() {
    let of_length = |length: usize| {
        let mut result = ended(State::Succeeded);
        result.outputs.insert("text".into(), "x".repeat(length).into());
        match reply(&result, URI) {
            Reply::Success(output) => output,
            Reply::Failure { .. } => panic!("a success"),
        }
    };
    let frame = of_length(0).len();
    let whole = of_length(MAX_OUTPUT_BYTES - frame);
    assert_eq!(whole.len(), MAX_OUTPUT_BYTES);
    let longer = json_of(&of_length(MAX_OUTPUT_BYTES - frame + 1));
    assert_eq!(longer["truncated"], true);
    assert_eq!(longer["resultUri"], URI);
    assert_eq!(longer["outputs"], Value::Null);
}

#[test]
fn a_failure_carries_the_class_and_words() {
    let mut result = ended(State::Failed);
    result.log_tail = Some(format!("{}the last line\n", "ü".repeat(40_000)));
    let Reply::Failure { error, cause } = reply(&result, URI) else { panic!("a failure") };
    assert_eq!(error, "Longshore.infrastructure");
    assert!(cause.starts_with("NodeLost: the node `n-1` does not answer\nhint: "), "{cause}");
    assert!(cause.contains(URI) && cause.ends_with("the last line\n"));
    assert!(cause.len() <= 32 * 1024 && cause.len() > 32 * 1024 - 4, "{}", cause.len());
}

#[test]
fn every_class_has_its_name_for_catch_and_retry() {
    for (cause, name) in [
        (Cause::NonZeroExit, "Longshore.user"),
        (Cause::ImagePull, "Longshore.config"),
        (Cause::Evicted, "Longshore.infrastructure"),
        (Cause::Unschedulable, "Longshore.capacity"),
        (Cause::RunningDeadline, "Longshore.timeout"),
        (Cause::Cancelled, "Longshore.cancelled"),
        (Cause::Internal, "Longshore.internal"),
    ] {
        assert_eq!(error_name(Some(&Diagnosis::new(cause, "x"))), name);
    }
}

#[test]
fn only_what_succeeded_or_was_skipped_is_a_success() {
    for state in [State::Failed, State::TimedOut, State::Cancelled, State::Rejected] {
        assert!(matches!(reply(&ended(state), URI), Reply::Failure { .. }), "{state}");
    }
    assert!(matches!(reply(&ended(State::Skipped), URI), Reply::Success(_)));
}

#[test]
fn a_message_an_event_and_a_status_say_what_failed() {
    let result = ended(State::Failed);
    let message = json_of(&message(&result, URI));
    assert_eq!(
        (&message["error"], &message["diagnosis"]["cause"]),
        (&json!("Longshore.infrastructure"), &json!("NodeLost"))
    );
    let event = json_of(&event(&result, URI));
    assert_eq!(
        (&event["state"], &event["timings"]["endedAt"]),
        (&json!("FAILED"), &json!("2026-01-01T00:01:00Z"))
    );
    let status = status(&result, URI);
    assert_eq!((&status["ended"], &status["error"]), (&json!(true), &json!("Longshore.infrastructure")));
}
