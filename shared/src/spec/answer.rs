//! Who is told how a run ended, and how often it is said that it goes on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::catalogue::REPLY_TO;
use super::fields::Fields;

/// Longest task token that Step Functions gives, in characters (API reference, `SendTaskSuccess`).
const LONGEST_TOKEN: usize = 2048;

/// Shortest promise of heartbeats, in seconds: polls come once a minute, and the next may be late.
const SHORTEST_HEARTBEAT: u64 = 90;

/// Longest promise, in seconds (Amazon States Language, `HeartbeatSeconds`).
const LONGEST_HEARTBEAT: u64 = 99_999_999;

/// Somebody who waits for the end of a run. Tokens are as good as passwords: an address is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Address {
    /// A state of Step Functions that waits for its token.
    TaskToken {
        /// `$$.Task.Token`
        task_token: String,
    },
    /// A queue that a message is sent to.
    Queue {
        /// Its URL.
        queue_url: String,
        /// Sent along, so that the answer finds its question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
    },
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind())
    }
}

impl Address {
    /// What it is, for logs.
    pub fn kind(&self) -> &'static str {
        match self {
            Address::TaskToken { .. } => "task token",
            Address::Queue { .. } => "reply queue",
        }
    }
}

/// What a submission says about its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Who is told.
    pub addresses: Vec<Address>,
    /// Whoever waits gives up when this many seconds go by without a sign of life.
    pub heartbeat_seconds: Option<u64>,
}

/// Properties of an envelope that say where the answer goes. Two submissions that differ in nothing else are the same.
pub const PROPERTIES: [&str; 3] = ["taskToken", "replyTo", "heartbeatSeconds"];

/// `taskToken`, `replyTo` and `heartbeatSeconds` of an envelope.
pub(super) fn read(fields: &Fields<'_>) -> Asked {
    let mut addresses = Vec::new();
    let secret = fields.clone().secret();
    if let Some(task_token) = secret.required_if_there("taskToken") {
        if task_token.chars().count() > LONGEST_TOKEN {
            let message = format!("`taskToken` is longer than {LONGEST_TOKEN} characters");
            secret.place.at("taskToken").wrong(message);
        }
        addresses.push(Address::TaskToken { task_token });
    }
    addresses.extend(fields.nested("replyTo").and_then(|reply| queue(&reply)));
    let heartbeat_seconds = fields.count("heartbeatSeconds");
    if let Some(seconds) = heartbeat_seconds {
        let place = fields.place.at("heartbeatSeconds");
        if !(SHORTEST_HEARTBEAT..=LONGEST_HEARTBEAT).contains(&seconds) {
            let accepted = format!(
                "{SHORTEST_HEARTBEAT} to {LONGEST_HEARTBEAT}; a sign of life goes out about once a minute"
            );
            place.refuse(&seconds.into(), "`heartbeatSeconds` cannot be kept", accepted);
        } else if !addresses.iter().any(|address| matches!(address, Address::TaskToken { .. })) {
            place.wrong("`heartbeatSeconds` says how often a `taskToken` is kept alive, and there is none");
        }
    }
    Asked { addresses, heartbeat_seconds }
}

fn queue(reply: &Fields<'_>) -> Option<Address> {
    reply.only(&REPLY_TO);
    let correlation_id = reply.required_if_there("correlationId");
    let queue_url = match (reply.required_if_there("queueUrl"), reply.required_if_there("queueArn")) {
        (Some(url), Some(arn)) if url_of(&arn).as_ref() == Some(&url) => url,
        (Some(_), Some(_)) => {
            reply.place.wrong("`queueUrl` and `queueArn` are two queues; one of them is enough");
            return None;
        }
        (Some(url), None) => {
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                reply.place.at("queueUrl").refuse(
                    &url.as_str().into(),
                    "is no URL",
                    "the URL of an SQS queue",
                );
            }
            url
        }
        (None, Some(arn)) => url_of(&arn).or_else(|| {
            let accepted = "arn:aws:sqs:REGION:ACCOUNT:NAME";
            reply.place.at("queueArn").refuse(&arn.as_str().into(), "is no ARN of an SQS queue", accepted);
            None
        })?,
        (None, None) => {
            reply.place.wrong("`replyTo` names no queue; set `queueUrl` or `queueArn`");
            return None;
        }
    };
    Some(Address::Queue { queue_url, correlation_id })
}

/// The URL of a queue by its ARN; China has a domain of its own.
fn url_of(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "sqs", region, account, name] = parts.as_slice() else { return None };
    let filled = [partition, region, account, name].iter().all(|part| !part.is_empty());
    let domain = if *partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    filled.then(|| format!("https://sqs.{region}.{domain}/{account}/{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::spec::read::submission;

    fn asked(more: Value) -> Result<Asked, Vec<String>> {
        let mut envelope = json!({"task": {"id": "a", "type": "t"}});
        envelope.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        match submission(envelope.to_string().as_bytes()) {
            Ok(submission) => Ok(submission.asked),
            Err(problems) => Err(problems.0.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn a_token_a_queue_and_heartbeats_are_read() {
        let arn = "arn:aws:sqs:eu-west-1:123456789012:answers";
        let read = asked(
            json!({"taskToken": "AAA", "replyTo": {"queueArn": arn, "correlationId": "c-1"}, "heartbeatSeconds": 300}),
        );
        let queue = Address::Queue {
            queue_url: "https://sqs.eu-west-1.amazonaws.com/123456789012/answers".into(),
            correlation_id: Some("c-1".into()),
        };
        let token = Address::TaskToken { task_token: "AAA".into() };
        assert_eq!(read, Ok(Asked { addresses: vec![token, queue], heartbeat_seconds: Some(300) }));
    }

    #[test]
    fn what_is_wrong_is_told_and_a_token_never_shown() {
        for (envelope, place) in [
            (json!({"taskToken": ["AAA-secret"]}), "/taskToken"),
            (json!({"taskToken": ""}), "/taskToken"),
            (json!({"taskToken": "AAA-secret".repeat(300)}), "/taskToken"),
            (json!({"replyTo": {}}), "/replyTo"),
            (json!({"replyTo": {"queueUrl": "https://a", "queueArn": "b"}}), "/replyTo"),
            (json!({"replyTo": {"queueArn": "arn:aws:sns:a:b:c"}}), "/replyTo/queueArn"),
            (json!({"replyTo": {"queueUrl": "answers"}}), "/replyTo/queueUrl"),
            (json!({"replyTo": {"queueUrl": "https://a", "correlation": "b"}}), "/replyTo/correlation"),
            (json!({"taskToken": "AAA-secret", "heartbeatSeconds": 30}), "/heartbeatSeconds"),
            (json!({"heartbeatSeconds": 300}), "/heartbeatSeconds"),
        ] {
            let problems = asked(envelope.clone()).unwrap_err();
            assert_eq!(problems.len(), 1, "{envelope}: {problems:?}");
            assert!(problems[0].contains(place) && !problems[0].contains("AAA-secret"), "{problems:?}");
        }
    }

    #[test]
    fn an_address_is_not_printed() {
        let address = Address::TaskToken { task_token: "AAA-secret".into() };
        assert_eq!(format!("{address:?}"), "task token");
    }
}
