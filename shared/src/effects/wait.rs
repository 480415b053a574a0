//! Waiting: a delayed message, so that nothing has to stay awake.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::between;
use crate::environment::Environment;
use crate::error::Error;
use crate::queue::{MAX_DELAY, RunMessage};
use crate::run::record::Record;

/// A limit that is just over is not asked about many times a second.
const SHORTEST: Duration = Duration::from_secs(1);

/// The message about a run, passed on `hops` times.
pub fn message(record: &Record, hops: u32) -> RunMessage {
    RunMessage { group: record.group.clone(), run_id: record.run_id.clone(), hops }
}

/// Have `collect` look at the run again at `until`, if that is within reach of a delayed message; a later time is found by a reconciliation.
/// A run that has no pod yet is sent to `submit` instead.
///
/// # Errors
/// When the message cannot be sent.
pub async fn look_again(
    environment: &Environment,
    record: &Record,
    until: Timestamp,
    hops: u32,
) -> Result<(), Error> {
    let delay = between(environment.clock.now(), until).max(SHORTEST);
    let run = message(record, hops.saturating_add(1));
    if !record.has_pod() {
        // A wait longer than a delay is made of several.
        return Ok(environment.queues.carry_on(&run, delay.min(MAX_DELAY)).await?);
    }
    if delay > MAX_DELAY {
        tracing::debug!(run.id = record.run_id, until = %until, "the next limit is too far away for a message");
        return Ok(());
    }
    Ok(environment.queues.look_at(&run, delay).await?)
}
