//! Creating the pod of an attempt: POST, never list-then-create; then its uid goes into the record.

use std::time::Duration;

use jiff::Timestamp;

use crate::cluster::access;
use crate::cluster::client::Permission;
use crate::cluster::error::ClusterError;
use crate::effects::gather::Gathered;
use crate::effects::prepare::{self, Preparation};
use crate::effects::{Turn, finish, observe, wait};
use crate::environment::Environment;
use crate::error::{Error, chain};
use crate::files::grants;
use crate::files::inputs::{self, InputsError};
use crate::pod::{self, Grants, PodIdentity};
use crate::queue::WAKE_WINDOW_SECONDS;
use crate::resolve::plan::ClusterChoice;
use crate::run::decision::Ending;
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::run::record::Record;
use crate::run::refusal::{self, AfterWait, Refusal};
use crate::run::state::State;
use crate::store::records::{self, Stored};
use crate::telemetry::metrics::Fact;

/// Between two tries while a pod of the same name is ending.
const ENDING_SECONDS: u64 = 5;

/// Whether there is a pod now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// There is; its uid.
    Pod(String),
    /// It is not known: the server did not answer, or one of that name was there.
    Maybe,
    /// There is none.
    Nothing,
}

/// Create the pod of the attempt under way, or wait, or fail, as the cluster answers.
///
/// # Errors
/// What the bucket or a queue says; the next delivery carries on.
pub async fn pod(environment: &Environment, stored: Stored, turn: Turn) -> Result<Made, Error> {
    let stored = match Box::pin(prepare::run(environment, stored)).await? {
        Preparation::Ready(stored) => stored,
        Preparation::Cached(stored, gathered) => {
            finish::end(environment, stored, Ending::plain(State::Succeeded), *gathered).await?;
            return Ok(Made::Nothing);
        }
        Preparation::Refused(stored, diagnosis) => {
            finish::end(environment, stored, refusal::ending(*diagnosis), Gathered::default()).await?;
            return Ok(Made::Nothing);
        }
    };
    let (made, ending) = match attempt(environment, &stored).await? {
        Creation::Created(uid, created_at) => {
            created(environment, stored, &uid, created_at).await?;
            return Ok(Made::Pod(uid));
        }
        Creation::Refused(Refusal::NameInUse) => {
            resume(environment, stored, turn).await?;
            return Ok(Made::Maybe);
        }
        Creation::Refused(Refusal::Wait { seconds, diagnosis }) => {
            let made = if diagnosis.cause == Cause::ClusterUnreachable { Made::Maybe } else { Made::Nothing };
            postpone(environment, stored, seconds, diagnosis, turn).await?;
            return Ok(made);
        }
        Creation::Refused(Refusal::Credentials(diagnosis) | Refusal::Fail(diagnosis)) => {
            (Made::Nothing, refusal::ending(diagnosis))
        }
        Creation::Refused(Refusal::Cancel(diagnosis)) => (Made::Nothing, refusal::cancelling(diagnosis)),
    };
    finish::end(environment, stored, ending, Gathered::default()).await?;
    Ok(made)
}

/// What came of a POST.
enum Creation {
    Created(String, Timestamp),
    Refused(Refusal),
}

