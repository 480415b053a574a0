//! Two collections of one attempt at a time: one stops the pod and follows its log, and the news that the pod goes wakes another. What the first one has read
//! the second one cannot read any more, and the result that is written first counts.

use std::time::Duration;

use crate::effects::gather::Gathered;
use crate::effects::{Turn, wait};
use crate::environment::Environment;
use crate::error::Error;
use crate::run::facts::PodFacts;
use crate::run::record::Record;

/// So long after the end of its program whoever stops a pod has written the log and the result, or never will.
const PAUSE: Duration = Duration::from_secs(15);

/// Somebody else has settled how the attempt ends and stops its pod. It is given way to once; whoever looks after that looks for good.
pub fn is_due(record: &Record, turn: Turn) -> bool {
    turn.hops == 0 && record.ending.as_ref().is_some_and(|ending| ending.stop)
}

/// The log of a program that ran is not there to be read.
pub fn misses_a_log(facts: &PodFacts, gathered: &Gathered) -> bool {
    facts.deciding().any(|main| main.has_started() && !gathered.logs.contains_key(&main.name))
}

/// Look again in a moment.
///
/// # Errors
/// When the message cannot be sent.
pub async fn look_later(environment: &Environment, record: &Record, turn: Turn) -> Result<(), Error> {
    tracing::debug!(run.id = record.run_id, "the pod is being stopped by somebody else, who has its log");
    let message = wait::message(record, turn.hops.saturating_add(1));
    Ok(environment.queues.look_at(&message, PAUSE).await?)
}
