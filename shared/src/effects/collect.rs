//! Bringing an attempt's logs and files back, and then ending it.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use serde_json::{Map, Value};

use futures::StreamExt;
use futures::future::join_all;

use crate::clock::{between, later};
use crate::cluster::client::Cluster;
use crate::effects::{Turn, finish, observe, stop, wait};
use crate::environment::Environment;
use crate::error::Error;
use crate::files::logs::LogStream;
use crate::files::{logs, outputs, redact};
use crate::pod::OUT_CARRIER;
use crate::run::decision::Ending;
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::run::facts::{ContainerFacts, PodFacts, Role};
use crate::run::observation::{EventFact, Observation};
use crate::run::record::{CollectionProgress, Record};
use crate::run::result::{LogObject, OutputFile};
use crate::run::state::State;
use crate::store::bucket::Condition;
use crate::store::keys;
use crate::store::records::{self, Stored};
use crate::store::upload::UploadError;

/// Left for the result and the pod's deletion at the end of an invocation.
const RESERVE: Duration = Duration::from_secs(15);

/// What was brought back, and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// Variables of `::{…}::` lines.
    pub outputs: Map<String, Value>,
    /// Output files in the bucket.
    pub files: Vec<OutputFile>,
    /// Logs in the bucket, by container.
    pub logs: BTreeMap<String, LogObject>,
    /// The end of the deciding container's log.
    pub tail: Option<String>,
    /// What the result should warn of.
    pub warnings: Vec<String>,
    /// Declared outputs that are missing.
    pub missing: Vec<String>,
    /// Declared outputs that exist and could not be brought back.
    pub lost: Vec<String>,
    /// When the collection began.
    pub from: Option<Timestamp>,
    /// When the deciding containers started.
    pub started_at: Option<Timestamp>,
    /// When the last of them ended.
    pub finished_at: Option<Timestamp>,
}

/// Collect, then carry the ending out. A collection that does not fit into this invocation is carried on by the next one.
///
/// # Errors
/// What the bucket, the cluster or a queue says; the next delivery carries on.
pub async fn collect(
    environment: &Environment,
    stored: Stored,
    observation: &Observation,
    ending: Ending,
    turn: Turn,
) -> Result<(), Error> {
    let until = earlier(turn.deadline, RESERVE);
    let cluster = environment.clusters.of(&stored.record.plan.target.cluster)?;
    // Explained while the pod is still as it ended; an ending that was settled earlier has been.
    let ending = match &stored.record.ending {
        Some(_) => ending,
        None => explain(environment, cluster.as_ref(), &stored.record, observation, ending).await?,
    };
    let Some(facts) = observation.pod.clone() else {
        return finish::end(environment, stored, ending, Gathered::default()).await;
    };
    let mut gathered = Gathered { from: Some(environment.clock.now()), ..Gathered::default() };
    let view = View { environment, cluster: cluster.as_ref(), until, last_try: turn.last_try };
    let unreadable = observation.gone || facts.node_is_silent();
    let (stored, facts) = if ending.stop && !unreadable {
        let stored = stop::settle(environment, stored, &ending).await?;
        view.stop(stored, facts, &ending, &mut gathered).await?
    } else {
        (stored, facts)
    };
    gathered.started_at = facts.main_started_at();
    gathered.finished_at = facts.main_finished_at();
    let collector = Collector { view, record: &stored.record, facts: &facts };
    if unreadable {
        collector.nothing_to_read(&mut gathered);
    } else {
        collector.logs(&mut gathered).await?;
        if collector.files(&mut gathered).await? == Progress::Unfinished {
            return carry_on(environment, stored, turn).await;
        }
    }
    let ending = judge_outputs(&stored.record, ending, &mut gathered);
    crate::crash::point("before-result");
    finish::end(environment, stored, ending, gathered).await
}

/// Where a collection looks.
#[derive(Clone, Copy)]
struct View<'a> {
    environment: &'a Environment,
    cluster: &'a dyn Cluster,
    until: Timestamp,
    last_try: bool,
}

impl View<'_> {
    /// Stop the pod. Its logs are followed from before the deletion on, since a pod without carriers is gone as soon as its containers have ended.
    async fn stop(
        self,
        stored: Stored,
        facts: PodFacts,
        ending: &Ending,
        gathered: &mut Gathered,
    ) -> Result<(Stored, PodFacts), Error> {
        let patience = stop::patience(self.environment, &stored.record, ending, self.until);
        let record = stored.record.clone();
        let collector = Collector { view: self, record: &record, facts: &facts };
        let opened = collector.open_logs().await;
        let followed = collector.follow_logs(opened, patience, gathered);
        let (followed, stopped) = futures::join!(followed, stop::pod(self.environment, stored, patience));
        followed?;
        let (stored, observation) = stopped?;
        Ok((stored, observation.pod.unwrap_or(facts)))
    }
}

/// One collection under way.
struct Collector<'a> {
    view: View<'a>,
    record: &'a Record,
    facts: &'a PodFacts,
}

#[derive(PartialEq)]
enum Progress {
    Finished,
    Unfinished,
}