async fn attempt(environment: &Environment, stored: &Stored) -> Result<Creation, Error> {
    let (record, now) = (&stored.record, environment.clock.now());
    let namespace = observe::namespace(environment, record);
    let cluster = match environment.clusters.of(&record.plan.target.cluster) {
        Ok(cluster) => cluster,
        Err(error) => return Ok(Creation::Refused(refused(record, &error, now))),
    };
    let needed = access::needs(record.plan.files.has_sidecar());
    match environment.access.missing(cluster.as_ref(), &record.group, namespace, &needed).await {
        Ok(missing) if missing.is_empty() => {}
        Ok(missing) => return Ok(Creation::Refused(Refusal::Fail(forbidden(namespace, &missing, &needed)))),
        Err(error) => return Ok(Creation::Refused(refused(record, &error, now))),
    }
    let manifest = match inputs::grant(environment, &record.run_id, &record.plan).await {
        Ok(manifest) => manifest,
        Err(InputsError::Missing(diagnosis)) => return Ok(Creation::Refused(Refusal::Fail(*diagnosis))),
        Err(InputsError::Store(error)) => return Err(error.into()),
    };
    let grants = grants::grant(environment, record).await?;
    let identity = PodIdentity {
        run_id: &record.run_id,
        attempt: record.attempt.number,
        submission_hash: &record.submission_hash,
        group: &record.group,
    };
    let mut plan = record.plan.clone();
    plan.target.namespace = Some(namespace.to_owned());
    let body = pod::build(
        &plan,
        &identity,
        Grants { manifest_url: manifest.as_deref(), grants_url: grants.as_deref() },
    );
    crate::crash::point("before-post");
    match cluster.create(namespace, &body).await {
        Ok(created) => {
            let created_at = created.created_at.unwrap_or_else(|| environment.clock.now());
            Ok(Creation::Created(created.uid, created_at))
        }
        Err(error) => Ok(Creation::Refused(refused(record, &error, now))),
    }
}

async fn created(
    environment: &Environment,
    stored: Stored,
    uid: &str,
    created_at: Timestamp,
) -> Result<(), Error> {
    crate::crash::point("after-post");
    let Record { run_id, attempt, .. } = &stored.record;
    tracing::info!(
        run.id = run_id,
        run.attempt = attempt.number,
        pod.name = attempt.pod_name,
        pod.uid = uid,
        "the pod is created"
    );
    environment.measure(Fact::PodCreated);
    let cluster = environment.clusters.of(&stored.record.plan.target.cluster)?;
    let namespace = observe::namespace(environment, &stored.record).to_owned();
    let name = attempt.pod_name.clone();
    match observe::adopt(environment, stored, uid, created_at).await {
        // Another delivery was faster, and this one read the record before: the attempt has its pod, and this is one too many.
        Ok(stored) if stored.record.attempt.pod_uid.as_deref() != Some(uid) => {
            tracing::warn!(
                run.id = stored.record.run_id,
                pod.uid = uid,
                "the pod is one too many and is deleted"
            );
            Ok(cluster.delete(&namespace, &name, uid, None).await?)
        }
        Ok(stored) => {
            announce(environment, &stored.record).await?;
            if stored.record.cancel.is_some() {
                environment.queues.look_at(&wait::message(&stored.record, 0), Duration::ZERO).await?;
            }
            Ok(())
        }
        // The run ended meanwhile: whoever comes second cleans up.
        Err(error) if error.is_not_found() => Ok(cluster.delete(&namespace, &name, uid, None).await?),
        Err(error) => Err(error),
    }
}

/// Wake the group's poll, so that the run's first minute is fast.
///
/// # Errors
/// When the message cannot be sent.
pub async fn announce(environment: &Environment, record: &Record) -> Result<(), Error> {
    let namespace = observe::namespace(environment, record);
    if environment.access.first_visit(&record.group, namespace) {
        crate::store::cursors::announce(environment.bucket.as_ref(), &record.group, namespace).await?;
    }
    let window = environment.clock.now().as_second() / WAKE_WINDOW_SECONDS;
    environment.queues.wake(&record.group, &window.to_string()).await?;
    Ok(())
}

