//! What the functions rely on in `template.yaml`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::config::Config;

use super::tree;

/// Each function, the queue that wakes it, and how many messages it takes at once.
const FUNCTIONS: [(&str, &str, u64); 6] = [
    ("SubmitFunction", "SubmissionsQueue", 10),
    ("PollFunction", "WakeQueue", 10),
    // One collection may take all the time of an invocation.
    ("CollectFunction", "CollectQueue", 1),
    ("CancelFunction", "CancelQueue", 10),
    ("TriggerFunction", "UploadsQueue", 10),
    ("NotifyFunction", "NotifyQueue", 10),
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
    // What is urgent comes by a queue of its own, and is taken in the same way.
    let urgent = (function == "SubmitFunction").then(|| events["PrioritySubmissions"].clone());
    assert_eq!(events.len(), 1 + usize::from(urgent.is_some()), "{function} is woken by its queue");
    let event = events.values().find(|event| Some(*event) != urgent.as_ref()).unwrap();
    if let Some(mut urgent) = urgent {
        assert_eq!(urgent["Properties"]["Queue"], "PrioritySubmissionsQueue.Arn");
        urgent["Properties"]["Queue"] = event["Properties"]["Queue"].clone();
        assert_eq!(urgent, *event);
        assert_eq!(properties("PrioritySubmissionsQueue"), properties("SubmissionsQueue"));
    }
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
fn the_bucket_tells_the_uploads_queue_of_documents_and_of_data_and_may() {
    let notifications = properties("Bucket")["NotificationConfiguration"]["QueueConfigurations"].clone();
    let prefixes: Vec<Value> = notifications
        .as_array()
        .unwrap()
        .iter()
        .filter(|notification| notification["Queue"] == "UploadsQueue.Arn")
        .map(|notification| {
            assert_eq!(notification["Event"], "s3:ObjectCreated:*");
            notification["Filter"]["S3Key"]["Rules"][0]["Value"].clone()
        })
        .collect();
    assert_eq!(prefixes, [shared::store::keys::SUBMISSIONS, "TriggerPrefix"]);
    let own = template()["Parameters"]["TriggerPrefix"]["Default"].as_str().unwrap().to_owned();
    assert!(!shared::store::keys::is_own(&own), "`{own}` is no place for data");
    // Another could be typed; CloudFormation says so before S3 does, whose words for it name nothing.
    let pattern = template()["Parameters"]["TriggerPrefix"]["AllowedPattern"].as_str().unwrap().to_owned();
    let (refused, _) = pattern.strip_prefix("^(?!(").unwrap().split_once(")/)").unwrap();
    let refused: BTreeSet<String> = refused.split('|').map(|name| format!("{name}/")).collect();
    assert_eq!(refused, shared::store::keys::OWN.map(str::to_owned).into());
    // S3 tries the queue when it is configured: the policy must be there, and name the bucket without referring to it.
    assert_eq!(
        template()["Resources"]["Bucket"]["DependsOn"],
        json!(["UploadsMayArrive", "ResultsMayArrive", "DoneMayArrive"])
    );
    let policy = properties("UploadsMayArrive")["PolicyDocument"]["Statement"][0].clone();
    let bucket = properties("Bucket")["BucketName"].as_str().unwrap().to_owned();
    let source = format!("arn:${{AWS::Partition}}:s3:::{bucket}");
    assert_eq!(policy["Condition"]["ArnEquals"]["aws:SourceArn"], source);
    assert_eq!(policy["Condition"]["StringEquals"]["aws:SourceAccount"], "AWS::AccountId");
}

#[test]
fn the_roles_that_a_stack_lets_into_the_cluster_are_those_that_it_names_and_their_group_has_the_rights() {
    let template = template();
    let [variable, names, entries] =
        [0, 1, 2].map(|index| template["Resources"]["Fn::ForEach::Admissions"][index].clone());
    assert_eq!(variable, "Function");
    let named: Vec<String> =
        names.as_array().unwrap().iter().map(|name| format!("{}Role.Arn", name.as_str().unwrap())).collect();
    assert_eq!(template["Outputs"]["FunctionRoles"]["Value"][1], json!(named));
    let entry = &entries["${Function}AccessEntry"];
    assert_eq!(entry["Condition"], "MakesAccessEntries");
    assert_eq!(entry["Properties"]["PrincipalArn"], json!(["${Function}Role", "Arn"]));
    let group = entry["Properties"]["KubernetesGroups"][0].as_str().unwrap();
    assert!(tree::read("infra/rbac.yaml").contains(&format!("name: {group}")), "{group}");
}

#[test]
fn whoever_is_told_to_deploy_is_told_to_have_the_loops_expanded() {
    assert!(
        tree::read("template.yaml").contains("Fn::ForEach::"),
        "without loops the flag would mean nothing"
    );
    let mut told = 0;
    for page in ["template.yaml", "README.md", "docs/OPERATIONS.md"] {
        let text = tree::read(page);
        // The SAM CLI before 1.161 knows no such flag, later ones end with a stack trace without it.
        for line in text.lines().filter(|line| line.contains("sam deploy -")) {
            assert!(line.contains("--language-extensions"), "{page}: {line}");
            told += 1;
        }
    }
    assert!(told >= 4, "{told}");
}

#[test]
fn the_bucket_outlives_the_stack_but_not_a_first_deployment_that_failed() {
    let bucket = template()["Resources"]["Bucket"].clone();
    assert_eq!(bucket["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(bucket["UpdateReplacePolicy"], "Retain");
}

#[test]
fn results_wake_notify_for_an_event_bus_and_ended_executions_wake_cancel() {
    let configuration = properties("Bucket")["NotificationConfiguration"].clone();
    let notifications = configuration["QueueConfigurations"].as_array().unwrap();
    let told = notifications.iter().find(|one| one[0] == "HasEventBus").unwrap();
    let results = &told[1];
    assert_eq!((&results["Queue"], &told[2]), (&json!("NotifyQueue.Arn"), &json!("AWS::NoValue")));
    let rules = json!([{"Name": "prefix", "Value": "runs/"}, {"Name": "suffix", "Value": "/result.json"}]);
    assert_eq!(results["Filter"]["S3Key"]["Rules"], rules);
    let key = shared::store::keys::result("run-1");
    assert!(key.starts_with("runs/") && key.ends_with("/result.json"));
    let pattern = &properties("Abandoned")["EventPattern"];
    assert_eq!(pattern["source"], json!(["aws.states"]));
    assert_eq!(pattern["detail"]["status"], json!(["ABORTED", "TIMED_OUT"]));
    assert_eq!(properties("Abandoned")["Targets"][0]["Arn"], "CancelQueue.Arn");
}

#[test]
fn what_a_helper_says_last_wakes_collect() {
    let configuration = properties("Bucket")["NotificationConfiguration"].clone();
    let notifications = configuration["QueueConfigurations"].as_array().unwrap();
    let done = notifications.iter().find(|one| one["Queue"] == "CollectQueue.Arn").unwrap();
    let rules = json!([{"Name": "prefix", "Value": "runs/"}, {"Name": "suffix", "Value": "/done.json"}]);
    assert_eq!(done["Filter"]["S3Key"]["Rules"], rules);
    let key = shared::store::keys::attempt("run-1", 1, shared::outputs::direct::DONE);
    assert!(key.starts_with("runs/") && key.ends_with("/done.json"));
    let policy = properties("DoneMayArrive")["PolicyDocument"]["Statement"][0].clone();
    assert_eq!(policy["Resource"], "CollectQueue.Arn");
}

#[test]
fn marks_of_executions_outlive_every_submission_in_its_queue() {
    let rules = properties("Bucket")["LifecycleConfiguration"]["Rules"].clone();
    let rules = rules.as_array().unwrap();
    let marks = rules.iter().find(|rule| rule["Prefix"] == "cancelled/").unwrap();
    let days = properties("SubmissionsQueue")["MessageRetentionPeriod"].as_u64().unwrap() / 86_400;
    assert!(marks["ExpirationInDays"].as_u64().unwrap() > days);
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
