//! `retry` of a task: constant, exponential or random. When the next attempt begins is judged in `run::retry`.

use serde::{Deserialize, Serialize};

use super::catalogue::RETRIES;
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
    /// What a retry is.
    #[serde(default)]
    pub behavior: Behavior,
    /// A run that succeeded after a retry carries a warning.
    #[serde(default)]
    pub warning_on_retry: bool,
    /// How long to wait between two attempts.
    pub backoff: Backoff,
}

/// What follows a failure that is to be retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Behavior {
    /// Another attempt of the same run.
    #[default]
    RetryFailedTask,
    /// The run ends, and a new one takes over.
    CreateNewExecution,
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
            behavior: Behavior::default(),
            warning_on_retry: false,
            backoff: Backoff::Constant { interval_seconds: 0 },
        }
    }
}

/// The policy that `retry` describes; `None` when there is none or it is unreadable.
pub(crate) fn read(task: &Fields<'_>) -> Option<RetryPolicy> {
    let fields = task.nested("retry")?;
    let written = fields.required_text("type")?;
    // `constant`, `Constant`, and the class name `io.kestra.core.models.tasks.retrys.Constant`
    let kind = written.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let Some(object) = RETRIES.into_iter().find(|object| object.types.contains(&kind.as_str())) else {
        let place = fields.place.at("type");
        if !place.is_open(&written) {
            place.refuse(&written.into(), "is no kind of retry", "constant, exponential, random");
        }
        return None;
    };
    fields.only(object);
    let behavior = behavior(&fields);
    let backoff = match kind.as_str() {
        "constant" => Backoff::Constant { interval_seconds: required(&fields, "interval") },
        "exponential" => {
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
            let is_final = |key: &str| fields.text(key).is_some_and(|text| !fields.place.is_open(&text));
            if most < least && is_final("maxInterval") {
                fields.place.at("maxInterval").wrong("`maxInterval` is shorter than `minInterval`");
            }
            Backoff::Random { min_interval_seconds: least, max_interval_seconds: most.max(least) }
        }
    };
    // what older documents say
    let older = fields.count("maxAttempt");
    let max_attempts = fields.count("maxAttempts").or(older);
    let max_duration_seconds = fields.duration("maxDuration");
    if ["maxAttempts", "maxAttempt", "maxDuration"].iter().all(|key| fields.value(key).is_none()) {
        fields
            .place
            .wrong("has neither `maxAttempts` nor `maxDuration` and would go on for ever; give one of them");
    }
    Some(RetryPolicy {
        max_attempts: max_attempts.map_or(u32::MAX, |count| u32::try_from(count).unwrap_or(u32::MAX)),
        max_duration_seconds,
        behavior,
        warning_on_retry: fields.flag("warningOnRetry").unwrap_or(false),
        backoff,
    })
}

fn behavior(fields: &Fields<'_>) -> Behavior {
    match fields.text("behavior").as_deref() {
        None | Some("RETRY_FAILED_TASK") => Behavior::RetryFailedTask,
        Some("CREATE_NEW_EXECUTION") => Behavior::CreateNewExecution,
        Some(other) => {
            if !fields.place.is_open(other) {
                let place = fields.place.at("behavior");
                place.refuse(&other.into(), "is no behavior", "RETRY_FAILED_TASK, CREATE_NEW_EXECUTION");
            }
            Behavior::default()
        }
    }
}

fn required(fields: &Fields<'_>, key: &str) -> u64 {
    if fields.value(key).is_none() {
        fields.place.wrong(format!("has no `{key}`"));
    }
    fields.duration(key).unwrap_or_default()
}