/// A pod of that name is there: ours, then the attempt carries on with it, or somebody else's, then it is in the way.
async fn resume(environment: &Environment, stored: Stored, turn: Turn) -> Result<(), Error> {
    let (stored, _, pod) = observe::pod(environment, stored).await?;
    let namespace = observe::namespace(environment, &stored.record).to_owned();
    match pod {
        Some(_) => {
            tracing::info!(
                run.id = stored.record.run_id,
                pod.name = stored.record.attempt.pod_name,
                "the pod was there already and is this attempt's"
            );
            announce(environment, &stored.record).await
        }
        None if is_passing(environment, &stored.record).await? => {
            let name = &stored.record.attempt.pod_name;
            let diagnosis = refusal::name_taken(name, "it is ending");
            postpone(environment, stored, ENDING_SECONDS, diagnosis, turn).await
        }
        None => {
            let owner = format!("it is in the way in namespace `{namespace}`");
            let diagnosis = refusal::name_taken(&stored.record.attempt.pod_name, &owner);
            finish::end(environment, stored, refusal::ending(diagnosis), Gathered::default()).await
        }
    }
}

/// The pod that has the name is of this attempt: it is being deleted, and the name is free when it is gone, perhaps by now; or it went between the two looks,
/// and another delivery has made the next one, which is taken on at the next try.
async fn is_passing(environment: &Environment, record: &Record) -> Result<bool, Error> {
    let cluster = environment.clusters.of(&record.plan.target.cluster)?;
    let found = cluster.get(observe::namespace(environment, record), &record.attempt.pod_name).await?;
    Ok(found.is_none_or(|pod| observe::is_of(&pod, record)))
}

async fn postpone(
    environment: &Environment,
    stored: Stored,
    seconds: u64,
    diagnosis: Diagnosis,
    turn: Turn,
) -> Result<(), Error> {
    let now = environment.clock.now();
    let (cause, why) = (diagnosis.cause, diagnosis.message.clone());
    let not_before = match refusal::after_wait(&stored.record, seconds, diagnosis, now) {
        AfterWait::Again { not_before } => not_before,
        AfterWait::GiveUp(ending) => {
            return finish::end(environment, stored, ending, Gathered::default()).await;
        }
    };
    tracing::info!(run.id = stored.record.run_id, until = %not_before, reason = why, "the pod cannot be created yet");
    environment.measure(Fact::PodPostponed(cause));
    let change = |record: &mut Record| {
        let changes = record.attempt.pod_uid.is_none();
        if changes {
            *record = record.clone().waiting(not_before, why.clone()).by(environment.writer.as_str());
        }
        changes
    };
    let stored = records::change(environment.bucket.as_ref(), stored, change).await?;
    wait::look_again(environment, &stored.record, not_before, turn.hops).await
}

fn refused(record: &Record, error: &ClusterError, now: Timestamp) -> Refusal {
    let unreachable = || Diagnosis::new(Cause::ClusterUnreachable, chain(error));
    match error {
        ClusterError::Api { status, reason, message, retry_after, .. } => {
            refusal::judge(*status, reason, message, retry_after.map(|pause| pause.as_secs()))
        }
        ClusterError::Unreachable { .. } => refusal::out_of_reach(record, unreachable(), now),
        ClusterError::Unknown { .. } => {
            refusal::out_of_reach(record, Diagnosis::new(Cause::ClusterUnknown, chain(error)), now)
        }
        // Whoever looks after a cluster that has a name can put it right; a connection in a task stays as it is.
        ClusterError::Handshake { .. } | ClusterError::Connection { .. }
            if !matches!(record.plan.target.cluster, ClusterChoice::Explicit(_))
                && record.plan.target.fallback.is_some() =>
        {
            refusal::out_of_reach(record, unreachable(), now)
        }
        ClusterError::Handshake { .. } | ClusterError::Command { .. } | ClusterError::Connection { .. } => {
            Refusal::Fail(unreachable())
        }
    }
}

fn forbidden(namespace: &str, missing: &[Permission], needed: &[Permission]) -> Diagnosis {
    let words = access::in_words(missing);
    let mut diagnosis =
        Diagnosis::new(Cause::Forbidden, format!("the role may not {words} in namespace `{namespace}`"));
    diagnosis.hint =
        format!("apply this Role and bind it to Longshore's group:\n{}", access::role(namespace, needed));
    diagnosis
}
