//! What Longshore is compared with: the same client that creates pods and does nothing else, in a process of its own.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::StreamExt as _;
use serde_json::Value;
use shared::clock::SystemClock;
use shared::cluster::client::Cluster as _;
use shared::cluster::kube::{Credentials, KubeCluster};
use shared::cluster::kubeconfig;

use crate::desk::{NAMESPACE, now};

/// Tells this program that it is the bare client.
pub const ARGUMENT: &str = "create-bare-pods";

/// Requests under way at once.
pub const IN_FLIGHT: usize = 10;

/// Pods to create.
pub struct Order<'a> {
    /// How the cluster is reached.
    pub kubeconfig: &'a Path,
    /// The pod, whose name gets a number.
    pub pod: &'a Path,
    /// Beginning of the names.
    pub prefix: &'a str,
    /// How many.
    pub count: usize,
}

impl Order<'_> {
    /// Have them created by another process; how long it took, from its first request to its last answer.
    pub async fn carry_out(&self) -> Result<Duration> {
        let output = tokio::process::Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .args([self.kubeconfig, self.pod])
            .args([self.prefix, &self.count.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .await?;
        ensure!(output.status.success(), "the bare client fails");
        let seconds = String::from_utf8(output.stdout)?.trim().parse()?;
        Ok(Duration::from_secs_f64(seconds))
    }
}

/// Be that process.
#[expect(clippy::print_stdout, reason = "this is how it answers")]
pub async fn serve(mut arguments: impl Iterator<Item = String>) -> Result<()> {
    let mut next = || arguments.next().context("an argument is missing");
    let (file, pod, prefix, count) = (next()?, next()?, next()?, next()?.parse::<usize>()?);
    let connection = kubeconfig::connection(Path::new(&file), None)?;
    let client = Arc::new(KubeCluster::new(Credentials::plain(connection), Arc::new(SystemClock)));
    let pod: Value = serde_json::from_slice(&std::fs::read(pod)?)?;
    // The connection is there before the time is taken, as it is for a warm function.
    client.get(NAMESPACE, "nobody").await?;
    let begun = now();
    let created = futures::stream::iter(0..count).map(|number| {
        let (client, mut pod) = (client.clone(), pod.clone());
        let name = format!("{prefix}-{number}");
        async move {
            if let Some(own) = pod.pointer_mut("/metadata/name") {
                *own = name.into();
            }
            client.create(NAMESPACE, &pod).await
        }
    });
    let created: Vec<_> = created.buffer_unordered(IN_FLIGHT).collect().await;
    let took = begun.elapsed();
    for outcome in created {
        outcome?;
    }
    println!("{}", took.as_secs_f64());
    Ok(())
}
