//! Logs and files of an attempt, brought together in the bucket.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ContainerStatus;
use serde_json::{Map, Value};

use crate::clock::{between, later};
use crate::cluster::client::Cluster;
use crate::effects::observe;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::logs::LogStream;
use crate::files::{direct, log_parts, logs, outputs, redact, value};
use crate::outputs::direct::Done;
use crate::outputs::value::{ReturnValue, ValueError};
use crate::pod::OUT_CARRIER;
use crate::resolve::plan::Deciding;
use crate::resolve::transfer::wrapped;
use crate::run::delivery::Shortfall;
use crate::run::facts::{ContainerFacts, PodFacts, Role};
use crate::run::record::Record;
use crate::run::result::{LogObject, OutputFile, PodOutputs};
use crate::spec::value_file::ValueFile;
use crate::store::upload::UploadError;

/// What the result says where nobody could read a log.
pub const NO_LOGS: &str = "logs could not be read: the pod is gone or its node does not answer";

/// What was brought back, and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// Variables of `::{…}::` lines.
    pub outputs: Map<String, Value>,
    /// Output files in the bucket.
    pub files: Vec<OutputFile>,
    /// The pod of a `PodCreate` as it was last seen.
    pub pod: Option<PodOutputs>,
    /// The earlier run whose outcome this is.
    pub cached_from: Option<String>,
    /// Logs in the bucket, by container.
    pub logs: BTreeMap<String, LogObject>,
    /// The end of the deciding container's log.
    pub tail: Option<String>,
    /// What the result should warn of.
    pub warnings: Vec<String>,
    /// Declared outputs that are not there.
    pub shortfall: Shortfall,
    /// Exit code of the container that decides, when there is one.
    pub exit_code: Option<i32>,
    /// When the collection began.
    pub from: Option<Timestamp>,
    /// When the deciding containers started.
    pub started_at: Option<Timestamp>,
    /// When the last of them ended.
    pub finished_at: Option<Timestamp>,
}

/// Where a collection looks.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The world.
    pub environment: &'a Environment,
    /// The run's cluster.
    pub cluster: &'a dyn Cluster,
    /// Stop after the current file once this has passed.
    pub until: Timestamp,
    /// What cannot be done now is given up.
    pub last_try: bool,
}

/// One collection under way.
pub struct Collector<'a> {
    /// Where to look.
    pub view: View<'a>,
    /// The run.
    pub record: &'a Record,
    /// Its pod.
    pub facts: &'a PodFacts,
    /// What the helper in the pod has said at its end.
    pub done: Option<&'a Done>,
}

/// How far a collection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All there is.
    Finished,
    /// Another invocation carries on.
    Unfinished,
}

