//! The tasks of a soak, and what the cluster does to them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use shared::run::diagnosis::Class;
use shared::run::result::RunResult;
use shared::run::state::State;
use tokio::time::Instant;

use crate::dice::Dice;
use crate::ground;
use crate::scene::Scene;

/// A label that the faults which happen to pods look for; the companion has it not.
const PRONE: (&str, &str) = ("soak", "prone");

/// A run that is to be cancelled is, so long after its submission.
const CANCEL_AFTER: Duration = Duration::from_secs(12);

/// What a task is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One line of log and an output variable.
    Echo,
    /// A file in, two files out.
    Files,
    /// Four MiB out.
    Large,
    /// Two MiB of log.
    Chatty,
    /// It fails at both attempts.
    Failing,
    /// It takes longer than it may.
    Slow,
    /// Somebody ends it.
    Cancelled,
    /// It is no task document.
    Unreadable,
}

/// Kinds, and how many in a hundred are of them.
const MIX: [(Kind, u64); 8] = [
    (Kind::Echo, 38),
    (Kind::Files, 20),
    (Kind::Large, 6),
    (Kind::Chatty, 6),
    (Kind::Failing, 10),
    (Kind::Slow, 8),
    (Kind::Cancelled, 8),
    (Kind::Unreadable, 4),
];

impl Kind {
    fn draw(dice: &mut Dice) -> Kind {
        let mut left = dice.below(100);
        for (kind, share) in MIX {
            if left < share {
                return kind;
            }
            left -= share;
        }
        Kind::Echo
    }

