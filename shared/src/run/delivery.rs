//! What the files that came back, or did not, mean for the attempt's ending.

use jiff::Timestamp;

use super::decision::{Ending, Outcome};
use super::diagnosis::{Cause, Diagnosis};
use super::record::Record;
use super::retry::{self, Failure};
use super::state::State;

/// Outputs that are not in the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// Declared globs that match no file.
    pub missing: Vec<String>,
    /// Return values that cannot be used; whole sentences.
    pub unusable: Vec<String>,
    /// Files that exist, or may, and could not be brought back; whole sentences.
    pub lost: Vec<String>,
}

impl Ending {
    /// The same ending in the light of what came back. Missing outputs warn, or fail the attempt where the task says so; lost ones fail an attempt that
    /// otherwise succeeded. An attempt that failed already keeps its reason.
    pub fn with_delivery(mut self, record: &Record, shortfall: Shortfall, now: Timestamp) -> Self {
        let Shortfall { missing, unusable, lost } = shortfall;
        let missing: Vec<String> =
            missing.iter().map(|glob| format!("declared output `{glob}` matches no file")).collect();
        let succeeded = self.outcome == Outcome::Finish(State::Succeeded) && self.diagnosis.is_none();
        if succeeded && !lost.is_empty() {
            return self.failing(record, Cause::CollectionFailed, &lost, now);
        }
        if succeeded && record.plan.fail_on_missing_outputs && !missing.is_empty() {
            return self.failing(record, Cause::OutputMissing, &missing, now);
        }
        if succeeded && !unusable.is_empty() {
            return self.failing(record, Cause::OutputInvalid, &unusable, now);
        }
        self.warnings.extend(missing);
        self.warnings.extend(unusable);
        self.warnings.extend(lost);
        self
    }

    fn failing(self, record: &Record, cause: Cause, reasons: &[String], now: Timestamp) -> Self {
        let diagnosis = Diagnosis::new(cause, reasons.join("; "));
        let failure = Failure { diagnosis, main_started: true, state: State::Failed };
        let outcome = retry::outcome(record, &failure, now);
        Ending { outcome, diagnosis: Some(failure.diagnosis), ..self }
    }
}
