//! Runs to every end, and everything that was written on the way.

use std::time::Duration;

use anyhow::Result;
use fixtures::answers::Heard;
use fixtures::queues::Sent;
use fixtures::world::World;
use serde_json::json;
use shared::pod::{self, Grants, PodIdentity};
use shared::run::record::Record;
use shared::run::state::State;

use super::canary::{Canary, assert_silent};
use super::log::Log;
use super::places::{Submission, submissions};

/// How a run is brought to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Success,
    Failure,
    Cancel,
    Successor,
}

impl End {
    fn command(self) -> &'static str {
        match self {
            End::Success => "echo hello",
            End::Failure | End::Successor => "echo hello; exit 3",
            End::Cancel => "trap 'exit 0' TERM; sleep 600 & wait",
        }
    }

    fn state(self) -> State {
        match self {
            End::Success => State::Succeeded,
            End::Failure | End::Successor => State::Failed,
            End::Cancel => State::Cancelled,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_told_by_the_active_record_alone_and_by_nothing_when_the_run_has_ended() -> Result<()> {
    let log = Log::listen();
    let world = World::new().await?;
    let mut all = Vec::new();
    for end in [End::Success, End::Failure, End::Cancel, End::Successor] {
        for mut submission in submissions(&format!("{end:?}"), end.command()) {
            if end == End::Successor {
                let behavior = json!({"type": "constant", "interval": "PT0.1S", "maxAttempts": 2, "behavior": "CREATE_NEW_EXECUTION"});
                submission.envelope["task"]["retry"] = behavior;
            }
            run(&world, end, &submission).await?;
            all.extend(submission.canaries());
        }
    }
    for key in world.bucket.keys() {
        assert!(!key.starts_with("active/") && !key.starts_with("heartbeats/"), "{key} is left");
        assert_silent(&String::from_utf8_lossy(&world.bucket.read(&key).unwrap()), &all, &key);
    }
    let text = log.text();
    assert!(text.contains("the pod is created") && text.contains("the run has ended"), "the log was heard");
    assert_silent(&text, &all, "the log");
    for heard in world.answers.heard() {
        let (kind, text) = match &heard {
            Heard::Reply(_, reply) => ("a reply", format!("{reply:?}")),
            Heard::Message(message) => ("a message", message.body.clone()),
            Heard::Event(detail) => ("an event", detail.clone()),
            Heard::Heartbeat(_) => continue,
        };
        assert_silent(&text, &all, kind);
    }
    world.shutdown().await;
    Ok(())
}

/// Submit, look at what is there while the run lives, bring it to its end, and have everything tidied up.
async fn run(world: &World, end: End, submission: &Submission) -> Result<()> {
    let run_id = submission.envelope["runId"].as_str().unwrap().to_owned();
    let canaries = submission.canaries();
    world.submit(&format!("m-{run_id}"), &submission.envelope).await?;
    let (key, record) = record_of(world, &run_id);
    let stored = world.bucket.read(&key).unwrap();
    for canary in &canaries {
        let told = canary.told_by(&String::from_utf8_lossy(&stored)).is_some();
        assert!(told, "{} is not kept: what is tested?", canary.place);
    }
    assert_only_in(world, &canaries, &[&key]);
    // Certificates are for everybody; they are left out of problems because people mix them up with keys.
    let is_private = |canary: &&Canary| !canary.place.ends_with("CertData");
    let private: Vec<Canary> = submission.secrets.iter().filter(is_private).cloned().collect();
    assert_silent(&format!("{record:?}"), &private, "Debug of the record");
    let identity = PodIdentity { run_id: &run_id, attempt: 1, submission_hash: "h", group: &record.group };
    let pod =
        pod::build(&record.plan, &identity, Grants { manifest_url: None, grants_url: None }).to_string();
    assert_silent(&pod, &submission.secrets, "the rendered pod");
    assert!(submission.variable.told_by(&pod).is_some(), "the pod has its variable");
    if end == End::Cancel {
        world.cancel(&run_id).await?;
    }
    let mut last = run_id.clone();
    for _ in 0..60 {
        world.poll(&record.group, Duration::from_millis(1200)).await?;
        deliver(world, &submission.secrets).await?;
        match world.result(&last).map(|result| result.superseded_by) {
            Some(Some(successor)) => {
                assert_only_in(world, &canaries, &[&key, &record_of(world, &successor).0]);
                last = successor;
            }
            Some(None) => break,
            None => {}
        }
    }
    assert_eq!(world.result(&last).map(|result| result.state), Some(end.state()), "{run_id}");
    assert_eq!(last != run_id, end == End::Successor, "{run_id}");
    world.deliver_events().await?;
    deliver(world, &submission.secrets).await?;
    for _ in 0..10 {
        world.bucket.age(Duration::from_secs(700));
        world.poll(&record.group, Duration::from_millis(1200)).await?;
        deliver(world, &submission.secrets).await?;
        if !world.bucket.keys().iter().any(|key| key.starts_with("active/")) {
            return Ok(());
        }
    }
    Err(anyhow::anyhow!("{run_id}: {:?}", world.bucket.keys()))
}

/// What is sent between the functions tells nothing but a token or a queue to whom it belongs.
async fn deliver(world: &World, secrets: &[Canary]) -> Result<()> {
    for sent in world.queues.look() {
        let text = match &sent {
            Sent::HandIn(triggered) => serde_json::to_string(triggered)?,
            Sent::CarryOn(run, _) | Sent::LookAt(run, _) => serde_json::to_string(run)?,
            Sent::Wake { group, window } => format!("{group} {window}"),
            Sent::Answer(request) => request.run_id.clone(),
        };
        assert_silent(&text, secrets, "a message");
        assert_silent(&format!("{sent:?}"), secrets, "Debug of a message");
    }
    world.deliver().await.map(drop)
}

fn record_of(world: &World, run_id: &str) -> (String, Record) {
    let ending = format!("/{run_id}.json");
    let keys = world.bucket.keys();
    let key = keys.into_iter().find(|key| key.starts_with("active/") && key.ends_with(&ending)).unwrap();
    let record = serde_json::from_slice(&world.bucket.read(&key).unwrap()).unwrap();
    (key, record)
}

fn assert_only_in(world: &World, canaries: &[Canary], keys: &[&str]) {
    for key in world.bucket.keys().iter().filter(|key| !keys.contains(&key.as_str())) {
        assert_silent(&String::from_utf8_lossy(&world.bucket.read(key).unwrap()), canaries, key);
        assert_silent(key, canaries, "a key");
    }
}
