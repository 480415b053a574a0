//! `allowFailure`: a run that failed is a success with a warning to those who wait for it.

use super::decision::{Ending, Outcome};
use super::state::State;
use crate::resolve::plan::Plan;

impl Ending {
    /// The run ends so, and there is nothing more to say.
    pub fn plain(state: State) -> Self {
        Ending { outcome: Outcome::Finish(state), diagnosis: None, stop: false, warnings: Vec::new() }
    }

    /// The same ending as the task wants its failure taken, and how the run would have ended otherwise. A cancelled run did not fail, and where another
    /// attempt or run follows nothing is settled yet.
    pub fn tolerated(mut self, plan: &Plan) -> (Self, Option<State>) {
        let Outcome::Finish(state @ (State::Failed | State::TimedOut)) = self.outcome else {
            return (self, None);
        };
        if !plan.allow_failure {
            return (self, None);
        }
        let why = self.diagnosis.as_ref().map(|found| format!(": {}", found.message)).unwrap_or_default();
        self.warnings.push(format!("the run is {state}, which `allowFailure` lets pass{why}"));
        self.outcome = Outcome::Finish(State::Succeeded);
        (self, Some(state))
    }
}
