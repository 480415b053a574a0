//! `retry` of a task: constant, exponential or random. When the next attempt begins is judged in `run::retry`.

use serde::{Deserialize, Serialize};

use super::fields::Fields;

/// When the next attempt of a run may begin. Infrastructure failures before the main container started are not counted here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryPolicy {
    /// Attempts in all, the first included; 1 means no retry.
    pub max_attempts: u32,
    /// No new attempt once this many seconds have passed since the run was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_seconds: Option<u64>,
    /// A run that succeeded after a retry carries a warning.
    #[serde(default)]
    pub warning_on_retry: bool,
    /// How long to wait between two attempts.
    pub backoff: Backoff,
}

/// The pause between two attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Backoff {
    /// Always the same.
    #[serde(rename_all = "camelCase")]
    Constant {
        /// Seconds between the end of one attempt and the start of the next.
        interval_seconds: u64,
    },
    /// Growing by a factor.
    #[serde(rename_all = "camelCase")]
    Exponential {
        /// Seconds before the second attempt.
        interval_seconds: u64,
        /// Never more than this.
        max_interval_seconds: u64,
        /// Factor from one pause to the next (default 2).
        factor: f64,
    },
    /// Somewhere between two bounds; derived from the run id and the attempt, so that it is the same each time it is asked for.
    #[serde(rename_all = "camelCase")]
    Random {
        /// Seconds, at least.
        min_interval_seconds: u64,
        /// Seconds, at most.
        max_interval_seconds: u64,
    },
}

impl RetryPolicy {
    /// One attempt and no more.
    pub fn never() -> Self {
        RetryPolicy {
            max_attempts: 1,
            max_duration_seconds: None,
            warning_on_retry: false,
            backoff: Backoff::Constant { interval_seconds: 0 },
        }
    }
}

const COMMON: [&str; 5] = ["type", "maxAttempts", "maxDuration", "warningOnRetry", "behavior"];

/// The policy that `retry` describes; `None` when there is none or it is unreadable.
pub(crate) fn read(task: &Fields<'_>) -> Option<RetryPolicy> {
    let fields = task.nested("retry")?;
    let written = fields.required_text("type")?;
    let own: &[&'static str] = match written.to_ascii_lowercase().as_str() {
        "constant" => &["interval"],
        "exponential" => &["interval", "maxInterval", "delayFactor"],
        "random" => &["minInterval", "maxInterval"],
        _ => {
            let place = fields.place.at("type");
            if !place.is_open(&written) {
                place.refuse(&written.into(), "is no kind of retry", "constant, exponential, random");
            }
            return None;
        }
    };
    fields.only(&[&COMMON, own].concat(), &[]);
    if let Some(behavior) = fields.text("behavior")
        && behavior != "RETRY_FAILED_TASK"
        && !fields.place.is_open(&behavior)
    {
        let place = fields.place.at("behavior");
        let message = if behavior == "CREATE_NEW_EXECUTION" {
            "`CREATE_NEW_EXECUTION` is not supported yet"
        } else {
            "is no behavior"
        };
        place.refuse(&behavior.into(), message, "RETRY_FAILED_TASK");
    }
    let backoff = match own {
        ["interval"] => Backoff::Constant { interval_seconds: required(&fields, "interval") },
        ["interval", ..] => {
            let factor = fields.number("delayFactor").unwrap_or(2.0);
            if factor < 1.0 {
                fields.place.at("delayFactor").refuse(
                    &factor.into(),
                    "makes pauses shorter",
                    "a number of at least 1",
                );
            }
            Backoff::Exponential {
                interval_seconds: required(&fields, "interval"),
                max_interval_seconds: required(&fields, "maxInterval"),
                factor,
            }
        }
        _ => {
            let (least, most) = (required(&fields, "minInterval"), required(&fields, "maxInterval"));
            if most < least && fields.value("maxInterval").is_some() {
                fields.place.at("maxInterval").wrong("`maxInterval` is shorter than `minInterval`");
            }
            Backoff::Random { min_interval_seconds: least, max_interval_seconds: most.max(least) }
        }
    };
    let max_attempts = fields.count("maxAttempts");
    let max_duration_seconds = fields.duration("maxDuration");
    if fields.value("maxAttempts").is_none() && fields.value("maxDuration").is_none() {
        fields
            .place
            .wrong("has neither `maxAttempts` nor `maxDuration` and would go on for ever; give one of them");
    }
    Some(RetryPolicy {
        max_attempts: max_attempts.map_or(u32::MAX, |count| u32::try_from(count).unwrap_or(u32::MAX)),
        max_duration_seconds,
        warning_on_retry: fields.flag("warningOnRetry").unwrap_or(false),
        backoff,
    })
}

fn required(fields: &Fields<'_>, key: &str) -> u64 {
    if fields.value(key).is_none() {
        fields.place.wrong(format!("has no `{key}`"));
    }
    fields.duration(key).unwrap_or_default()
}
