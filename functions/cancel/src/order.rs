//! What is to be cancelled.

use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Error as JsonError;
use shared::error::Error;
use shared::queue::{CancelMessage, CancelRequest};
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

/// The event by which EventBridge tells that an execution has ended.
#[derive(Deserialize)]
struct StatusChange {
    source: String,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    execution_arn: String,
    status: String,
}

/// Read a message's body or an invoke's payload: a request, or EventBridge's event of an execution.
///
/// # Errors
/// When it is neither.
pub fn read(payload: Value) -> Result<Order, Error> {
    if let Ok(change) = serde_json::from_value::<StatusChange>(payload.clone())
        && change.source == "aws.states"
    {
        let Detail { execution_arn, status } = change.detail;
        let reason = format!("its execution `{execution_arn}` has ended: {status}");
        return Ok(Order { which: Which::Execution(execution_arn), reason });
    }
    let failed = |source| Error::Message { message: payload.to_string().chars().take(200).collect(), source };
    let message: CancelMessage = serde_json::from_value(payload.clone()).map_err(failed)?;
    order(message.cancel).map_err(failed)
}

fn order(request: CancelRequest) -> Result<Order, JsonError> {
    let words = |words: String| <JsonError as serde::de::Error>::custom(words);
    let which = match (request.run_id, request.selector, request.execution_id) {
        (Some(run_id), None, None) => Which::Run(run_id),
        (None, Some(selector), None) => {
            Which::Selected(selector.parse().map_err(|error| words(format!("`selector`: {error}")))?)
        }
        (None, None, Some(execution_id)) => Which::Execution(execution_id),
        _ => return Err(words("write one of `runId`, `selector` and `executionId`".to_owned())),
    };
    Ok(Order { which, reason: request.reason.unwrap_or_else(|| NO_REASON.to_owned()) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_a_selector_or_an_execution_is_named() {
        let which = |value: Value| read(json!({"cancel": value})).map(|order| order.which);
        assert_eq!(which(json!({"runId": "r"})).unwrap(), Which::Run("r".into()));
        assert_eq!(which(json!({"selector": "a=b"})).unwrap(), Which::Selected("a=b".parse().unwrap()));
        assert_eq!(which(json!({"executionId": "arn"})).unwrap(), Which::Execution("arn".into()));
        for wrong in [
            json!({}),
            json!({"runId": "r", "selector": "a"}),
            json!({"selector": "a b"}),
            json!({"run": "r"}),
        ] {
            assert!(which(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_end_of_an_execution_is_understood() {
        let event = json!({"version": "0", "source": "aws.states", "detail-type": "Step Functions Execution Status Change",
            "detail": {"executionArn": "arn:x", "status": "TIMED_OUT", "name": "x"}});
        let order = read(event).unwrap();
        assert_eq!(order.which, Which::Execution("arn:x".into()));
        assert!(order.reason.contains("TIMED_OUT"), "{}", order.reason);
    }
}
