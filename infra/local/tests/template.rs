//! What the functions rely on in `template.yaml`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use serde_json::{Value, json};

const FUNCTIONS: [(&str, &str); 4] = [
    ("SubmitFunction", "SubmissionsQueue"),
    ("PollFunction", "WakeQueue"),
    ("CollectFunction", "CollectQueue"),
    ("CancelFunction", "CancelQueue"),
];

/// The properties of a resource; tags such as `!Ref` are dropped, so that `!Ref X` reads as `X`.
fn properties(resource: &str) -> Value {
    template()["Resources"][resource]["Properties"].clone()
}

fn template() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// All values under the key, anywhere in the value.
fn all<'a>(value: &'a Value, key: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, inner)| if name == key { vec![inner] } else { all(inner, key) })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| all(item, key)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_tick_carries_its_time_so_that_the_fifo_queue_does_not_take_it_for_the_last_one() {
    let target = &properties("Tick")["Targets"][0];
    assert_eq!(target["SqsParameters"]["MessageGroupId"], "tick");
    assert_eq!(target["InputTransformer"]["InputPathsMap"], json!({"time": "$.time"}));
    let body = target["InputTransformer"]["InputTemplate"].as_str().unwrap();
    let body: Value = serde_json::from_str(&body.replace("<time>", "\"2026-01-01T00:00:00Z\"")).unwrap();
    assert_eq!(body, json!({"tick": {"time": "2026-01-01T00:00:00Z"}}));
    assert_eq!(properties("Tick")["ScheduleExpression"], "rate(1 minute)");
}

#[test]
fn a_message_whose_function_died_is_visible_again_five_seconds_after_the_functions_timeout() {
    for (function, queue) in FUNCTIONS {
        let timeout = properties(function)["Timeout"].as_u64().unwrap();
        assert_eq!(properties(queue)["VisibilityTimeout"], timeout + 5, "{queue}");
    }
}

#[test]
fn wakes_are_kept_for_five_minutes_and_never_become_dead_letters() {
    let queue = properties("WakeQueue");
    assert_eq!(queue["FifoQueue"], true);
    assert_eq!(queue["ContentBasedDeduplication"], true);
    assert_eq!(queue["MessageRetentionPeriod"], 300);
    assert_eq!(queue["RedrivePolicy"], Value::Null);
}

#[test]
fn the_other_queues_keep_what_failed_and_say_which_messages_did() {
    for (function, queue) in FUNCTIONS.into_iter().filter(|(_, queue)| *queue != "WakeQueue") {
        assert_eq!(properties(queue)["RedrivePolicy"]["maxReceiveCount"], 5, "{queue}");
        assert_eq!(
            all(&properties(function), "FunctionResponseTypes"),
            [&json!(["ReportBatchItemFailures"])]
        );
    }
}

#[test]
fn the_functions_that_send_to_themselves_are_not_stopped_as_loops() {
    for function in ["SubmitFunction", "PollFunction", "CollectFunction"] {
        assert_eq!(properties(function)["RecursiveLoop"], "Allow", "{function}");
    }
}

#[test]
fn no_function_may_do_everything_with_a_service_or_anything_with_everything() {
    for role in ["SubmitRole", "PollRole", "CollectRole", "CancelRole"] {
        let policies = properties(role)["Policies"].clone();
        let actions = all(&policies, "Action");
        assert!(actions.len() > 4, "{role} has no policies");
        assert!(actions.iter().all(|action| !action.to_string().contains('*')), "{role}: {actions:?}");
        assert!(all(&policies, "Resource").iter().all(|resource| *resource != "*"), "{role}");
        assert_eq!(properties(role)["ManagedPolicyArns"], Value::Null, "{role}");
    }
}
