//! What Longshore does in a cluster. One implementation speaks to a real API server; tests may bring another.

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use tokio::io::AsyncRead;

use super::error::ClusterError;
use crate::run::observation::EventFact;

/// A pod that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedPod {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.creationTimestamp`.
    pub created_at: Option<Timestamp>,
}

/// One page of pods.
#[derive(Debug, Default)]
pub struct Page {
    /// The pods.
    pub pods: Vec<Pod>,
    /// Where a watch may begin.
    pub resource_version: String,
    /// Token of the next page.
    pub next: Option<String>,
}

/// Something that happened to a pod.
#[derive(Debug)]
pub enum Change {
    /// It is new or different.
    Present(Box<Pod>),
    /// It is gone; its last state.
    Gone(Box<Pod>),
    /// Nothing, but the watch has come this far.
    Bookmark(String),
}

impl Change {
    /// How far the watch has come with it.
    pub fn version(&self) -> Option<&str> {
        match self {
            Change::Present(pod) | Change::Gone(pod) => pod.metadata.resource_version.as_deref(),
            Change::Bookmark(version) => Some(version),
        }
    }
}

/// A command that runs in a container.
pub struct Command {
    /// Its standard output; must be read to the end before `outcome` is asked.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// How it ended, with the last 4 KiB of standard error in the error's words.
    pub outcome: BoxFuture<'static, Result<(), ClusterError>>,
}

/// One thing that a role may or may not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Permission {
    /// `pods`, `events`.
    pub resource: &'static str,
    /// `log`, `exec`, or nothing.
    pub subresource: Option<&'static str>,
    /// `get`, `create` …
    pub verb: &'static str,
}

/// The cluster of a group.
pub trait Cluster: Send + Sync {
    /// POST a pod.
    fn create<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a Value,
    ) -> BoxFuture<'a, Result<CreatedPod, ClusterError>>;
    /// GET a pod; `None` when there is none of that name.
    fn get<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Pod>, ClusterError>>;
    /// DELETE this very pod (precondition on the uid), with its own grace unless told otherwise. Gone or another by now is fine.
    fn delete<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        uid: &'a str,
        grace_seconds: Option<u32>,
    ) -> BoxFuture<'a, Result<(), ClusterError>>;
    /// A page of Longshore's pods.
    fn list<'a>(
        &'a self,
        namespace: &'a str,
        field_selector: Option<&'a str>,
        page: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Page, ClusterError>>;
    /// What happens to Longshore's pods from a resourceVersion on. Ends by itself after `seconds`.
    fn watch<'a>(
        &'a self,
        namespace: &'a str,
        resource_version: &'a str,
        seconds: u32,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Change, ClusterError>>, ClusterError>>;
    /// Events about a pod.
    fn events<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        uid: &'a str,
    ) -> BoxFuture<'a, Result<Vec<EventFact>, ClusterError>>;
    /// The log of a container so far, or to its end, every line with its time.
    fn log<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        container: &'a str,
        follow: bool,
    ) -> BoxFuture<'a, Result<BoxStream<'static, std::io::Result<Bytes>>, ClusterError>>;
    /// Run a command in a container.
    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        container: &'a str,
        command: &'a [String],
    ) -> BoxFuture<'a, Result<Command, ClusterError>>;
    /// Ask whether the role allows something.
    fn may<'a>(
        &'a self,
        namespace: &'a str,
        permission: Permission,
    ) -> BoxFuture<'a, Result<bool, ClusterError>>;
}
