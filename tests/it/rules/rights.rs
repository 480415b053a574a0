//! What the role of each function allows is what the function's code calls, no more and no less.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::properties;
use Call::{
    Announce, Answer, Collect, Connect, Continue, Delete, Heartbeat, Inputs, List, Log, Read, Receive, Reply,
    Send, Upload, Wake, Write,
};

/// A call of the code that needs a right on AWS.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// `Bucket::get` below a prefix. A missing key is 404 only for who may list it.
    Read(&'static str),
    /// `Bucket::put` below a prefix. One with `If-Match` needs the right to read too, which every writer of records has.
    Write(&'static str),
    /// `Bucket::delete` below a prefix.
    Delete(&'static str),
    /// `Bucket::list` and `Bucket::folders` below a prefix.
    List(&'static str),
    /// `FileStore::upload` below a prefix: in one piece, or in parts that are given up when the stream breaks off.
    Upload(&'static str),
    /// `FileStore::size_of` and `FileStore::presign` for inputs: anywhere in the bucket, and where the deployment allows it.
    Inputs,
    /// `Queues::carry_on` and `Queues::hand_in`
    Continue,
    /// `Queues::look_at`
    Collect,
    /// `Queues::wake`
    Wake,
    /// `Queues::answer`
    Answer,
    /// `Answers::reply`
    Reply,
    /// `Answers::heartbeat`
    Heartbeat,
    /// `Answers::send`, where the deployment allows it.
    Send,
    /// `Answers::announce`
    Announce,
    /// The event source mapping reads the queue with the function's role.
    Receive(&'static str),
    /// `Clusters::of`: an address and a token, and what a connection refers to.
    Connect,
    /// What the function writes to its log group; and traces, where the deployment has them.
    Log(&'static str),
}

type Right = (String, String);

/// X-Ray knows no resources of these: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html>.
const TRACES: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

/// Nor does Step Functions: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html>.
const TOKENS: [&str; 3] = ["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"];

/// The rights that a call needs: action and resource.
fn rights(call: Call) -> Vec<Right> {
    let pairs: Vec<(&str, String)> = match call {
        Read(prefix) => vec![("s3:GetObject", below(prefix)), ("s3:ListBucket", below(prefix))],
        Write(prefix) => vec![("s3:PutObject", below(prefix))],
        Delete(prefix) => vec![("s3:DeleteObject", below(prefix))],
        List(prefix) => vec![("s3:ListBucket", below(prefix))],
        Upload(prefix) => {
            vec![
                ("s3:PutObject", below(prefix)),
                ("s3:AbortMultipartUpload", below(prefix)),
                ("s3:GetObject", below(prefix)),
            ]
        }
        Inputs => vec![("s3:GetObject", below("")), ("s3:GetObject", "InputObjects".to_owned())],
        Continue => vec![("sqs:SendMessage", "SubmissionsQueue.Arn".to_owned())],
        Collect => vec![("sqs:SendMessage", "CollectQueue.Arn".to_owned())],
        Wake => vec![("sqs:SendMessage", "WakeQueue.Arn".to_owned())],
        Answer => vec![("sqs:SendMessage", "NotifyQueue.Arn".to_owned())],
        Reply => {
            ["states:SendTaskSuccess", "states:SendTaskFailure"].map(|action| (action, "*".to_owned())).into()
        }
        Heartbeat => vec![("states:SendTaskHeartbeat", "*".to_owned())],
        Send => vec![("sqs:SendMessage", "ReplyQueues".to_owned())],
        Announce => vec![("events:PutEvents", "EventBus".to_owned())],
        Receive(queue) => ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
            .map(|action| (action, format!("{queue}.Arn")))
            .into(),
        Connect => vec![
            ("eks:DescribeCluster", "ClusterName".to_owned()),
            ("eks:DescribeCluster", "OtherClusters".to_owned()),
            ("s3:GetObject", below("config/")),
            ("s3:GetObject", "InputObjects".to_owned()),
            ("secretsmanager:GetSecretValue", "ConnectionSecrets".to_owned()),
            ("sts:AssumeRole", "ConnectionRoles".to_owned()),
        ],
        Log(group) => {
            let logs = ["logs:CreateLogStream", "logs:PutLogEvents"];
            let logs = logs.map(|action| (action, format!("{group}.Arn")));
            logs.into_iter().chain(TRACES.map(|action| (action, "*".to_owned()))).collect()
        }
    };
    pairs.into_iter().map(|(action, resource)| (action.to_owned(), resource)).collect()
}

/// Every call of each function, and why it makes it.
const CALLS: [(&str, &[(Call, &str)]); 6] = [
    (
        "Submit",
        &[
            (Log("SubmitLogs"), "telemetry"),
            (Receive("SubmissionsQueue"), "submissions, and runs to carry on with"),
            (Receive("PrioritySubmissionsQueue"), "submissions that are urgent"),
            (Write("waiting/"), "line::join"),
            (Read("runs/"), "results::read: a run that has ended is answered from its result"),
            (
                Write("runs/"),
                "results::write_once of rejections and refused pods; inline inputs, manifest and grants; what helpers store by forms that this role signed",
            ),
            (Read("active/"), "records::load and ::change"),
            (Write("active/"), "records::create and ::change"),
            (List("active/"), "records::find looks in every group"),
            (
                Read("cancelled/"),
                "executions::mark_of: the execution was aborted before its run was accepted",
            ),
            (Write("heartbeats/"), "answer::promise"),
            (Answer, "finish::have_told; answer::tell: a rejection, and a run that is over already"),
            (Read("cache/"), "prepare::run: an earlier success may stand for the run"),
            (List("config/namespaces/"), "shared::with_shared"),
            (Write("rejected/"), "rejections::write"),
            (Write("cursors/"), "cursors::announce: a namespace is met for the first time"),
            (
                Inputs,
                "inputs::grant; the pod reads with links that this role signed; uploaded documents and manifests",
            ),
            (Continue, "wait::look_again, finish::retry"),
            (Collect, "create::created, when the run was cancelled meanwhile"),
            (Wake, "create::announce"),
            (Connect, "create::pod"),
        ],
    ),
    (
        "Poll",
        &[
            (Log("PollLogs"), "telemetry"),
            (Receive("WakeQueue"), "ticks and nudges"),
            (Wake, "tick: one wake for each group"),
            (Collect, "effects::hand_over"),
            (Continue, "effects::hand_over of a run without a pod"),
            (List("active/"), "group::look_after, reconcile::group"),
            (Read("active/"), "records::load"),
            (Write("active/"), "pod::settle: the ending of a pod that is gone"),
            (Delete("active/"), "reconcile::settle: the record of a run that is over"),
            (List("cursors/"), "cursors::namespaces"),
            (Read("cursors/"), "cursors::load"),
            (Write("cursors/"), "cursors::save"),
            (Read("runs/"), "results::read"),
            (List("waiting/"), "line::round, reconcile::group"),
            (Delete("waiting/"), "line::turn"),
            (Read("cache/"), "prepare::run at a run's turn, and below, as in submit"),
            (List("config/namespaces/"), "shared::with_shared"),
            (Inputs, "inputs::grant"),
            (
                Write("runs/"),
                "inline inputs, manifest and grants; what helpers store; results::write_once of refused pods",
            ),
            (Connect, "group::look_after"),
            (List("heartbeats/"), "heartbeat::all"),
            (Delete("heartbeats/"), "heartbeat::one, reconcile::forget"),
            (Heartbeat, "heartbeat::one"),
            (Answer, "finish::have_told; reconcile::have_told: its message was lost"),
        ],
    ),
    (
        "Collect",
        &[
            (Log("CollectLogs"), "telemetry"),
            (Receive("CollectQueue"), "runs to look at"),
            (Collect, "wait::look_again, and a collection that does not fit into one invocation"),
            (Continue, "finish::retry, and a run that has no pod yet"),
            (Answer, "finish::have_told"),
            (Read("active/"), "records::load"),
            (Write("active/"), "records::change: settled, adopted, next attempt, progress; succeed::begin"),
            (Read("runs/"), "results::read, and how far a collection came"),
            (Write("runs/"), "results::write_once; pod.json and events.json"),
            (Upload("runs/"), "logs and output files; join::pieces"),
            (Delete("runs/*/attempts/*/pieces/"), "direct::join: pieces of a file that is whole now"),
            (List("active/"), "event::done: records::find looks in every group"),
            (Read("cursors/"), "away::look: when the cluster was last heard"),
            (Read("cache/"), "finish::follow_up: a newer success stays"),
            (Write("cache/"), "finish::follow_up: a success may stand for other runs"),
            (Connect, "the pod's logs and files"),
        ],
    ),
    (
        "Cancel",
        &[
            (Log("CancelLogs"), "telemetry"),
            (Receive("CancelQueue"), "runs to cancel"),
            (Collect, "the mark is acted upon at once"),
            (List("active/"), "records::find looks in every group, several::each at every record"),
            (Write("cancelled/"), "executions::mark"),
            (Write("rejected/"), "keep: a request that cannot be read"),
            (Read("active/"), "records::load"),
            (Write("active/"), "records::change: the mark"),
            (Read("runs/"), "results::read"),
            (Write("runs/"), "results::write_once of a run that never began"),
        ],
    ),
    (
        "Trigger",
        &[
            (Log("TriggerLogs"), "telemetry"),
            (Receive("UploadsQueue"), "events of uploads"),
            (Continue, "hand_in: an upload that becomes a run"),
            (List("config/"), "Rules::load"),
            (Read("config/"), "rules and their tasks"),
            (Write("rejected/"), "rejections::write of events and rules that cannot be read"),
        ],
    ),
    (
        "Notify",
        &[
            (Log("NotifyLogs"), "telemetry"),
            (Receive("NotifyQueue"), "answers to be given, and results for the event bus"),
            (Read("runs/"), "results::read"),
            (Read("active/"), "records::load"),
            (List("active/"), "records::find of a run that was cancelled before it was accepted"),
            (Write("active/"), "records::change: who was told"),
            (Reply, "tell::one"),
            (Send, "tell::one"),
            (Announce, "tell::bus"),
        ],
    ),
];

#[test]
fn each_role_allows_exactly_the_calls_of_its_function() {
    for (function, calls) in CALLS {
        let needed: BTreeSet<Right> = calls.iter().flat_map(|(call, _)| rights(*call)).collect();
        let granted = granted(function);
        let (lacking, excess) = (without(&needed, &granted), without(&granted, &needed));
        assert!(lacking.is_empty(), "{function} calls what its role does not allow: {lacking:#?}");
        assert!(excess.is_empty(), "the role of {function} allows what it never calls: {excess:#?}");
    }
}

#[test]
fn no_role_allows_whole_services_or_everything() {
    for (function, _) in CALLS {
        let role = properties(&format!("{function}Role"));
        // In a VPC only: network interfaces are no resources that a policy could name before they are there.
        let interfaces = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaENIManagementAccess";
        let in_vpc = serde_json::json!(["IsInVpc", [interfaces], "AWS::NoValue"]);
        assert_eq!(role["ManagedPolicyArns"], in_vpc, "{function}");
        for (action, resource) in granted(function) {
            let nameless = TRACES.contains(&action.as_str()) || TOKENS.contains(&action.as_str());
            let named = resource != "*" || nameless;
            assert!(!action.contains('*') && named, "{function}: {action} on {resource}");
        }
    }
}

/// Rights of the first that are not covered by the second.
fn without(rights: &BTreeSet<Right>, others: &BTreeSet<Right>) -> Vec<Right> {
    let everywhere = |action: &str| others.contains(&(action.to_owned(), below("")));
    let covered =
        |right: &&Right| others.contains(*right) || (right.1.starts_with("bucket/") && everywhere(&right.0));
    rights.iter().filter(|right| !covered(right)).cloned().collect()
}

fn below(prefix: &str) -> String {
    format!("bucket/{prefix}*")
}

/// What a function's role allows. A right to list is told by the prefixes of its condition.
fn granted(function: &str) -> BTreeSet<Right> {
    let policies = properties(&format!("{function}Role"))["Policies"].clone();
    let statements = policies.as_array().unwrap().iter().flat_map(|policy| {
        policy["PolicyDocument"]["Statement"].as_array().unwrap().iter().map(|statement| match statement {
            // `!If [condition, statement, AWS::NoValue]`
            Value::Array(choice) => &choice[1],
            plain => plain,
        })
    });
    let mut rights = BTreeSet::new();
    for statement in statements {
        assert_eq!(statement["Effect"], "Allow");
        for action in texts(&statement["Action"]) {
            let resources = if action == "s3:ListBucket" {
                let prefixes = texts(&statement["Condition"]["StringLikeIfExists"]["s3:prefix"]);
                prefixes.iter().map(|prefix| format!("bucket/{prefix}")).collect()
            } else {
                texts(&statement["Resource"]).iter().map(|resource| named(resource)).collect::<Vec<_>>()
            };
            assert!(!resources.is_empty(), "{function}: {action} on nothing");
            rights.extend(resources.into_iter().map(|resource| (action.clone(), resource)));
        }
    }
    rights
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// An ARN by what it is about.
fn named(resource: &str) -> String {
    let bucket = "arn:${AWS::Partition}:s3:::${BucketPrefix}-${AWS::AccountId}-${AWS::Region}";
    let cluster = "arn:${AWS::Partition}:eks:${AWS::Region}:${AWS::AccountId}:cluster/${ClusterName}";
    let bus = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBus}";
    match resource.strip_prefix(bucket) {
        Some(key) => format!("bucket{key}"),
        None => [(cluster, "ClusterName"), (bus, "EventBus")]
            .into_iter()
            .fold(resource.to_owned(), |resource, (arn, name)| resource.replace(arn, name)),
    }
}
