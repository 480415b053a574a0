//! The states of a run.

use serde::{Deserialize, Serialize};

/// Where a run is. The last six are terminal and absorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The record exists, the pod does not.
    Accepted,
    /// The pod exists, its deciding containers have not started.
    Pending,
    /// A deciding container runs or has run.
    Running,
    /// Logs and files are being brought back.
    Collecting,
    /// Waiting for the next attempt.
    Retrying,
    /// Every deciding container exited 0.
    Succeeded,
    /// It ended otherwise.
    Failed,
    /// A time limit was over.
    TimedOut,
    /// Somebody ended it.
    Cancelled,
    /// The task said it need not run.
    Skipped,
    /// The submission could not be carried out as written.
    Rejected,
}

impl State {
    /// Nothing follows.
    pub fn is_terminal(self) -> bool {
        match self {
            State::Accepted | State::Pending | State::Running | State::Collecting | State::Retrying => false,
            State::Succeeded
            | State::Failed
            | State::TimedOut
            | State::Cancelled
            | State::Skipped
            | State::Rejected => true,
        }
    }

    /// As it stands in records and results, for example `TIMED_OUT`.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Accepted => "ACCEPTED",
            State::Pending => "PENDING",
            State::Running => "RUNNING",
            State::Collecting => "COLLECTING",
            State::Retrying => "RETRYING",
            State::Succeeded => "SUCCEEDED",
            State::Failed => "FAILED",
            State::TimedOut => "TIMED_OUT",
            State::Cancelled => "CANCELLED",
            State::Skipped => "SKIPPED",
            State::Rejected => "REJECTED",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
