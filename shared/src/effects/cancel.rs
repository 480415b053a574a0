//! Marking a run as cancelled; whoever sees the mark next ends it.

use std::time::Duration;

use crate::effects::wait;
use crate::environment::Environment;
use crate::error::Error;
use crate::store::records::{self, Stored};

/// Mark a run, and have `collect` look at it.
///
/// # Errors
/// What the bucket or a queue says; `NotFound` when the run is over and cleaned up.
pub async fn mark(environment: &Environment, stored: Stored, reason: &str) -> Result<(), Error> {
    let stored = write(environment, stored, reason).await?;
    crate::crash::point("after-mark");
    tracing::info!(run.id = stored.record.run_id, reason, "the run is marked as cancelled");
    Ok(environment.queues.look_at(&wait::message(&stored.record, 0), Duration::ZERO).await?)
}

/// Write the mark alone, for one who acts upon it at once.
///
/// # Errors
/// What the bucket says; `NotFound` when the run is over and cleaned up.
pub async fn write(environment: &Environment, stored: Stored, reason: &str) -> Result<Stored, Error> {
    let now = environment.clock.now();
    let marked = records::change(environment.bucket.as_ref(), stored, |record| {
        let changes = record.cancel.is_none();
        if changes {
            *record = record.clone().cancelled(now, reason).by(environment.writer.as_str());
        }
        changes
    });
    Ok(marked.await?)
}
