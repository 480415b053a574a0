//! `collect`: a gibibyte, twenty thousand small files, a long log; against `kubectl exec … tar` on the same cluster.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use shared::pod::{OUT_CARRIER, WORKING_DIR};
use shared::store::keys;
use tokio::process::Command;

use crate::book::{Chapter, Goal, Row, Samples};
use crate::desk::bystander::Bystander;
use crate::desk::function::Function;
use crate::desk::queue::{Message, batch};
use crate::desk::{Desk, GROUP, NAMESPACE, ms, now, until};

/// Bytes of the large file.
const LARGE: u64 = 1 << 30;
/// How often it is brought back, in both ways.
const ROUNDS: usize = 3;
/// Files of the second case.
const SMALL: u64 = 20_000;
/// Bytes of the log.
const LOG: u64 = 9 << 20;
/// Bytes of the file that is asked for, beside one that is not.
const WANTED: u64 = 8 << 20;
/// What the function may take.
const WITHIN: Duration = Duration::from_secs(300);

/// Measure.
pub async fn measure(chapter: &mut Chapter) -> Result<()> {
    let desk = Desk::start(None).await?;
    let place = Place {
        submit: desk.function("submit").await?,
        bystander: Bystander::begin(desk.cluster.store()),
        desk,
    };
    large(chapter, &place).await?;
    let mib = (1u64 << 20) as f64;
    let small = format!("mkdir out; seq {SMALL} | while read n; do echo small > out/$n.txt; done");
    let taken = place.collect("small", &small, &["out/**"]).await?;
    let stored = place.desk.cloud.objects().below(&keys::attempt("small", 1, "outputs/")).0;
    ensure!(stored == SMALL, "{stored} of {SMALL} files are there");
    chapter.rows.extend([
        Row::new("collect, 20,000 small files: memory", taken.peak_mib, "MiB").with(Goal::AtMost(96.0)),
        Row::new("collect, 20,000 small files: time", taken.took.as_secs_f64(), "s"),
    ]);
    let log = format!("yes 'a line of the log, about as long as lines are in logs' | head -c {LOG}");
    let taken = place.collect("log", &log, &[]).await?;
    chapter.rows.extend([
        Row::new("collect, 9 MiB of log: memory", taken.peak_mib, "MiB").with(Goal::AtMost(96.0)),
        Row::new("collect, 9 MiB of log: time", ms(taken.took), "ms"),
    ]);
    let partly = format!("head -c {WANTED} /dev/zero > wanted; head -c {} /dev/zero > other", WANTED * 32);
    let taken = place.collect("partly", &partly, &["wanted"]).await?;
    chapter.rows.push(
        Row::new("collect, 8 of 264 MiB asked for: received", taken.received as f64 / mib, "MiB")
            .with(Goal::AtMost(WANTED as f64 / mib * 1.05)),
    );
    place.desk.end().await;
    Ok(())
}

async fn large(chapter: &mut Chapter, place: &Place) -> Result<()> {
    let (mut rates, mut kubectl, mut ratios, mut peak, mut cpu) =
        (Vec::new(), Vec::new(), Vec::new(), 0f64, Vec::new());
    let megabytes = LARGE as f64 / 1e6;
    for round in 0..ROUNDS {
        let run_id = format!("large-{round}");
        place.run(&run_id, &format!("head -c {LARGE} /dev/zero > large"), &["large"]).await?;
        let bare = megabytes / place.by_kubectl(&run_id).await?.as_secs_f64();
        let taken = place.fetch(&run_id).await?;
        let ours = megabytes / taken.took.as_secs_f64();
        rates.push(ours);
        kubectl.push(bare);
        ratios.push(ours / bare);
        cpu.push(taken.cpu.as_secs_f64());
        peak = peak.max(taken.peak_mib);
    }
    chapter.rows.extend([
        Row::new("collect, 1 GiB: memory", peak, "MiB").with(Goal::AtMost(96.0)),
        Row::median("collect, 1 GiB: throughput, log and result included", &Samples::of(rates), "MB/s"),
        Row::median("kubectl exec tar of the same to /dev/null", &Samples::of(kubectl), "MB/s"),
        Row::median("collect, 1 GiB: ratio to kubectl", &Samples::of(ratios), "").with(Goal::AtLeast(0.7)),
        Row::median("collect, 1 GiB: processor time of the function", &Samples::of(cpu), "s"),
    ]);
    Ok(())
}