impl Collector<'_> {
    /// The pod is gone or its node does not answer.
    fn nothing_to_read(&self, gathered: &mut Gathered) {
        gathered
            .warnings
            .push("logs could not be read: the pod is gone or its node does not answer".to_owned());
        if self.record.plan.files.has_outputs() && gathered.started_at.is_some() {
            gathered.lost.push(
                "output files could not be brought back: the pod is gone or its node does not answer"
                    .to_owned(),
            );
        }
    }

    /// Containers whose log is worth keeping: all that ran, carriers only when they failed.
    fn logged(&self) -> impl Iterator<Item = &ContainerFacts> {
        self.facts.containers.iter().filter(|container| {
            let carrier = matches!(container.role, Role::InitCarrier | Role::OutCarrier);
            let failed = container.termination().is_some_and(|termination| termination.exit_code != 0);
            container.has_started() && (!carrier || failed)
        })
    }

    fn started_at(&self, container: &ContainerFacts) -> Option<Timestamp> {
        self.facts.main_started_at().filter(|_| container.role == Role::Deciding)
    }

    /// The logs that were not stored yet.
    async fn logs(&self, gathered: &mut Gathered) -> Result<(), Error> {
        let View { environment, cluster, until, .. } = self.view;
        let patience = Duration::from_secs(self.record.plan.limits.late_log_seconds);
        let patience = later(environment.clock.now(), patience).min(until);
        for container in
            self.logged().filter(|container| !gathered.has_log(&container.name)).collect::<Vec<_>>()
        {
            let name = container.name.as_str();
            let started_at = self.started_at(container);
            let log = logs::collect(environment, cluster, self.record, name, started_at, patience).await;
            gathered.take_log(container, log)?;
        }
        Ok(())
    }

    /// The logs of the containers that run, opened so that nothing after this moment is lost. One that cannot be opened is read later.
    async fn open_logs(&self) -> Vec<(&ContainerFacts, LogStream)> {
        let View { environment, cluster, .. } = self.view;
        let open = |container: &'_ ContainerFacts| {
            let name = container.name.clone();
            async move { logs::open(environment, cluster, self.record, &name, true).await.ok().flatten() }
        };
        let running: Vec<&ContainerFacts> =
            self.logged().filter(|container| container.is_running()).collect();
        let opened = join_all(running.iter().map(|container| open(container))).await;
        running.into_iter().zip(opened).filter_map(|(container, stream)| Some((container, stream?))).collect()
    }

    /// Store logs while their containers end, at most until `patience`.
    async fn follow_logs(
        &self,
        opened: Vec<(&ContainerFacts, LogStream)>,
        patience: Timestamp,
        gathered: &mut Gathered,
    ) -> Result<(), Error> {
        let environment = self.view.environment;
        let stored = opened.into_iter().map(|(container, stream)| async move {
            let enough = environment.clock.sleep(between(environment.clock.now(), patience));
            let stream = stream.take_until(enough).boxed();
            let started_at = self.started_at(container);
            (container, logs::store(environment, self.record, &container.name, started_at, stream).await)
        });
        for (container, log) in join_all(stored).await {
            gathered.take_log(container, log.map(Some))?;
        }
        Ok(())
    }

    async fn files(&self, gathered: &mut Gathered) -> Result<Progress, Error> {
        if !self.record.plan.files.has_outputs() {
            return Ok(Progress::Finished);
        }
        let carrier = self.facts.containers.iter().find(|container| container.role == Role::OutCarrier);
        if !carrier.is_some_and(ContainerFacts::is_running) {
            // Nothing ran, or the carrier ended with its pod: nothing can be read any more.
            if gathered.started_at.is_some() {
                gathered.lost.push(
                    "the carrier `out-files` does not run any more; output files could not be brought back"
                        .to_owned(),
                );
            }
            return Ok(Progress::Finished);
        }
        match outputs::collect(self.view.environment, self.view.cluster, self.record, self.view.until).await {
            Ok(collected) if collected.unfinished => Ok(Progress::Unfinished),
            Ok(collected) => {
                gathered.files = collected.files;
                gathered.missing = collected.missing;
                gathered.lost = collected.lost;
                gathered.warnings.extend(collected.warnings);
                Ok(Progress::Finished)
            }
            // The carrier went away under our hands, or this will not be tried again: what is there is all there will be.
            Err(Error::Cluster(error))
                if self.view.last_try || !error.is_passing() || self.carrier_is_gone().await? =>
            {
                gathered
                    .lost
                    .push(format!("output files could not be brought back: {}", crate::error::chain(&error)));
                Ok(Progress::Finished)
            }
            Err(error) => Err(error),
        }
    }

    async fn carrier_is_gone(&self) -> Result<bool, Error> {
        let namespace = observe::namespace(self.view.environment, self.record);
        let pod = self.view.cluster.get(namespace, &self.record.attempt.pod_name).await?;
        let statuses =
            pod.filter(|pod| observe::is_of(pod, self.record)).and_then(|pod| pod.status?.container_statuses);
        let is_running =
            |status: &ContainerStatus| status.state.as_ref().is_some_and(|state| state.running.is_some());
        Ok(!statuses
            .unwrap_or_default()
            .iter()
            .any(|status| status.name == OUT_CARRIER && is_running(status)))
    }
}

