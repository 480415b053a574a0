//! The cluster through kube's client.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, ListParams, LogParams, PostParams, WatchEvent, WatchParams};
use serde_json::Value;
use tokio_util::compat::FuturesAsyncReadCompatExt;

use super::client::{Change, Cluster, Command, CreatedPod, Page, Permission};
use super::directory::Directory;
use super::error::ClusterError;
use super::sources::Deployment;
use super::{connection, eks, exec, reach, write};
use crate::clock::{Clock, between};
use crate::pod::labels::{MANAGED_BY, MANAGER};
use crate::run::observation::EventFact;
use crate::spec::connection::Connection;
use crate::store::bucket::Bucket;

/// Pods per page of a listing; what kubectl uses.
const PAGE: u32 = 500;

/// Selects Longshore's pods.
fn managed() -> String {
    format!("{MANAGED_BY}={MANAGER}")
}

/// How a client for this cluster is made.
pub enum Credentials {
    /// An EKS cluster with the function's own role.
    Eks {
        /// Name of the cluster.
        cluster: String,
        /// The function's AWS settings.
        aws: Box<SdkConfig>,
    },
    /// A cluster of `config/clusters.yaml`, as the file says whenever a client is made.
    Named {
        /// Its name.
        name: String,
        /// The clusters by name.
        directory: Arc<Directory>,
        /// Where the file lies.
        bucket: Arc<dyn Bucket>,
        /// Where to follow what its connection refers to.
        deployment: Box<Deployment>,
    },
    /// A connection written in a task.
    Explicit {
        /// The connection.
        connection: Box<Connection>,
        /// Where to follow what it refers to; `None` outside a deployment.
        deployment: Option<Box<Deployment>>,
    },
}

impl Credentials {
    /// The connection of a cluster of `config/clusters.yaml`.
    async fn of_named(
        name: &str,
        directory: &Directory,
        bucket: &dyn Bucket,
        now: Timestamp,
    ) -> Result<Connection, ClusterError> {
        let clusters = directory.load(bucket, now).await.map_err(|error| {
            ClusterError::because(format!("cannot tell how cluster `{name}` is reached"), error)
        })?;
        let entry = clusters.named(name).and_then(|entry| entry.connection.clone());
        entry.ok_or_else(|| ClusterError::Unknown { name: name.to_owned() })
    }

    /// A connection that refers to nothing.
    pub fn plain(connection: Connection) -> Self {
        Credentials::Explicit { connection: Box::new(connection), deployment: None }
    }

    /// How long a client with these credentials is used.
    fn life(&self) -> Duration {
        let provider = match self {
            Credentials::Explicit { connection, .. } => connection.oauth_token_provider.as_ref(),
            Credentials::Eks { .. } | Credentials::Named { .. } => None,
        };
        let asked = provider.and_then(|provider| provider.cache_seconds).map(Duration::from_secs);
        asked.map_or(eks::RENEW_AFTER, |asked| asked.min(eks::RENEW_AFTER))
    }
}

/// A cluster; its client is made when first needed and again before its token grows old.
pub struct KubeCluster {
    credentials: Credentials,
    clock: Arc<dyn Clock>,
    endpoint: tokio::sync::OnceCell<eks::Endpoint>,
    client: Mutex<Option<(kube::Client, Timestamp)>>,
}

impl KubeCluster {
    /// A cluster reached by these credentials; nothing is sent yet.
    pub fn new(credentials: Credentials, clock: Arc<dyn Clock>) -> Self {
        KubeCluster { credentials, clock, endpoint: tokio::sync::OnceCell::new(), client: Mutex::new(None) }
    }

    /// The client as it is now, for calls that only the command makes.
    ///
    /// # Errors
    /// When the settings make no sense or what they refer to cannot be read.
    pub async fn client(&self) -> Result<kube::Client, ClusterError> {
        let now = self.clock.now();
        let kept = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((client, made_at)) = kept
            && between(made_at, now) < self.credentials.life()
        {
            return Ok(client);
        }
        let settings = match &self.credentials {
            Credentials::Eks { cluster, aws } => {
                let endpoint = self.endpoint.get_or_try_init(|| eks::describe(aws, cluster)).await?;
                connection::for_eks(endpoint, eks::token(aws, cluster, now).await?)?
            }
            Credentials::Named { name, directory, bucket, deployment } => {
                let named = Credentials::of_named(name, directory, bucket.as_ref(), now).await?;
                connection::for_explicit(&named, Some(deployment), now).await?
            }
            Credentials::Explicit { connection, deployment } => {
                connection::for_explicit(connection, deployment.as_deref(), now).await?
            }
        };
        let client = reach::client(settings, &self.clock)?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some((client.clone(), now));
        Ok(client)
    }

    async fn pods(&self, namespace: &str) -> Result<Api<Pod>, ClusterError> {
        Ok(Api::namespaced(self.client().await?, namespace))
    }

