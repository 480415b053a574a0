//! The state of a state machine that made a submission, as its context object tells it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::catalogue::STEP_FUNCTIONS;
use super::fields::Fields;
use super::label::hex;

/// Hex digits of each hash in a run id.
const HASH: usize = 10;

/// Letters of the state's name in a run id.
const NAME: usize = 60;

/// `stepFunctions` of an envelope: which try of which state of which execution it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// `$$.Execution.Id`, an ARN.
    pub execution_id: String,
    /// `$$.State.Name`
    pub state_name: String,
    /// `$$.State.EnteredTime`
    pub entered_time: String,
    /// `$$.State.RetryCount`
    pub retry_count: u64,
}

impl Origin {
    /// The id of the run that this try of the state makes: the same for every delivery, another for every try. States inside a map may be entered
    /// at the same moment under one name, so that what they submit (`submission_hash`) tells them apart.
    pub fn run_id(&self, submission_hash: &str) -> String {
        let readable: String = self
            .state_name
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .take(NAME)
            .collect();
        let moment = format!("{}\0{}\0{submission_hash}", self.state_name, self.entered_time);
        let moment = hex(&Sha256::digest(moment.as_bytes()), HASH);
        format!("{}-{readable}-{moment}-{}", execution_hash(&self.execution_id), self.retry_count)
    }
}

/// 10 hex digits for an execution: with them begins every run id that is made for it.
pub fn execution_hash(execution_id: &str) -> String {
    hex(&Sha256::digest(execution_id.as_bytes()), HASH)
}

/// `stepFunctions` of an envelope.
pub(super) fn read(fields: &Fields<'_>) -> Option<Origin> {
    let origin = fields.nested("stepFunctions")?;
    origin.only(&STEP_FUNCTIONS);
    let retry_count = match origin.value("retryCount").map(serde_json::Value::as_u64) {
        None => 0,
        Some(Some(count)) => count,
        Some(None) => {
            origin.place.at("retryCount").wrong("`retryCount` is no count; pass `$$.State.RetryCount`");
            0
        }
    };
    // All three are asked for before the first that is missing ends the reading.
    let texts = ["executionId", "stateName", "enteredTime"].map(|key| origin.required_text(key));
    let [Some(execution_id), Some(state_name), Some(entered_time)] = texts else { return None };
    Some(Origin { execution_id, state_name, entered_time, retry_count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::read::{is_run_id, submission};

    fn origin() -> Origin {
        Origin {
            execution_id: "arn:aws:states:eu-west-1:123456789012:execution:nightly:7".into(),
            state_name: "Load the day's files".into(),
            entered_time: "2026-11-21T03:00:00.123Z".into(),
            retry_count: 0,
        }
    }

    #[test]
    fn each_try_of_a_state_has_its_own_run_and_every_delivery_the_same() {
        let id = origin().run_id("hash");
        assert_eq!(id, origin().run_id("hash"));
        assert!(is_run_id(&id) && id.contains("-Load-the-day-s-files-") && id.ends_with("-0"), "{id}");
        assert!(id.starts_with(&execution_hash(&origin().execution_id)));
        let others = [
            Origin { retry_count: 1, ..origin() },
            Origin { entered_time: "2026-11-21T03:00:00.124Z".into(), ..origin() },
            Origin { state_name: "Load".into(), ..origin() },
            Origin { execution_id: "arn:other".into(), ..origin() },
        ];
        let mut ids: Vec<String> = others.iter().map(|other| other.run_id("hash")).collect();
        ids.extend([id, origin().run_id("another item of a map")]);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 6);
    }

    #[test]
    fn the_longest_names_still_make_a_run_id() {
        let long = Origin { state_name: "ü".repeat(80), retry_count: u64::MAX, ..origin() };
        assert!(is_run_id(&long.run_id("hash")), "{}", long.run_id("hash"));
    }

    #[test]
    fn what_is_missing_is_told_at_once() {
        let problems =
            submission(br#"{"task": {"id": "a"}, "stepFunctions": {"retryCount": -1, "state": "x"}}"#)
                .unwrap_err();
        let text = format!("{:?}", problems.0);
        for part in
            ["/stepFunctions/retryCount", "/stepFunctions/state", "executionId", "stateName", "enteredTime"]
        {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