impl Gathered {
    fn has_log(&self, container: &str) -> bool {
        self.logs.contains_key(container)
    }

    /// A log that could not be read is a warning, a store that failed an error.
    fn take_log(
        &mut self,
        container: &ContainerFacts,
        log: Result<Option<logs::Collected>, Error>,
    ) -> Result<(), Error> {
        let name = &container.name;
        let log = match log {
            Ok(Some(log)) => log,
            Ok(None) => return Ok(()),
            Err(error @ (Error::Cluster(_) | Error::Upload(UploadError::Stream { .. }))) => {
                self.warnings
                    .push(format!("the log of container `{name}` could not be read: {}", error.in_full()));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if !log.object.complete {
            self.warnings.push(format!(
                "the beginning of container `{name}`'s log had been rotated away; output lines may be missing"
            ));
        }
        if container.role == Role::Deciding {
            self.outputs.extend(log.said.outputs);
            self.warnings.extend(log.said.warnings);
            self.tail = Some(log.tail);
        }
        self.logs.insert(name.clone(), log.object);
        Ok(())
    }
}

/// Out of time: remember how far it came, and carry on in another invocation.
async fn carry_on(environment: &Environment, stored: Stored, turn: Turn) -> Result<(), Error> {
    let number = stored.record.attempt.number;
    let change = |record: &mut Record| {
        let rounds = record
            .collection
            .as_ref()
            .filter(|progress| progress.attempt == number)
            .map_or(0, |progress| progress.rounds);
        record.collection = Some(CollectionProgress { attempt: number, rounds: rounds.saturating_add(1) });
        record.writer.clone_from(&environment.writer);
        true
    };
    let stored = records::change(environment.bucket.as_ref(), stored, change).await?;
    tracing::info!(run.id = stored.record.run_id, "the collection is carried on by another invocation");
    Ok(environment
        .queues
        .look_at(&wait::message(&stored.record, turn.hops.saturating_add(1)), Duration::ZERO)
        .await?)
}

/// A failure is explained with the pod's events; pod and events are kept for people.
async fn explain(
    environment: &Environment,
    cluster: &dyn Cluster,
    record: &Record,
    observation: &Observation,
    ending: Ending,
) -> Result<Ending, Error> {
    if ending.diagnosis.is_none() {
        return Ok(ending);
    }
    let namespace = observe::namespace(environment, record);
    let uid = record.attempt.pod_uid.as_deref().unwrap_or_default();
    // Events are good to have: without the right to list them the diagnosis is what the pod alone tells.
    let events = cluster.events(namespace, &record.attempt.pod_name, uid).await.unwrap_or_default();
    keep(environment, record, "events.json", &serde_json::to_value(&events).unwrap_or_default()).await?;
    if let Some(pod) = cluster.get(namespace, &record.attempt.pod_name).await? {
        keep(environment, record, "pod.json", &redact::pod(as_json(&pod))).await?;
    }
    Ok(ending.with_events(observation, &events as &[EventFact]))
}

fn as_json(pod: &Pod) -> Value {
    serde_json::to_value(pod).unwrap_or_default()
}

async fn keep(environment: &Environment, record: &Record, name: &str, value: &Value) -> Result<(), Error> {
    let key = keys::attempt(&record.run_id, record.attempt.number, name);
    let bytes = Bytes::from(serde_json::to_vec_pretty(value).unwrap_or_default());
    match environment.bucket.put(&key, bytes, Condition::Absent).await {
        Err(error) if error.is_precondition_failed() => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

/// Outputs that are missing warn, or fail the run where the task says so; outputs that exist and were lost fail a run that otherwise succeeded.
fn judge_outputs(record: &Record, mut ending: Ending, gathered: &mut Gathered) -> Ending {
    let missing: Vec<String> =
        gathered.missing.iter().map(|glob| format!("declared output `{glob}` matches no file")).collect();
    let succeeded = ending.diagnosis.is_none();
    let problem = if succeeded && !gathered.lost.is_empty() {
        Some((Cause::CollectionFailed, gathered.lost.join("; ")))
    } else if succeeded && record.plan.fail_on_missing_outputs && !missing.is_empty() {
        Some((Cause::OutputMissing, missing.join("; ")))
    } else {
        None
    };
    match problem {
        Some((cause, message)) => {
            ending.diagnosis = Some(Diagnosis::new(cause, message));
            ending.outcome = crate::run::decision::Outcome::Finish(State::Failed);
        }
        None => gathered.warnings.extend(missing),
    }
    if !succeeded {
        gathered.warnings.append(&mut gathered.lost);
    }
    ending
}

/// `time` minus `duration`, or the beginning of time.
fn earlier(time: Timestamp, duration: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(duration)
        .ok()
        .and_then(|span| time.checked_sub(span).ok())
        .unwrap_or(Timestamp::MIN)
}
