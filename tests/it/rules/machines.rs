//! The state machines: what they call is what their roles allow, what they send is what `submit` reads, and what they retry is what Longshore says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::run::answer::error_name;
use shared::run::diagnosis::{Cause, Diagnosis};

use super::template::{properties, template};
use super::tree;

/// Integrations and the rights that they take. A map that reads from S3 is distributed: it starts executions of its own machine.
const RIGHTS: [(&str, &[&str]); 4] = [
    ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", &["sqs:SendMessage"]),
    ("arn:aws:states:::lambda:invoke.waitForTaskToken", &["lambda:InvokeFunction"]),
    ("arn:aws:states:::lambda:invoke", &["lambda:InvokeFunction"]),
    (
        "arn:aws:states:::s3:listObjectsV2",
        &["s3:ListBucket", "states:StartExecution", "states:DescribeExecution", "states:StopExecution"],
    ),
];

/// The machines of the template by the names of their resources, with the path of each definition.
fn machines() -> BTreeMap<String, Value> {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::StateMachine")
        .map(|(name, resource)| {
            assert_eq!(resource["Condition"], "HasStateMachines", "{name}");
            let path = resource["Properties"]["DefinitionUri"].as_str().unwrap();
            (name.clone(), serde_json::from_str(&tree::read(path)).unwrap())
        })
        .collect()
}

/// Every value of a property of that name, at any depth.
fn all<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, inner)| if key == name { vec![inner] } else { all(inner, name) })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| all(item, name)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_definition_is_deployed() {
    let files = tree::files("infra/state-machines").len();
    assert_eq!(machines().len(), files);
}

#[test]
fn the_role_of_a_machine_allows_what_it_calls_and_no_more() {
    let known: BTreeMap<&str, &[&str]> = RIGHTS.into_iter().collect();
    let mut needed: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (name, definition) in machines() {
        let role = properties(&name)["Role"].as_str().unwrap().trim_end_matches(".Arn").to_owned();
        for resource in all(&definition, "Resource") {
            needed.entry(role.clone()).or_default().extend(known[resource.as_str().unwrap()]);
        }
    }
    for (role, needed) in needed {
        let policies = properties(&role)["Policies"].clone();
        let actions = all(&policies, "Action");
        let granted: BTreeSet<&str> = actions
            .iter()
            .flat_map(|action| match action {
                Value::Array(actions) => actions.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect::<Vec<_>>(),
            })
            .collect();
        assert_eq!(granted, needed, "{role}");
        assert!(all(&policies, "Resource").iter().all(|resource| *resource != "*"), "{role}");
    }
}

#[test]
fn everything_that_a_definition_refers_to_is_given_to_it() {
    for (name, definition) in machines() {
        let text = definition.to_string();
        let given = properties(&name)["DefinitionSubstitutions"].clone();
        let referred: BTreeSet<&str> =
            text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
        assert_eq!(referred, given.as_object().unwrap().keys().map(String::as_str).collect(), "{name}");
    }
}

#[test]
fn what_the_machines_send_is_what_submit_reads() {
    let mut sent = 0;
    for (name, definition) in machines() {
        let bodies = all(&definition, "MessageBody").into_iter().chain(all(&definition, "Payload"));
        for body in bodies.filter(|body| body.get("status").is_none()) {
            let envelope = filled(body);
            let read = shared::spec::read::submission(envelope.to_string().as_bytes());
            let submission = read.unwrap_or_else(|problems| panic!("{name}: {problems:?} in {envelope}"));
            assert!(submission.origin.is_some(), "{name}: the run is not known to be the execution's");
            sent += 1;
        }
    }
    assert_eq!(sent, 10);
}

/// As Step Functions fills it, with something of the right kind everywhere.
fn filled(value: &Value) -> Value {
    let Value::Object(map) = value else { return value.clone() };
    let fill = |name: &str, value: &Value| match name.strip_suffix(".$") {
        None => (name.to_owned(), filled(value)),
        Some("task") => ("task".to_owned(), json!({"id": "t", "type": "x"})),
        Some("inputs") => ("inputs".to_owned(), json!({})),
        Some("retryCount") => ("retryCount".to_owned(), json!(1)),
        Some(other) => (other.to_owned(), json!("text")),
    };
    Value::Object(map.iter().map(|(name, value)| fill(name, value)).collect())
}

/// What an invoke of `submit` may meet that another invoke does not: AWS's own list ("Handle transient Lambda service exceptions"), a function that died or
/// ran out of time, and what `submit` itself says of the bucket, the queues and the cluster.
const PASSING: [&str; 9] = [
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
    "Longshore.infrastructure",
];

#[test]
fn every_invoke_that_may_go_better_is_made_again() {
    let mut invokes = 0;
    for (name, definition) in machines() {
        let states = definition["States"].as_object().unwrap();
        let invoking = |state: &&Value| {
            state["Resource"].as_str().is_some_and(|resource| resource.contains(":::lambda:invoke"))
        };
        for state in states.values().filter(invoking) {
            let retried: BTreeSet<&str> = all(&state["Retry"], "ErrorEquals")
                .into_iter()
                .flat_map(|errors| errors.as_array().unwrap().iter().filter_map(Value::as_str))
                .collect();
            let missing: Vec<_> = PASSING.iter().filter(|error| !retried.contains(*error)).collect();
            assert!(missing.is_empty(), "{name} does not retry {missing:?}");
            invokes += 1;
        }
    }
    assert_eq!(invokes, 3);
}

#[test]
fn an_invoke_that_is_made_again_without_a_token_means_the_same_run() {
    let invoke = &machines()["RunAndAsk"]["States"]["Submit"]["Parameters"]["Payload"]["stepFunctions"];
    // The count of the state's retries would make each of them a run that nobody asks about.
    assert_eq!(invoke["retryCount.$"], "$.try");
}

#[test]
fn what_the_machines_retry_are_names_that_longshore_gives() {
    let causes = [
        Cause::NonZeroExit,
        Cause::ImagePull,
        Cause::Evicted,
        Cause::Unschedulable,
        Cause::RunningDeadline,
        Cause::Cancelled,
        Cause::Internal,
    ];
    let names = causes.map(|cause| error_name(Some(&Diagnosis::new(cause, "x"))));
    for (machine, definition) in machines() {
        let text = definition.to_string();
        for name in text.split('"').filter(|text| text.starts_with("Longshore.")) {
            assert!(names.iter().any(|known| known == name), "{machine}: {name}");
        }
    }
}