impl Collector<'_> {
    /// The pod is gone or its node does not answer.
    pub fn nothing_to_read(&self, gathered: &mut Gathered) {
        if gathered.logs.is_empty() {
            gathered.warnings.push(NO_LOGS.to_owned());
        }
        if self.record.plan.files.has_sidecar() && gathered.started_at.is_some() {
            gathered.shortfall.lost.push(
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
    pub async fn logs(&self, gathered: &mut Gathered) -> Result<(), Error> {
        let View { environment, cluster, until, .. } = self.view;
        let now = environment.clock.now();
        let late = later(now, Duration::from_secs(self.record.plan.limits.late_log_seconds)).min(until);
        // Logs that drip leave half of the time to the files.
        let until =
            if self.record.plan.files.has_sidecar() { later(now, between(now, until) / 2) } else { until };
        let patience = logs::Patience { late, until };
        for container in
            self.logged().filter(|container| !gathered.has_log(&container.name)).collect::<Vec<_>>()
        {
            let name = container.name.as_str();
            let started_at = self.started_at(container);
            let is_uploaded = self.uploads_log_of(name);
            // All of it is in the bucket: the cluster, which forgets beginnings, is not asked.
            let whole = self.done.and_then(|done| done.log_parts).filter(|_| is_uploaded);
            let log = match whole {
                Some(_) => log_parts::collect(environment, self.record, name, started_at, whole).await,
                None => logs::collect(environment, cluster, self.record, name, started_at, patience).await,
            };
            let is_missing = matches!(log, Ok(None) | Err(Error::Cluster(_)));
            let log = match is_missing && is_uploaded {
                true => log_parts::collect(environment, self.record, name, started_at, None).await,
                false => log,
            };
            gathered.take_log(container, log)?;
        }
        Ok(())
    }

    /// The helper runs this container's program and uploads its log meanwhile.
    fn uploads_log_of(&self, container: &str) -> bool {
        self.record.plan.files.uploads() && wrapped(&self.record.plan) == Some(container)
    }

    /// The logs of the containers that run, opened so that nothing after this moment is lost. One that cannot be opened is read later.
    pub async fn open_logs(&self) -> Vec<(&ContainerFacts, LogStream)> {
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
    pub async fn follow_logs(
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

    /// What a `PodCreate` tells of its pod.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn pod(&self, gathered: &mut Gathered) -> Result<(), Error> {
        if self.record.plan.deciding != Deciding::All {
            return Ok(());
        }
        let namespace = observe::namespace(self.view.environment, self.record);
        let pod = self.view.cluster.get(namespace, &self.record.attempt.pod_name).await?;
        gathered.pod = pod.filter(|pod| observe::is_of(pod, self.record)).map(|pod| {
            let mut pod = redact::pod(serde_json::to_value(&pod).unwrap_or_default());
            let mut take = |key: &str| pod.get_mut(key).map(Value::take).unwrap_or_default();
            PodOutputs { metadata: take("metadata"), status: take("status") }
        });
        Ok(())
    }

    /// The return value and the output files, through the carrier.
    ///
    /// # Errors
    /// What may pass: the API server or the store is in trouble.
    pub async fn files(&self, gathered: &mut Gathered) -> Result<Progress, Error> {
        if self.record.plan.files.uploads() {
            // What never began has left nothing.
            return match gathered.started_at {
                Some(_) => uploaded(self.view, self.record, self.done, gathered).await,
                None => Ok(Progress::Finished),
            };
        }
        if !self.record.plan.files.has_sidecar() {
            return Ok(Progress::Finished);
        }
        let carrier = self.facts.containers.iter().find(|container| container.role == Role::OutCarrier);
        if !carrier.is_some_and(ContainerFacts::is_running) {
            // Nothing ran, or the carrier ended with its pod: nothing can be read any more.
            if gathered.started_at.is_some() {
                gathered.shortfall.lost.push(
                    "the carrier `out-files` does not run any more; output files could not be brought back"
                        .to_owned(),
                );
            }
            return Ok(Progress::Finished);
        }
        if let Some(file) = &self.record.plan.files.value {
            let View { environment, cluster, .. } = self.view;
            match value::read(environment, cluster, self.record, file, self.view.until).await {
                Ok(read) => gathered.take_value(file, read),
                Err(error) => self.give_up(gathered, "the return value", error).await?,
            }
        }
        if !self.record.plan.files.has_outputs() {
            return Ok(Progress::Finished);
        }
        match outputs::collect(self.view.environment, self.view.cluster, self.record, self.view.until).await {
            Ok(collected) => Ok(gathered.take_files(collected)),
            Err(error) => self.give_up(gathered, "output files", error).await.map(|()| Progress::Finished),
        }
    }

    /// The carrier went away under our hands, or this will not be tried again: what is there is all there will be. Any other error stays one.
    async fn give_up(&self, gathered: &mut Gathered, what: &str, error: Error) -> Result<(), Error> {
        match error {
            Error::Cluster(error)
                if self.view.last_try || !error.is_passing() || self.carrier_is_gone().await? =>
            {
                let reason = crate::error::chain(&error);
                gathered.shortfall.lost.push(format!("{what} could not be brought back: {reason}"));
                Ok(())
            }
            error => Err(error),
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

/// What a helper has uploaded of a pod that cannot be read any more: the log as far as it came, and the files if it came so far.
///
/// # Errors
/// The store's.
pub async fn leavings(
    view: View<'_>,
    record: &Record,
    done: Option<&Done>,
    gathered: &mut Gathered,
) -> Result<Progress, Error> {
    if let Some(name) = wrapped(&record.plan) {
        let parts = done.and_then(|done| done.log_parts);
        if let Some(mut log) = log_parts::collect(view.environment, record, name, None, parts).await? {
            if parts.is_none() {
                log.object.complete = false;
                gathered.warnings.push(format!(
                    "the log of container `{name}` is what was uploaded before its pod went; its end may be missing"
                ));
            }
            gathered.keep_log(name, Role::Deciding, log);
        }
    }
    if done.is_none() && gathered.logs.is_empty() {
        // The program never began, as far as anybody can tell.
        return Ok(Progress::Finished);
    }
    uploaded(view, record, done, gathered).await
}

async fn uploaded(
    view: View<'_>,
    record: &Record,
    done: Option<&Done>,
    gathered: &mut Gathered,
) -> Result<Progress, Error> {
    let Some(done) = done else {
        gathered.shortfall.lost.push(
            "output files could not be brought back: their upload had not ended when the container did"
                .to_owned(),
        );
        return Ok(Progress::Finished);
    };
    let collected = direct::collect(view.environment, record, done, view.until).await?;
    Ok(gathered.take_files(collected))
}

impl Gathered {
    fn take_files(&mut self, collected: outputs::Collected) -> Progress {
        if collected.unfinished {
            return Progress::Unfinished;
        }
        self.files = collected.files;
        self.shortfall.missing = collected.missing;
        self.shortfall.lost.extend(collected.lost);
        self.warnings.extend(collected.warnings);
        Progress::Finished
    }

    /// What was read of the return value; one that cannot be used leaves no output.
    fn take_value(&mut self, file: &ValueFile, read: Result<ReturnValue, ValueError>) {
        match read {
            Ok(read) => {
                self.outputs.insert(file.output.clone(), read.value);
                self.warnings.extend(read.warning.map(|warning| format!("`{}` {warning}", file.path())));
            }
            Err(error) => self.shortfall.unusable.push(format!("`{}` {error}", file.path())),
        }
    }

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
        let reason = log.cut.map(|cut| match cut {
            logs::Cut::Long => format!("is longer than {} bytes", logs::MAX_LOG_BYTES),
            logs::Cut::Slow => format!("came too slowly, {} bytes in the time for it", log.object.size),
        });
        if let Some(reason) = reason {
            self.warnings.push(format!(
                "the log of container `{name}` {reason}; the rest is left out, and output lines in it are missing"
            ));
        }
        self.keep_log(name, container.role, log);
        Ok(())
    }

    fn keep_log(&mut self, name: &str, role: Role, log: logs::Collected) {
        if role == Role::Deciding {
            self.outputs.extend(log.said.outputs);
            self.warnings.extend(log.said.warnings);
            self.tail = Some(log.tail);
        }
        self.logs.insert(name.to_owned(), log.object);
    }
}
