//! A run that waited, or whose creation was interrupted, is carried on.

use jiff::Timestamp;
use shared::effects::{self, Turn, line};
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::{MAX_HOPS, RunMessage};
use shared::run::decision::Next;
use shared::run::observation::Observation;
use shared::store::records::Stored;
use shared::store::{records, results};

use crate::answer;

/// Carry on with a run by its id. One that has ended meanwhile needs nothing.
pub async fn run(environment: &Environment, run: RunMessage, deadline: Timestamp) -> Result<(), Error> {
    if run.hops > MAX_HOPS {
        tracing::error!(run.id = run.run_id, hops = run.hops, "a message goes in circles and is dropped");
        return Ok(());
    }
    let bucket = environment.bucket.as_ref();
    if results::read(bucket, &run.run_id).await?.is_some() {
        return Ok(());
    }
    match records::load(bucket, &run.group, &run.run_id).await {
        Ok(stored) => proceed(environment, stored, Turn { deadline, hops: run.hops, last_try: false }).await,
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Create the pod of the attempt under way, or let it wait for a free place, unless it has one: then its group's poll looks after it.
pub async fn proceed(environment: &Environment, stored: Stored, turn: Turn) -> Result<(), Error> {
    answer::promise(environment, &stored.record).await?;
    if stored.record.has_pod() {
        return effects::create::announce(environment, &stored.record).await;
    }
    let now = environment.clock.now();
    let observation = Observation::gone(now);
    let decision = shared::run::decide(&stored.record, &observation, now);
    if decision.next == Next::Create && line::must_wait(environment, &stored.record).await? {
        return line::join(environment, &stored.record).await;
    }
    effects::apply(environment, stored, &observation, decision, turn).await
}
