//! Signs of life for states of Step Functions that wait for a run which promised them.

use std::time::Duration;

use futures::{StreamExt, stream};
use shared::answers::Told;
use shared::clock::between;
use shared::effects::cancel;
use shared::environment::Environment;
use shared::error::Error;
use shared::run::record::Record;
use shared::spec::answer::Address;
use shared::store::bucket::list_all;
use shared::store::keys;
use shared::store::records::{self, Stored};

use crate::group::Group;

/// Between two signs of life of a run: thrice within the shortest promise, and at least once in every poll.
const BEAT_EVERY: Duration = Duration::from_secs(30);

/// Runs that are looked after side by side.
const AT_ONCE: usize = 16;

/// Why a run ends whose state has given it up.
const NOBODY: &str = "the state that waited for it has timed out or was stopped";

/// Give signs of life until the poll ends. What fails is tried again by the next one.
pub async fn keep(group: &Group<'_>) {
    let clock = &group.environment.clock;
    loop {
        once(group.environment, group.name).await;
        let left = between(clock.now(), group.stop);
        clock.sleep(BEAT_EVERY.min(left)).await;
        if left <= BEAT_EVERY {
            return;
        }
    }
}

/// Give one sign of life for every run of a group that promised them. What fails is tried again by the next one.
pub async fn once(environment: &Environment, group: &str) {
    if let Err(error) = all(environment, group).await {
        tracing::warn!(group, error = error.in_full(), "not every sign of life was given");
    }
}

async fn all(environment: &Environment, group: &str) -> Result<(), Error> {
    let prefix = keys::heartbeats(group);
    let listed = list_all(environment.bucket.as_ref(), &prefix).await?;
    let runs = listed.iter().filter_map(|object| object.key.strip_prefix(prefix.as_str()));
    let beats = stream::iter(runs).map(|run_id| one(environment, group, run_id)).buffer_unordered(AT_ONCE);
    beats.fold(Ok(()), |outcome, beat| std::future::ready(outcome.and(beat))).await
}

async fn one(environment: &Environment, group: &str, run_id: &str) -> Result<(), Error> {
    let stored = match records::load(environment.bucket.as_ref(), group, run_id).await {
        Ok(stored) => stored,
        Err(error) if error.is_not_found() => {
            return Ok(environment.bucket.delete(&keys::heartbeat(group, run_id)).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let mut given_up = Vec::new();
    for (address, token) in tokens(&stored.record) {
        match environment.answers.heartbeat(token).await? {
            Told::Taken => {}
            Told::NobodyWaits => given_up.push(address.clone()),
            Told::Refused(reason) => tracing::error!(run.id = run_id, reason, "no sign of life can be given"),
        }
    }
    if given_up.is_empty() { Ok(()) } else { abandoned(environment, stored, &given_up).await }
}

/// Those whom nobody waits for with these tokens any more; the run ends when none is left that somebody waits with.
async fn abandoned(environment: &Environment, stored: Stored, given_up: &[Address]) -> Result<(), Error> {
    let now = environment.clock.now();
    let changed = records::change(environment.bucket.as_ref(), stored, |record| {
        *record = given_up.iter().fold(record.clone(), |record, address| record.answered(address, now, None));
        record.writer.clone_from(&environment.writer);
        true
    });
    let ended = match changed.await {
        Ok(stored) if tokens(&stored.record).next().is_none() => {
            cancel::mark(environment, stored, NOBODY).await
        }
        Ok(_) => return Ok(()),
        Err(error) => Err(error.into()),
    };
    match ended {
        // It has ended meanwhile.
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

fn tokens(record: &Record) -> impl Iterator<Item = (&Address, &str)> {
    record.unanswered().filter_map(|address| match address {
        Address::TaskToken { task_token } => Some((address, task_token.as_str())),
        Address::Queue { .. } => None,
    })
}