    fn task(self) -> Value {
        let (commands, more) = match self {
            Kind::Echo | Kind::Unreadable => (json!([r#"echo '::{"outputs":{"rows":3}}::'"#]), json!({})),
            Kind::Files => (
                json!(["mkdir -p out", "cp given.txt out/copy.txt", "seq 1 500 > out/more.txt"]),
                json!({"inputFiles": {"given.txt": "given\n"}, "outputFiles": ["out/**"]}),
            ),
            Kind::Large => {
                (json!(["head -c 4194304 /dev/urandom > large.bin"]), json!({"outputFiles": ["large.bin"]}))
            }
            Kind::Chatty => (json!(["seq 1 300000"]), json!({})),
            Kind::Failing => (
                json!(["echo failing >&2", "exit 3"]),
                json!({"retry": {"type": "constant", "interval": "PT2S", "maxAttempts": 2}}),
            ),
            Kind::Slow => (json!(["trap 'exit 143' TERM; sleep 600 & wait $!"]), json!({"timeout": "PT5S"})),
            Kind::Cancelled => (json!(["trap 'exit 143' TERM; sleep 600 & wait $!"]), json!({})),
        };
        let mut task = task(commands, json!({PRONE.0: PRONE.1}));
        if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
            task.extend(more);
        }
        if self == Kind::Unreadable {
            task["comands"] = json!([]);
        }
        task
    }

    fn ends_as(self) -> State {
        match self {
            Kind::Echo | Kind::Files | Kind::Large | Kind::Chatty => State::Succeeded,
            Kind::Failing => State::Failed,
            Kind::Slow => State::TimedOut,
            Kind::Cancelled => State::Cancelled,
            Kind::Unreadable => State::Rejected,
        }
    }
}

fn task(commands: Value, labels: Value) -> Value {
    json!({
        "id": "soak",
        "type": "io.kestra.plugin.scripts.shell.Commands",
        "containerImage": ground::busybox(),
        "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "labels": labels},
        "commands": commands,
    })
}

/// A run that says something every second and never ends; a command follows its log.
pub fn companion(run_id: &str) -> Value {
    let commands = json!(["trap 'exit 143' TERM; while :; do date; sleep 1 & wait $!; done"]);
    let mut task = task(commands, json!({}));
    task["id"] = json!("companion");
    task["taskRunner"]["waitUntilCompletion"] = json!("PT3H");
    json!({"task": task, "runId": run_id})
}

/// What goes wrong, and how often. The bystander's requests are left alone, and so are those that name the companion.
pub fn faults(seed: u64) -> Value {
    let requests = json!({"userAgent": "", "name": "*soak*"});
    let pods = json!({"labels": {PRONE.0: PRONE.1}});
    let request = |kind: &str, probability: f64, with: Value| json!({"kind": kind, "match": requests, "when": {"probability": probability}, "with": with});
    let watch = |kind: &str, probability: f64, with: Value| json!({"kind": kind, "match": {"userAgent": ""}, "when": {"probability": probability}, "with": with});
    let pod = |kind: &str, probability: f64, with: Value| json!({"kind": kind, "match": pods, "when": {"probability": probability}, "with": with});
    json!({"seed": seed % 1_000_000, "faults": [
        request("Latency", 0.05, json!({"milliseconds": 400})),
        request("TooManyRequests", 0.02, json!({"retryAfterSeconds": 1})),
        request("ServerError", 0.02, json!({"code": 500})),
        request("ServerError", 0.01, json!({"code": 503})),
        request("ConnectionReset", 0.02, json!({"effect": "None"})),
        request("ConnectionReset", 0.02, json!({"effect": "Done"})),
        request("LogCut", 0.05, json!({"afterBytes": 3000})),
        request("ExecCut", 0.05, json!({"afterBytes": 3000})),
        watch("WatchEnds", 0.4, json!({"afterEvents": 20})),
        watch("WatchExpires", 0.2, json!({"afterEvents": 10})),
        pod("ImagePull", 0.03, json!({"problem": "RateLimited", "pulls": 1})),
        pod("OomKilled", 0.02, json!({"victim": "Container"})),
        pod("Evicted", 0.02, json!({})),
        pod("Deleted", 0.02, json!({})),
    ]})
}

/// What was sent, and what has struck it.
#[derive(Default)]
pub struct Load {
    sent: BTreeMap<String, Kind>,
    to_cancel: Vec<(Instant, String)>,
    strikes: BTreeMap<String, u64>,
}

impl Load {
    /// Send the next task.
    pub async fn next(&mut self, scene: &Scene, dice: &mut Dice) -> Result<()> {
        let kind = Kind::draw(dice);
        let run_id = format!("soak-{:05}", self.sent.len());
        if kind == Kind::Unreadable {
            // Without a run id of its own: it is kept under that of its message.
            let id = scene.submit(&json!({"task": kind.task()}).to_string()).await?;
            self.sent.insert(id, kind);
            return Ok(());
        }
        scene.submit(&json!({"task": kind.task(), "runId": run_id}).to_string()).await?;
        if kind == Kind::Cancelled {
            self.to_cancel.push((Instant::now() + CANCEL_AFTER, run_id.clone()));
        }
        self.sent.insert(run_id, kind);
        Ok(())
    }

    /// Cancel whose time has come.
    pub async fn cancel_due(&mut self, scene: &Scene) -> Result<()> {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.to_cancel).into_iter().partition(|(at, _)| *at <= now);
        self.to_cancel = later;
        let due: Vec<(Instant, String)> = due;
        for (_, run_id) in due {
            let body = json!({"cancel": {"runId": run_id, "reason": "the soak wants it"}}).to_string();
            scene.stack.cloud.send(&scene.stack.endpoints.cancel_queue, &body).await?;
        }
        Ok(())
    }

    /// Whether everybody who is to be cancelled was.
    pub fn nobody_waits(&self) -> bool {
        self.to_cancel.is_empty()
    }

    /// What was sent, by run id.
    pub fn sent(&self) -> impl Iterator<Item = (&String, &Kind)> {
        self.sent.iter()
    }

    /// Add what a plan has done.
    pub fn struck(&mut self, report: &Value) {
        for (kind, struck) in super::strikes(report) {
            *self.strikes.entry(kind).or_default() += struck;
        }
    }

    /// In words: what was sent and how it ended, and what the cluster did.
    pub fn outcome(&self, results: &BTreeMap<String, Vec<u8>>) -> Result<String> {
        let mut ends: BTreeMap<(Kind, String), usize> = BTreeMap::new();
        for (run_id, kind) in &self.sent {
            let Some(bytes) = results.get(run_id) else { continue };
            let result: RunResult = serde_json::from_slice(bytes)?;
            let cause = result.diagnosis.map(|found| format!(" {:?}", found.cause)).unwrap_or_default();
            *ends.entry((*kind, format!("{}{cause}", result.state))).or_default() += 1;
        }
        let lines: Vec<String> =
            ends.iter().map(|((kind, end), count)| format!("  {count:>4} {kind:?}: {end}")).collect();
        Ok(format!("{} submissions\n{}\nfaults: {:?}", self.sent.len(), lines.join("\n"), self.strikes))
    }
}

/// What is wrong with the end of a run: it ends as its task does, or the cluster is to blame and says so.
pub fn wrong(run_id: &str, kind: Kind, bytes: &[u8]) -> Result<Option<String>> {
    let result: RunResult = serde_json::from_slice(bytes)?;
    let is_blamed = result.diagnosis.as_ref().is_some_and(|found| {
        // A container that the fault killed for its memory looks like a task that needs more.
        found.class == Class::Infrastructure || format!("{:?}", found.cause) == "OomKilled"
    });
    let as_wanted = result.state == kind.ends_as() || (result.state == State::Failed && is_blamed);
    Ok((!as_wanted).then(|| format!("{run_id} ({kind:?}): {} {:?}", result.state, result.diagnosis)))
}
