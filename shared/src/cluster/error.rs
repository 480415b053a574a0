//! What can go wrong between Longshore and an API server.

use std::time::Duration;

use super::tls::problem::HandshakeProblem;
use crate::run::absence::Absence;

/// Why the cluster did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The API server answered with an error.
    #[error("the API server refused to {operation}: {status} {reason} {message}")]
    Api {
        /// For example `create pod default/hello`.
        operation: String,
        /// HTTP status.
        status: u16,
        /// `reason` of the Status object; empty when the answer was plain text.
        reason: String,
        /// `message` of the Status object, or the plain text.
        message: String,
        /// `Retry-After` of the answer.
        retry_after: Option<Duration>,
    },
    /// No answer: name resolution, connection, TLS, time-out.
    #[error("the API server could not be reached to {operation}")]
    Unreachable {
        /// For example `create pod default/hello`.
        operation: String,
        /// The client's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There was an answer, but TLS did not come about.
    #[error("the API server could not be trusted to {operation}: {problem}")]
    Handshake {
        /// For example `create pod default/hello`.
        operation: String,
        /// What is wrong, with the property to look at.
        problem: HandshakeProblem,
    },
    /// A command in a container did not end well.
    #[error("`{command}` in container `{container}` {outcome}")]
    Command {
        /// Its first words.
        command: String,
        /// The container.
        container: String,
        /// `ended with code 2: …`, in the words of the program.
        outcome: String,
    },
    /// No cluster of that name is known.
    #[error("`config/clusters.yaml` has no cluster `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The settings by which the cluster is to be reached do not work.
    #[error("{message}")]
    Connection {
        /// What is wrong and what to do.
        message: String,
        /// Where it comes from, if from elsewhere.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl ClusterError {
    /// HTTP status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            ClusterError::Api { status, .. } => Some(*status),
            ClusterError::Unreachable { .. }
            | ClusterError::Handshake { .. }
            | ClusterError::Unknown { .. }
            | ClusterError::Command { .. }
            | ClusterError::Connection { .. } => None,
        }
    }

    /// 404.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// 410: the resourceVersion is too old.
    pub fn is_gone(&self) -> bool {
        self.status() == Some(410)
    }

    /// 401: the credentials are not (any more) accepted.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// 403: the account lacks a right, maybe in one namespace only.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }

    /// Trying again later may help: no answer, 429, 5xx.
    pub fn is_passing(&self) -> bool {
        match self {
            ClusterError::Unreachable { .. } => true,
            ClusterError::Api { status, .. } => *status == 429 || *status >= 500,
            ClusterError::Handshake { .. }
            | ClusterError::Unknown { .. }
            | ClusterError::Command { .. }
            | ClusterError::Connection { .. } => false,
        }
    }

    /// What it means for those who wait for the cluster.
    pub fn absence(&self) -> Absence {
        match self {
            ClusterError::Handshake { .. }
            | ClusterError::Unknown { .. }
            | ClusterError::Connection { .. } => Absence::Unusable,
            ClusterError::Api { .. } if self.is_unauthorized() => Absence::Unusable,
            ClusterError::Api { .. } | ClusterError::Unreachable { .. } | ClusterError::Command { .. } => {
                Absence::Silent
            }
        }
    }

    /// From kube's error.
    pub fn from_kube(operation: impl Into<String>, error: kube::Error) -> Self {
        let operation = operation.into();
        match error {
            kube::Error::Api(status) => ClusterError::Api {
                operation,
                status: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
                retry_after: retry_after(&status),
            },
            other => ClusterError::unreachable(operation, other),
        }
    }

    /// From an error without an answer; a handshake that failed is told apart.
    pub fn unreachable(
        operation: impl Into<String>,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let (operation, source) = (operation.into(), error.into());
        match HandshakeProblem::among(source.as_ref()) {
            Some(problem) => ClusterError::Handshake { operation, problem },
            None => ClusterError::Unreachable { operation, source },
        }
    }

    /// Settings that do not work, in words that name the property and say what to do.
    pub fn settings(message: impl Into<String>) -> Self {
        ClusterError::Connection { message: message.into(), source: None }
    }

    /// Settings that do not work, and why.
    pub fn because(
        message: impl Into<String>,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        ClusterError::Connection { message: message.into(), source: Some(error.into()) }
    }
}

/// `details.retryAfterSeconds` of a Status.
pub(super) fn retry_after(status: &kube::core::Status) -> Option<Duration> {
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}
