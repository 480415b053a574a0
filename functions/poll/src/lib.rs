//! `poll`: finds out what happened to the pods of a group, at a cost that follows events and not pods. Woken by `wake.fifo`, one invocation per group at a
//! time: a tick every minute, and a nudge when a pod was created. It never fails: what goes wrong is found again by the next one.

mod absent;
mod group;
mod hands;
mod heartbeat;
mod line;
mod pod;
mod reconcile;
mod watch;

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use shared::batch;
use shared::clock::{between, later};
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::Wake;
use shared::store::keys;
use shared::telemetry::metrics::Fact;

/// How long one invocation watches: the next tick, already queued, then takes over without a gap.
const STAY: Duration = Duration::from_secs(58);

/// Left at the end of an invocation for saving the cursors.
const RESERVE: Duration = Duration::from_secs(5);

/// A batch of wakes; the answer never names a failure.
///
/// # Errors
/// Never; the signature is the runtime's.
pub async fn handle(
    event: LambdaEvent<Value>,
    environment: &Environment,
) -> Result<Value, lambda_runtime::Error> {
    let now = environment.clock.now();
    let stop = before(batch::deadline(event.context.deadline), RESERVE).min(later(now, STAY));
    let messages = batch::of(&event.payload).map(|batch| batch.records).unwrap_or_default();
    let mut groups = BTreeSet::new();
    for message in messages {
        match serde_json::from_str(message.body.as_deref().unwrap_or_default()) {
            Ok(Wake::Tick { time }) => log_failure("tick", tick(environment, &time).await),
            Ok(Wake::Wake { group }) => drop(groups.insert(group)),
            Err(error) => {
                tracing::error!(error = %error, "a message on the wake queue is none of Longshore's")
            }
        }
    }
    join_all(
        groups.iter().map(|group| async move {
            log_failure(group, group::look_after(environment, group, stop).await)
        }),
    )
    .await;
    if !groups.is_empty() {
        let duration_ms = between(now, environment.clock.now()).as_millis();
        environment.measure(Fact::Polled { duration_ms: duration_ms.try_into().unwrap_or(u64::MAX) });
    }
    Ok(json!({"batchItemFailures": []}))
}

/// The tick wakes every group that has active runs. One that cannot be woken does not keep the others asleep.
async fn tick(environment: &Environment, time: &str) -> Result<(), Error> {
    let mut outcome = Ok(());
    for group in environment.bucket.folders(keys::ACTIVE).await? {
        outcome = outcome.and(environment.queues.wake(&group, time).await.map_err(Error::from));
    }
    outcome
}

fn log_failure(what: &str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::error!(
            group = what,
            error.kind = error.kind(),
            error = error.in_full(),
            "poll could not do all; the next one carries on"
        );
    }
}

fn before(time: Timestamp, duration: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(duration)
        .ok()
        .and_then(|span| time.checked_sub(span).ok())
        .unwrap_or(Timestamp::MIN)
}
