//! What is to be cancelled.

use serde_json::Value;
use shared::spec::place::{join, kind, shortened};
use shared::spec::problem::{Problem, Problems};
use shared::spec::read::{RUN_IDS, is_run_id};
use shared::spec::selector::Selector;

/// What a run is cancelled for when nobody says.
const NO_REASON: &str = "no reason was given";

/// Which runs end.
#[derive(Clone, Debug, PartialEq)]
pub enum Which {
    /// One.
    Run(String),
    /// Every active one with such labels.
    Selected(Selector),
    /// Every one of an execution, also those to come.
    Execution(String),
}

/// Which runs end, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// Which.
    pub which: Which,
    /// In words.
    pub reason: String,
}

/// What a request looks like, in words.
pub const ACCEPTED: &str =
    r#"{"cancel": {"runId": "…", "reason": "…"}}, or `selector` or `executionId` in place of `runId`"#;

/// Properties of a request.
const PROPERTIES: [&str; 4] = ["runId", "selector", "executionId", "reason"];

/// Read a message's body or an invoke's payload: a request, or EventBridge's event of an execution.
///
/// # Errors
/// Everything that is wrong, when it is neither. What was sent is not repeated but for the value that is wrong: it may be anything.
pub fn read(payload: &Value) -> Result<Order, Problems> {
    let mut problems = Problems::default();
    let order = if payload.get("source").and_then(Value::as_str) == Some("aws.states") {
        of_event(payload, &mut problems)
    } else {
        of_request(payload, &mut problems)
    };
    order.filter(|_| problems.is_empty()).ok_or(problems)
}

/// EventBridge tells that an execution has ended.
fn of_event(event: &Value, problems: &mut Problems) -> Option<Order> {
    let mut detail = |name: &str| {
        let text = event.pointer(&format!("/detail/{name}")).and_then(Value::as_str);
        if text.is_none() {
            let problem = Problem::new(format!("/detail/{name}"), format!("has no `{name}`"));
            problems.add(problem.accepted("an event `Step Functions Execution Status Change`"));
        }
        text.map(str::to_owned)
    };
    let (execution_arn, status) = (detail("executionArn"), detail("status"));
    let (execution_arn, status) = (execution_arn?, status?);
    let reason = format!("its execution `{execution_arn}` has ended: {status}");
    Some(Order { which: Which::Execution(execution_arn), reason })
}

fn of_request(payload: &Value, problems: &mut Problems) -> Option<Order> {
    let outer = payload.as_object().map(|map| map.keys().collect::<Vec<_>>()).unwrap_or_default();
    let request = match payload.get("cancel") {
        Some(Value::Object(request)) if outer.len() == 1 => request,
        Some(Value::Object(_)) => {
            for name in outer.into_iter().filter(|name| *name != "cancel") {
                problems
                    .add(Problem::new(join("", name), format!("`{name}` is not known")).accepted(ACCEPTED));
            }
            return None;
        }
        Some(other) => {
            let message = format!("`cancel` is {}", kind(other));
            problems.add(Problem::new("/cancel", message).found(shortened(other)).accepted(ACCEPTED));
            return None;
        }
        None => {
            problems.add(Problem::new("", "is no request to cancel something").accepted(ACCEPTED));
            return None;
        }
    };
    for name in request.keys().filter(|name| !PROPERTIES.contains(&name.as_str())) {
        let problem = Problem::new(join("/cancel", name), format!("`{name}` is not known"));
        problems.add(problem.accepted(PROPERTIES.join(", ")));
    }
    let mut text = |name: &str| match request.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => {
            let problem = Problem::new(join("/cancel", name), format!("`{name}` is {}", kind(other)));
            problems.add(problem.found(shortened(other)).accepted("a text"));
            None
        }
    };
    let (run_id, selector, execution_id) = (text("runId"), text("selector"), text("executionId"));
    let reason = text("reason").unwrap_or_else(|| NO_REASON.to_owned());
    if !problems.is_empty() {
        return None;
    }
    let mut refuse = |name: &str, found: &str, message: String, accepted: &str| {
        let found = shortened(&Value::from(found));
        problems.add(Problem::new(join("/cancel", name), message).found(found).accepted(accepted));
        None
    };
    let which = match (run_id, selector, execution_id) {
        // The id becomes a key of the bucket: one with a slash would be somebody else's.
        (Some(run_id), None, None) if is_run_id(&run_id) => Which::Run(run_id),
        (Some(run_id), None, None) => return refuse("runId", &run_id, "is no run id".to_owned(), RUN_IDS),
        (None, Some(selector), None) => match selector.parse() {
            Ok(parsed) => Which::Selected(parsed),
            Err(error) => {
                let accepted = "labels as kubectl selects by them, such as team=data,stage!=live";
                return refuse("selector", &selector, format!("is no selector: {error}"), accepted);
            }
        },
        (None, None, Some(execution_id)) => Which::Execution(execution_id),
        _ => {
            let message = "does not say which runs are meant, or says it twice";
            let accepted = "one of `runId`, `selector` and `executionId`";
            problems.add(Problem::new("/cancel", message).accepted(accepted));
            return None;
        }
    };
    Some(Order { which, reason })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_a_selector_or_an_execution_is_named() {
        let which = |value: Value| read(&json!({"cancel": value})).unwrap().which;
        assert_eq!(which(json!({"runId": "r"})), Which::Run("r".into()));
        assert_eq!(which(json!({"selector": "a=b"})), Which::Selected("a=b".parse().unwrap()));
        assert_eq!(which(json!({"executionId": "arn", "runId": null})), Which::Execution("arn".into()));
    }

    #[test]
    fn a_request_that_makes_no_sense_is_told_with_its_place_and_what_is_accepted() {
        for (request, place) in [
            (json!({"task": {"password": "canary"}}), ""),
            (json!("canary"), ""),
            (json!({"cancel": 5}), "/cancel"),
            (json!({"cancel": {}}), "/cancel"),
            (json!({"cancel": {"runId": "r", "selector": "a"}}), "/cancel"),
            (json!({"cancel": {"selector": "a b"}}), "/cancel/selector"),
            (json!({"cancel": {"runId": "r", "run": "r"}}), "/cancel/run"),
            (json!({"cancel": {"runId": 5}}), "/cancel/runId"),
            (json!({"cancel": {"runId": "../active/g/r"}}), "/cancel/runId"),
            (json!({"cancel": {"runId": "other/attempts/1/outputs"}}), "/cancel/runId"),
            (json!({"cancel": {"runId": "r", "reason": 1}}), "/cancel/reason"),
            (json!({"cancel": {"runId": "r"}, "force": true}), "/force"),
            (json!({"source": "aws.states", "detail": {"status": "ABORTED"}}), "/detail/executionArn"),
        ] {
            let problems = read(&request).unwrap_err().0;
            assert_eq!(problems.len(), 1, "{request}: {problems:?}");
            assert_eq!(problems[0].pointer, place, "{request}");
            assert!(
                problems[0].accepted.is_some() && !problems[0].to_string().contains("canary"),
                "{request}"
            );
        }
    }

    #[test]
    fn the_end_of_an_execution_is_understood() {
        let event = json!({"version": "0", "source": "aws.states", "detail-type": "Step Functions Execution Status Change",
            "detail": {"executionArn": "arn:x", "status": "TIMED_OUT", "name": "x"}});
        let order = read(&event).unwrap();
        assert_eq!(order.which, Which::Execution("arn:x".into()));
        assert!(order.reason.contains("TIMED_OUT"), "{}", order.reason);
    }
}