    /// Credentials that were refused are made anew next time.
    fn note<T>(&self, result: Result<T, ClusterError>) -> Result<T, ClusterError> {
        if result.as_ref().is_err_and(ClusterError::is_unauthorized) {
            *self.client.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        result
    }

    async fn post(&self, namespace: &str, pod: &Value) -> Result<CreatedPod, ClusterError> {
        self.note(write::create(self.client().await?, namespace, pod).await)
    }
}

impl Cluster for KubeCluster {
    fn create<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a Value,
    ) -> BoxFuture<'a, Result<CreatedPod, ClusterError>> {
        Box::pin(async move {
            match self.post(namespace, pod).await {
                // A token may have grown old in a frozen function: once more with a fresh one.
                Err(error) if error.is_unauthorized() => self.post(namespace, pod).await,
                other => other,
            }
        })
    }

    fn get<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Pod>, ClusterError>> {
        Box::pin(async move {
            let operation = || format!("get pod `{namespace}/{name}`");
            let get = || async {
                let found = self.pods(namespace).await?.get_opt(name).await;
                self.note(found.map_err(|error| ClusterError::from_kube(operation(), error)))
            };
            match get().await {
                Err(error) if error.is_unauthorized() => get().await,
                other => other,
            }
        })
    }

    fn delete<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        uid: &'a str,
        grace_seconds: Option<u32>,
    ) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            self.note(write::delete(self.client().await?, namespace, name, uid, grace_seconds).await)
        })
    }

    fn list<'a>(
        &'a self,
        namespace: &'a str,
        field_selector: Option<&'a str>,
        page: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Page, ClusterError>> {
        Box::pin(async move {
            let mut parameters = ListParams::default().labels(&managed()).limit(PAGE);
            parameters.field_selector = field_selector.map(str::to_owned);
            parameters.continue_token = page.map(str::to_owned);
            let listed = self.pods(namespace).await?.list(&parameters).await;
            let listed = self.note(
                listed.map_err(|error| ClusterError::from_kube(format!("list pods in `{namespace}`"), error)),
            )?;
            Ok(Page {
                pods: listed.items,
                resource_version: listed.metadata.resource_version.unwrap_or_default(),
                next: listed.metadata.continue_.filter(|token| !token.is_empty()),
            })
        })
    }

    fn watch<'a>(
        &'a self,
        namespace: &'a str,
        resource_version: &'a str,
        seconds: u32,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Change, ClusterError>>, ClusterError>> {
        Box::pin(async move {
            let operation = format!("watch pods in `{namespace}`");
            let parameters = WatchParams {
                bookmarks: true,
                ..WatchParams::default().labels(&managed()).timeout(seconds.max(1))
            };
            let opened = self.pods(namespace).await?.watch(&parameters, resource_version).await;
            let stream = self.note(opened.map_err(|error| ClusterError::from_kube(&operation, error)))?;
            Ok(stream
                .map(move |event| match event {
                    Ok(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => {
                        Ok(Change::Present(Box::new(pod)))
                    }
                    Ok(WatchEvent::Deleted(pod)) => Ok(Change::Gone(Box::new(pod))),
                    Ok(WatchEvent::Bookmark(bookmark)) => {
                        Ok(Change::Bookmark(bookmark.metadata.resource_version))
                    }
                    // 410 comes inside a 200 stream.
                    Ok(WatchEvent::Error(status)) => {
                        Err(ClusterError::from_kube(&operation, kube::Error::Api(status)))
                    }
                    Err(error) => Err(ClusterError::from_kube(&operation, error)),
                })
                .boxed())
        })
    }

    fn events<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        uid: &'a str,
    ) -> BoxFuture<'a, Result<Vec<EventFact>, ClusterError>> {
        Box::pin(async move {
            let events: Api<Event> = Api::namespaced(self.client().await?, namespace);
            let selector = format!("involvedObject.name={name},involvedObject.uid={uid}");
            let listed = events.list(&ListParams::default().fields(&selector).limit(PAGE)).await;
            let listed = self.note(listed.map_err(|error| {
                ClusterError::from_kube(format!("list events of pod `{namespace}/{name}`"), error)
            }))?;
            Ok(listed.items.iter().map(EventFact::of).collect())
        })
    }

    fn log<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        container: &'a str,
        follow: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, std::io::Result<Bytes>>, ClusterError>> {
        Box::pin(async move {
            let parameters = LogParams {
                container: Some(container.to_owned()),
                timestamps: true,
                follow,
                ..LogParams::default()
            };
            let opened = self.pods(namespace).await?.log_stream(name, &parameters).await;
            let operation = || format!("read the log of container `{container}` of pod `{namespace}/{name}`");
            let reader = self.note(opened.map_err(|error| ClusterError::from_kube(operation(), error)))?;
            let chunks = tokio_util::io::ReaderStream::with_capacity(reader.compat(), 64 * 1024);
            Ok(chunks.into_stream().boxed())
        })
    }

    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        container: &'a str,
        command: &'a [String],
    ) -> BoxFuture<'a, Result<Command, ClusterError>> {
        Box::pin(async move {
            self.note(exec::start(&self.client().await?, namespace, name, container, command).await)
        })
    }

    fn may<'a>(
        &'a self,
        namespace: &'a str,
        permission: Permission,
    ) -> BoxFuture<'a, Result<bool, ClusterError>> {
        Box::pin(async move {
            let reviews: Api<SelfSubjectAccessReview> = Api::all(self.client().await?);
            let attributes = ResourceAttributes {
                namespace: Some(namespace.to_owned()),
                resource: Some(permission.resource.to_owned()),
                subresource: permission.subresource.map(str::to_owned),
                verb: Some(permission.verb.to_owned()),
                ..ResourceAttributes::default()
            };
            let spec = SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            };
            let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
            let answer = reviews.create(&PostParams::default(), &review).await;
            let answer =
                self.note(answer.map_err(|error| ClusterError::from_kube("review access", error)))?;
            Ok(answer.status.is_some_and(|status| status.allowed))
        })
    }
}
