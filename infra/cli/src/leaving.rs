//! Leaving nothing behind after a cancelled run, on a stack that goes on.

use std::time::Duration;

use crate::clock::Stopwatch;
use crate::cluster;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// A pod's usual grace, and a little.
const GONE_WITHIN: Duration = Duration::from_secs(45);
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// Wait until the pod of a cancelled run is gone; kill it when that takes too long or somebody asks again.
pub async fn wait(
    client: Option<&kube::Client>,
    pod: Option<&(String, String)>,
    progress: &mut Progress,
    interrupt: &Interrupt,
) {
    let (Some(client), Some((namespace, name))) = (client, pod) else { return };
    progress.begin("clean", &format!("waiting for pod {namespace}/{name} to go"));
    let since = Stopwatch::start();
    while is_there(client, namespace, name).await {
        if since.elapsed() > GONE_WITHIN || interrupt.count() > 1 {
            cluster::kill(client, namespace, name).await;
            break;
        }
        tokio::select! {
            () = interrupt.reached(2) => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    progress.done("the pod is gone");
}

/// Delete the pod without its grace.
pub async fn kill(client: Option<&kube::Client>, pod: Option<&(String, String)>, progress: &mut Progress) {
    progress.failed("stopped at once");
    if let (Some(client), Some((namespace, name))) = (client, pod) {
        progress.begin("clean", &format!("deleting pod {namespace}/{name}"));
        cluster::kill(client, namespace, name).await;
        progress.done("the pod is deleted");
    }
}

/// A cluster that does not answer counts as one without the pod.
async fn is_there(client: &kube::Client, namespace: &str, name: &str) -> bool {
    matches!(cluster::pods(client, namespace).get_opt(name).await, Ok(Some(_)))
}