/// Where pods run and are collected from.
struct Place {
    desk: Desk,
    submit: Function,
    bystander: Bystander,
}

/// What a collection took.
struct Taken {
    took: Duration,
    cpu: Duration,
    peak_mib: f64,
    /// Bytes that the API server sent.
    received: u64,
}

impl Place {
    /// Run a task to the end of its command.
    async fn run(&self, run_id: &str, command: &str, outputs: &[&str]) -> Result<()> {
        let body = json!({"runId": run_id, "task": {
            "id": "bench", "type": "io.kestra.plugin.scripts.shell.Commands", "containerImage": "busybox",
            "commands": [command], "outputFiles": outputs,
            "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes"},
        }});
        let message = Message::new("submissions", run_id, body.to_string());
        self.submit.invoke(&batch(&[message]), Duration::from_secs(60)).await?;
        let has_ended = || self.bystander.of(run_id).is_some_and(|moments| moments.finished.is_some());
        until("the task has ended", Duration::from_secs(120), has_ended).await
    }

    /// Bring back what a run has left, by a new instance that is warm.
    async fn fetch(&self, run_id: &str) -> Result<Taken> {
        let function = self.desk.function("collect").await?;
        let message = |run_id: &str| {
            let body = json!({"group": GROUP, "runId": run_id});
            batch(&[Message::new("collect", run_id, body.to_string())])
        };
        function.invoke(&message("nobody"), Duration::from_secs(60)).await?;
        let (wire, cpu) = (self.desk.cluster.traffic().tally(), function.process().cpu());
        function.process().forget_peak()?;
        let begun = now();
        function.invoke(&message(run_id), WITHIN).await?;
        let took = begun.elapsed();
        let result = self.desk.cloud.objects().read(&keys::result(run_id)).context("no result")?;
        let state =
            serde_json::from_slice::<Value>(&result).ok().and_then(|result| result.get("state").cloned());
        // A result with very many files is too large to be kept.
        ensure!(
            state.is_none_or(|state| state == "SUCCEEDED"),
            "{run_id}: {}",
            String::from_utf8_lossy(&result)
        );
        Ok(Taken {
            took,
            cpu: function.process().cpu() - cpu,
            peak_mib: function.process().peak_mib()?,
            received: self.desk.cluster.traffic().tally().since(wire).sent,
        })
    }

    async fn collect(&self, run_id: &str, command: &str, outputs: &[&str]) -> Result<Taken> {
        self.run(run_id, command, outputs).await?;
        self.fetch(run_id).await
    }

    /// The way that people go: `kubectl exec` of `tar`, to nowhere.
    async fn by_kubectl(&self, run_id: &str) -> Result<Duration> {
        let record = self.desk.cloud.objects().read(&keys::record(GROUP, run_id)).context("no record")?;
        let record: Value = serde_json::from_slice(&record)?;
        let pod = record.pointer("/attempt/podName").and_then(Value::as_str).context("no pod")?;
        let begun = now();
        let status = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(self.desk.kubeconfig())
            .args(["exec", "--namespace", NAMESPACE, pod, "--container", OUT_CARRIER, "--"])
            .args(["tar", "-C", WORKING_DIR, "-cf", "-", "large"])
            .stdout(Stdio::null())
            .status()
            .await
            .context("kubectl is not there")?;
        ensure!(status.success(), "kubectl fails");
        Ok(begun.elapsed())
    }
}
