//! What the functions rely on in `template.yaml`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::config::Config;

use super::tree;

/// Each function, the queue that wakes it, and how many messages it takes at once.
const FUNCTIONS: [(&str, &str, u64); 4] = [
    ("SubmitFunction", "SubmissionsQueue", 10),
    ("PollFunction", "WakeQueue", 10),
    // One collection may take all the time of an invocation.
    ("CollectFunction", "CollectQueue", 1),
    ("CancelFunction", "CancelQueue", 10),
];

/// Read by `shared::config` and not for a deployment.
const NOT_DEPLOYED: [(&str, &str); 1] =
    [("LONGSHORE_CRASH_AT", "lets a function die at a chosen place, in tests of its death")];

/// The template; tags are dropped, so that `!Ref X` reads as `X`, `!GetAtt X.Arn` as `X.Arn` and `!If [a, b, c]` as the list.
pub fn template() -> Value {
    serde_saphyr::from_str(&tree::read("template.yaml")).unwrap()
}

/// The properties of a resource.
pub fn properties(resource: &str) -> Value {
    let resource = &template()["Resources"][resource];
    assert!(resource.is_object(), "the template has no such resource");
    resource["Properties"].clone()
}

fn event(function: &str) -> Value {
    let events = properties(function)["Events"].clone();
    let events = events.as_object().unwrap();
    assert_eq!(events.len(), 1, "{function} is woken by one queue");
    let event = events.values().next().unwrap();
    assert_eq!(event["Type"], "SQS", "{function}");
    event["Properties"].clone()
}

#[test]
fn every_function_of_the_template_is_in_the_table() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let functions: BTreeSet<&str> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(functions, FUNCTIONS.iter().map(|(name, ..)| *name).collect());
}

#[test]
fn every_tick_carries_its_time_so_that_the_fifo_queue_does_not_take_it_for_the_last_one() {
    let tick = properties("Tick");
    let target = &tick["Targets"][0];
    assert_eq!(target["Arn"], "WakeQueue.Arn");
    assert_eq!(target["SqsParameters"]["MessageGroupId"], "tick");
    assert_eq!(target["InputTransformer"]["InputPathsMap"], json!({"time": "$.time"}));
    let body = target["InputTransformer"]["InputTemplate"].as_str().unwrap();
    let body = body.replace("<time>", "\"2026-01-01T00:00:00Z\"");
    let wake: shared::queue::Wake = serde_json::from_str(&body).unwrap();
    assert_eq!(wake, shared::queue::Wake::Tick { time: "2026-01-01T00:00:00Z".to_owned() });
    assert_eq!(tick["ScheduleExpression"], "rate(1 minute)");
}

#[test]
fn a_message_whose_function_died_is_visible_again_five_seconds_after_the_functions_timeout() {
    for (function, queue, _) in FUNCTIONS {
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
fn the_other_queues_keep_what_failed() {
    for (_, queue, _) in FUNCTIONS.into_iter().filter(|(_, queue, _)| *queue != "WakeQueue") {
        assert_eq!(properties(queue)["RedrivePolicy"]["maxReceiveCount"], 5, "{queue}");
    }
}

#[test]
fn functions_take_batches_from_their_own_queue_and_say_which_messages_failed() {
    for (function, queue, batch) in FUNCTIONS {
        let event = event(function);
        assert_eq!(event["Queue"], format!("{queue}.Arn"), "{function}");
        assert_eq!(event["BatchSize"], batch, "{function}");
        // A poll reports no failures: a wake that was lost is followed by the next tick.
        let expected =
            if function == "PollFunction" { Value::Null } else { json!(["ReportBatchItemFailures"]) };
        assert_eq!(event["FunctionResponseTypes"], expected, "{function}");
    }
}

#[test]
fn the_functions_that_send_to_themselves_are_not_stopped_as_loops() {
    for function in ["SubmitFunction", "PollFunction", "CollectFunction"] {
        assert_eq!(properties(function)["RecursiveLoop"], "Allow", "{function}");
    }
}

#[test]
fn the_bucket_is_named_and_never_referred_to() {
    let text = tree::read("template.yaml");
    for reference in ["!Ref Bucket\n", "!GetAtt Bucket.", "${Bucket}", "${Bucket."] {
        assert!(!text.contains(reference), "`{}` makes a circle with notifications", reference.trim());
    }
    let name = "${BucketPrefix}-${AWS::AccountId}-${AWS::Region}";
    assert_eq!(properties("Bucket")["BucketName"], name);
    assert_eq!(variables()["LONGSHORE_BUCKET"], name);
}

#[test]
fn the_functions_get_every_variable_that_they_read_and_none_more() {
    let read = std::cell::RefCell::new(BTreeSet::new());
    let config = Config::read(|name| {
        read.borrow_mut().insert(name.to_owned());
        Some("x".to_owned())
    });
    assert!(config.is_ok());
    let mut read = read.into_inner();
    read.insert("LONGSHORE_LOG".to_owned());
    let set: BTreeSet<String> = variables().as_object().unwrap().keys().cloned().collect();
    assert_eq!(set, read);

    // Whatever else the one reader of the environment names is for tests.
    let named: BTreeSet<String> = tree::read("shared/src/config.rs")
        .split('"')
        .filter(|text| text.starts_with("LONGSHORE_"))
        .map(str::to_owned)
        .collect();
    let known = NOT_DEPLOYED.map(|(name, _)| name.to_owned());
    assert_eq!(named.difference(&set).cloned().collect::<Vec<_>>(), known);
    for (function, ..) in FUNCTIONS {
        assert_eq!(properties(function)["Environment"], Value::Null, "{function} has what all have");
    }
}

fn variables() -> Value {
    template()["Globals"]["Function"]["Environment"]["Variables"].clone()
}
