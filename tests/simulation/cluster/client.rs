//! The cluster as one invocation sees it.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use shared::clock::Clock;
use shared::cluster::client::{Change, Cluster, Command, CreatedPod, Page, Permission};
use shared::cluster::error::ClusterError;
use shared::environment::Clusters;
use shared::pod::identity_of;
use shared::resolve::plan::ClusterChoice;
use shared::run::observation::EventFact;

use super::model::{Model, lock};
use super::words;
use crate::gate::{Fate, Fault, Gate, Place};
use crate::mutation::Mutation;

/// A POST that was answered: of which run and attempt, and the uid.
pub type Posted = Arc<Mutex<Vec<(String, u32, String)>>>;

/// The cluster of one invocation.
#[derive(Clone)]
pub struct Client {
    /// The cluster itself.
    pub model: Arc<Mutex<Model>>,
    /// Before each request.
    pub gate: Arc<Gate>,
    /// POSTs whose answer arrived.
    pub posted: Posted,
    /// A promise that is broken on purpose.
    pub mutation: Option<Mutation>,
}

impl Clusters for Client {
    fn of(&self, _choice: &ClusterChoice) -> Result<Arc<dyn Cluster>, ClusterError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Client {
    async fn enter(&self, name: &'static str, what: &str) -> Result<Fate, ClusterError> {
        let fate = self.gate.enter(Place::Cluster, name, what).await;
        lock(&self.model).requests += 1;
        fate.before().map_or(Ok(fate), |fault| Err(words::failure(name, fault)))
    }

    /// A stream that breaks off is opened and ends in the middle.
    async fn open(&self, name: &'static str, what: &str) -> Result<bool, ClusterError> {
        let fate = self.gate.enter(Place::Cluster, name, what).await;
        lock(&self.model).requests += 1;
        match fate.before() {
            None => Ok(false),
            Some(Fault::Cut) => Ok(true),
            Some(fault) => Err(words::failure(name, fault)),
        }
    }

    async fn create_now(&self, pod: &Value) -> Result<CreatedPod, ClusterError> {
        let manifest: Pod = serde_json::from_value(pod.clone()).map_err(|source| {
            ClusterError::Unreachable { operation: "create".to_owned(), source: source.into() }
        })?;
        let name = manifest.metadata.name.clone().unwrap_or_default();
        let anyway = self.mutation == Some(Mutation::ListThenCreate);
        if anyway {
            self.enter("list for create", &name).await?;
            if lock(&self.model).named(&name).is_some() {
                return Err(words::taken(&name));
            }
        }
        let fate = self.enter("create", &name).await?;
        let identity = identity_of(&manifest).map(|identity| (identity.run_id.to_owned(), identity.attempt));
        let created = lock(&self.model).create(manifest, self.gate.now(), anyway)?;
        if let Some(fault) = fate.after() {
            return Err(words::failure("create", fault));
        }
        if let (Some((run_id, attempt)), Ok(mut posted)) = (identity, self.posted.lock()) {
            posted.push((run_id, attempt, created.uid.clone()));
        }
        Ok(created)
    }

    /// The uid of the pod of this name, unless it is away; what is wrong with reading from it.
    fn readable(&self, name: &str, operation: &'static str) -> Result<String, ClusterError> {
        let mut model = lock(&self.model);
        let uid = model.named(name).map(|pod| pod.uid.clone());
        let uid = uid.ok_or_else(|| words::not_found(operation, name))?;
        if self.mutation == Some(Mutation::DeleteBeforeCollect) {
            model.delete(&uid, Some(0), self.gate.now(), false);
            return Err(words::not_found(operation, name));
        }
        if model.named(name).is_some_and(super::pod::SimulatedPod::is_silent) {
            return Err(words::failure(operation, Fault::Trouble));
        }
        Ok(uid)
    }
}

impl Cluster for Client {
    fn create<'a>(
        &'a self,
        _namespace: &'a str,
        pod: &'a Value,
    ) -> BoxFuture<'a, Result<CreatedPod, ClusterError>> {
        Box::pin(self.create_now(pod))
    }

    fn get<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Pod>, ClusterError>> {
        Box::pin(async move {
            self.enter("get", name).await?;
            let model = lock(&self.model);
            if self.mutation == Some(Mutation::StaleReads) {
                return Ok(model.stale(name));
            }
            Ok(model.named(name).map(super::pod::SimulatedPod::show))
        })
    }

    fn delete<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
        uid: &'a str,
        grace_seconds: Option<u32>,
    ) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let fate = self.enter("delete", name).await?;
            lock(&self.model).delete(uid, grace_seconds, self.gate.now(), false);
            fate.after().map_or(Ok(()), |fault| Err(words::failure("delete", fault)))
        })
    }

    fn list<'a>(
        &'a self,
        _namespace: &'a str,
        field_selector: Option<&'a str>,
        page: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Page, ClusterError>> {
        Box::pin(async move {
            self.enter("list", field_selector.unwrap_or_default()).await?;
            lock(&self.model).list(field_selector.is_some(), page)
        })
    }

    fn watch<'a>(
        &'a self,
        _namespace: &'a str,
        resource_version: &'a str,
        seconds: u32,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Change, ClusterError>>, ClusterError>> {
        Box::pin(async move {
            self.enter("watch", resource_version).await?;
            let (sender, changes) = mpsc::unbounded();
            lock(&self.model).watch(resource_version, seconds, self.gate.now(), sender);
            Ok(changes.boxed())
        })
    }

    fn events<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
        _uid: &'a str,
    ) -> BoxFuture<'a, Result<Vec<EventFact>, ClusterError>> {
        Box::pin(async move { self.enter("events", name).await.map(|_| Vec::new()) })
    }

    fn log<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
        container: &'a str,
        follow: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, std::io::Result<bytes::Bytes>>, ClusterError>> {
        Box::pin(async move {
            let cut = self.open("log", name).await?;
            let uid = self.readable(name, "log")?;
            let mut model = lock(&self.model);
            if !model.named(name).is_some_and(|pod| pod.has_log(container)) {
                return Err(words::not_found("log", name));
            }
            let log = words::log(&uid, container);
            if cut {
                let broken = Err(std::io::Error::other("the stream broke off"));
                return Ok(futures::stream::iter([Ok(log.slice(..10)), broken]).boxed());
            }
            if follow {
                let (sender, lines) = mpsc::unbounded();
                model.follow(&uid, container, sender);
                return Ok(lines.boxed());
            }
            Ok(futures::stream::iter([Ok(log)]).boxed())
        })
    }

    fn exec<'a>(
        &'a self,
        _namespace: &'a str,
        name: &'a str,
        container: &'a str,
        command: &'a [String],
    ) -> BoxFuture<'a, Result<Command, ClusterError>> {
        Box::pin(async move {
            let cut = self.open("exec", name).await?;
            let uid = self.readable(name, "exec")?;
            if !lock(&self.model).named(name).is_some_and(|pod| pod.is_reachable(container)) {
                return Err(words::failure("exec", Fault::Trouble));
            }
            let is_listing = command.iter().any(|word| word.contains("find . "));
            let paths: Vec<String> = command.iter().filter(|word| word.starts_with("./")).cloned().collect();
            let mut bytes = if is_listing { words::listing(&uid) } else { words::archive(&uid, &paths) };
            if cut {
                bytes.truncate(bytes.len() / 3);
            }
            let outcome = if cut { Err(words::failure("exec", Fault::Reset)) } else { Ok(()) };
            Ok(Command {
                stdout: Box::new(Cursor::new(bytes)),
                outcome: Box::pin(std::future::ready(outcome)),
            })
        })
    }

    fn may<'a>(
        &'a self,
        _namespace: &'a str,
        permission: Permission,
    ) -> BoxFuture<'a, Result<bool, ClusterError>> {
        Box::pin(async move { self.enter("may", permission.verb).await.map(|_| true) })
    }
}
