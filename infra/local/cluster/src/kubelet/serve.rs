//! Logs, exec and attach for the API server.

use super::Kubelet;
use super::exec;
use super::log::Log;
use super::log_reader;
use super::view::Seen;
use crate::clock;
use crate::node::{ContainerRef, ExecOptions, ExecSession, Exit, LogOptions, Node, NodeError, Output};
use crate::store::{Kind, text};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Pieces of a log under way before the reader has to wait.
const QUEUE: usize = 16;

impl Kubelet {
    /// Whether the node answers at all.
    fn answers(&self) -> Result<(), NodeError> {
        if self.host.config.faults.node_is_silent() { Err(NodeError::Unreachable) } else { Ok(()) }
    }

    fn seen(&self, container: &ContainerRef) -> Option<Seen> {
        let view = self.pods.lock().get(&container.uid).map(|worker| worker.view.clone())?;
        Some(view.get(&container.container))
    }

    fn log(&self, container: &ContainerRef, previous: bool) -> Result<Arc<Log>, NodeError> {
        let name = &container.container;
        let seen = self.seen(container);
        if seen.is_none() && self.has_turned_away(container) {
            let pod = &container.pod;
            return Err(NodeError::Other(format!("container \"{name}\" in pod \"{pod}\" is not available")));
        }
        let seen = seen.unwrap_or_default();
        if previous {
            return seen.previous.ok_or_else(|| NodeError::NoPrevious(name.clone()));
        }
        if seen.is_lost {
            let pod = &container.pod;
            return Err(NodeError::Other(format!("container \"{name}\" in pod \"{pod}\" is terminated")));
        }
        seen.log.ok_or_else(|| NodeError::Waiting {
            container: name.clone(),
            reason: match seen.waiting.as_deref() {
                Some("ErrImagePull") => "image can't be pulled".into(),
                Some("ImagePullBackOff") => "trying and failing to pull image".into(),
                reason => reason.unwrap_or("ContainerCreating").into(),
            },
        })
    }

    /// Whether the pod ended before it had containers.
    fn has_turned_away(&self, container: &ContainerRef) -> bool {
        let pod = self.host.store.get(Kind::Pod, &container.namespace, &container.pod);
        pod.is_some_and(|pod| {
            text(&pod, "/status/phase") == "Failed" && pod.pointer("/status/containerStatuses").is_none()
        })
    }

    fn follow_from_now(
        &self,
        container: &ContainerRef,
        options: &ExecOptions,
    ) -> Result<ExecSession, NodeError> {
        if options.tty || options.stdin {
            return Err(NodeError::Unsupported("attach with standard input or a terminal".into()));
        }
        let not_running = || NodeError::NotRunning(container.container.clone());
        let seen = self.seen(container).filter(|seen| seen.target.is_some()).ok_or_else(not_running)?;
        let log = seen.log.ok_or_else(not_running)?;
        let options = LogOptions { follow: true, since: Some(clock::now()), ..LogOptions::default() };
        let mut pieces = stream(log, options);
        let (sender, output) = mpsc::channel(QUEUE);
        let (exit_sender, exit) = oneshot::channel();
        tokio::spawn(async move {
            while let Some(piece) = pieces.recv().await {
                if sender.send(Output::Stdout(piece)).await.is_err() {
                    break;
                }
            }
            drop(sender);
            // Whatever the container's exit code: the attachment went well.
            let _ = exit_sender.send(Exit::Code(0));
        });
        Ok(ExecSession { stdin: None, output, exit })
    }
}

fn stream(log: Arc<Log>, options: LogOptions) -> mpsc::Receiver<Bytes> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    tokio::spawn(async move {
        if let Err(error) = log_reader::read(log, options, sender).await {
            tracing::warn!(%error, "a log could not be read");
        }
    });
    receiver
}

impl Node for Kubelet {
    fn logs(
        &self,
        container: ContainerRef,
        options: LogOptions,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<Bytes>, NodeError>> {
        let log = self.answers().and_then(|()| self.log(&container, options.previous));
        ready(log.map(|log| stream(log, options))).boxed()
    }

    fn exec(
        &self,
        container: ContainerRef,
        options: ExecOptions,
    ) -> BoxFuture<'_, Result<ExecSession, NodeError>> {
        let target = self.seen(&container).and_then(|seen| seen.target);
        let target = self.answers().and_then(|()| target.ok_or(NodeError::NotRunning(container.container)));
        async move { exec::open(&target?, options) }.boxed()
    }

    fn attach(
        &self,
        container: ContainerRef,
        options: ExecOptions,
    ) -> BoxFuture<'_, Result<ExecSession, NodeError>> {
        ready(self.answers().and_then(|()| self.follow_from_now(&container, &options))).boxed()
    }
}
