//! What the deployment says: the only reader of the environment.

use std::fmt;

use crate::store::allowed::Allowed;

/// An hour: chained roles have no longer sessions (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html>).
pub const SIGNING_SECONDS: u64 = 3600;

/// Settings of a function, from its environment (`template.yaml` sets it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `LONGSHORE_BUCKET`: the one bucket.
    pub bucket: String,
    /// `LONGSHORE_SUBMISSIONS_QUEUE`: URL of the standard queue that `submit` reads.
    pub submissions_queue: String,
    /// `LONGSHORE_COLLECT_QUEUE`: URL of the standard queue that `collect` reads.
    pub collect_queue: String,
    /// `LONGSHORE_WAKE_QUEUE`: URL of the FIFO queue that `poll` reads.
    pub wake_queue: String,
    /// `LONGSHORE_NOTIFY_QUEUE`: URL of the standard queue that `notify` reads.
    pub notify_queue: String,
    /// `LONGSHORE_EVENT_BUS`: name or ARN of the event bus that is told of the end of every run; `None` for none.
    pub event_bus: Option<String>,
    /// `LONGSHORE_CLUSTER`: name of the default EKS cluster; `None` means that every task brings a connection.
    pub cluster: Option<String>,
    /// `LONGSHORE_NAMESPACE`: Kubernetes namespace for tasks that name none; default `default`.
    pub namespace: String,
    /// `LONGSHORE_PRESIGN_ENDPOINT`: endpoint written into URLs that pods use, where it differs from the functions' own.
    pub presign_endpoint: Option<String>,
    /// `LONGSHORE_INPUT_OBJECTS`: what tasks, rules and connections may name of other buckets, as ARNs with commas between them; none for none.
    pub input_objects: Allowed,
    /// `LONGSHORE_HELPER_IMAGE`: image of the helper that moves files directly; `None`: files move by exec.
    pub helper_image: Option<String>,
    /// `LONGSHORE_SIGNING_SECONDS`: how long, at least, what a function signs is of use; default an hour, the shortest session of a role.
    pub signing_seconds: u64,
    /// `LONGSHORE_METRICS`: CloudWatch namespace of the metrics; `None` for no metrics.
    pub metrics: Option<String>,
}

/// A setting that is missing or makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Names of the variables that are missing.
    pub missing: Vec<&'static str>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the function's environment lacks `{}`; deploy it with the template, which sets them",
            self.missing.join("`, `")
        )
    }
}

impl Config {
    /// Read the environment of this process.
    ///
    /// # Errors
    /// All missing variables at once.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::read(environment)
    }

    /// Read from any source of variables.
    ///
    /// # Errors
    /// All missing variables at once.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let value = |name: &str| get(name).filter(|text| !text.is_empty());
        let mut missing = Vec::new();
        let mut needed = |name: &'static str| {
            value(name).unwrap_or_else(|| {
                missing.push(name);
                String::new()
            })
        };
        let config = Config {
            bucket: needed("LONGSHORE_BUCKET"),
            submissions_queue: needed("LONGSHORE_SUBMISSIONS_QUEUE"),
            collect_queue: needed("LONGSHORE_COLLECT_QUEUE"),
            wake_queue: needed("LONGSHORE_WAKE_QUEUE"),
            notify_queue: needed("LONGSHORE_NOTIFY_QUEUE"),
            event_bus: value("LONGSHORE_EVENT_BUS"),
            cluster: value("LONGSHORE_CLUSTER"),
            namespace: value("LONGSHORE_NAMESPACE").unwrap_or_else(|| "default".to_owned()),
            presign_endpoint: value("LONGSHORE_PRESIGN_ENDPOINT"),
            input_objects: Allowed::of(&value("LONGSHORE_INPUT_OBJECTS").unwrap_or_default()),
            helper_image: value("LONGSHORE_HELPER_IMAGE"),
            signing_seconds: value("LONGSHORE_SIGNING_SECONDS")
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(SIGNING_SECONDS),
            metrics: value("LONGSHORE_METRICS"),
        };
        if missing.is_empty() { Ok(config) } else { Err(ConfigError { missing }) }
    }
}

/// The tracing filter, `LONGSHORE_LOG`, default `info`.
pub fn log_filter() -> String {
    environment("LONGSHORE_LOG").unwrap_or_else(|| "info".to_owned())
}

/// Where a function is to die once, for tests of its death: `LONGSHORE_CRASH_AT`, see [`crate::crash`].
pub(crate) fn crash_at() -> Option<String> {
    environment("LONGSHORE_CRASH_AT")
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn every_missing_variable_is_named_at_once() {
        let error = Config::read(|name| (name == "LONGSHORE_BUCKET").then(|| "b".to_owned())).unwrap_err();
        assert_eq!(
            error.missing,
            [
                "LONGSHORE_SUBMISSIONS_QUEUE",
                "LONGSHORE_COLLECT_QUEUE",
                "LONGSHORE_WAKE_QUEUE",
                "LONGSHORE_NOTIFY_QUEUE"
            ]
        );
    }

    #[test]
    fn an_empty_cluster_means_none_and_the_namespace_has_a_default() {
        let config = Config::read(|name| {
            Some(
                if name == "LONGSHORE_CLUSTER" || name == "LONGSHORE_NAMESPACE" { "" } else { "x" }
                    .to_owned(),
            )
        });
        let config = config.unwrap();
        assert_eq!((config.cluster, config.namespace.as_str()), (None, "default"));
    }
}
