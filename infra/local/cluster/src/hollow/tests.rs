use super::*;
use crate::node::{Exit, Output};
use crate::store::set;
use futures::StreamExt;
use serde_json::json;
use tokio_tar::Archive;

/// Nothing takes longer, on a busy machine either.
const SOON: Duration = Duration::from_secs(30);

fn pod(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut pod = json!({
        "metadata": {"name": name, "namespace": "n"},
        "spec": {"nodeName": "node", "restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]},
        "status": {"phase": "Pending"},
    });
    change(&mut pod);
    pod
}

fn script(text: Value) -> Script {
    serde_json::from_value(text).unwrap()
}

fn container(pod: &Value, name: &str) -> ContainerRef {
    ContainerRef {
        namespace: "n".into(),
        pod: text(pod, "/metadata/name").into(),
        uid: text(pod, "/metadata/uid").into(),
        container: name.into(),
    }
}

/// The first state of the pod that is as wanted.
async fn seen(store: &Store, name: &str, is_wanted: impl Fn(&Value) -> bool) -> Arc<Value> {
    let mut versions = store.versions();
    let looking = async {
        loop {
            if let Some(pod) = store.get(Kind::Pod, "n", name).filter(|pod| is_wanted(pod)) {
                return pod;
            }
            versions.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, looking).await.expect("the pod never came to that")
}

fn is(phase: &'static str) -> impl Fn(&Value) -> bool {
    move |pod| text(pod, "/status/phase") == phase
}

async fn gone(store: &Store, name: &str) {
    let mut versions = store.versions();
    let looking = async {
        while store.get(Kind::Pod, "n", name).is_some() {
            versions.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, looking).await.expect("the pod never went");
}

fn delete(store: &Store, name: &str, grace_seconds: u64) {
    store
        .update(Kind::Pod, "n", name, None, |pod| {
            let metadata = pod.get_mut("metadata").unwrap();
            set(metadata, "deletionTimestamp", json!("2026-11-21T02:28:54Z"));
            set(metadata, "deletionGracePeriodSeconds", json!(grace_seconds));
        })
        .unwrap();
}

#[tokio::test]
async fn a_pod_without_a_rule_runs_and_succeeds_with_the_statuses_of_the_kubelet() {
    let store = Store::new();
    let hollow = Hollow::start(store.clone(), "node", Script::default()).unwrap();
    let mut changes = store.subscribe();
    store
        .create(Kind::Pod, pod("a", |pod| pod["spec"]["initContainers"] = json!([{"name": "before"}])))
        .unwrap();
    seen(&store, "a", is("Succeeded")).await;
    let mut phases = Vec::new();
    while let Ok(change) = changes.try_recv() {
        let phase = text(&change.object, "/status/phase").to_owned();
        let state = change.object["status"]["containerStatuses"][0]["state"].as_object().cloned();
        phases.push((phase, state.and_then(|state| Some(state.keys().next()?.clone())).unwrap_or_default()));
        if text(&change.object, "/status/phase") == "Running" {
            assert_eq!(
                text(&change.object, "/status/initContainerStatuses/0/state/terminated/reason"),
                "Completed"
            );
            assert_eq!(change.object["status"]["containerStatuses"][0]["ready"], true);
            assert_eq!(
                text(&change.object["status"]["conditions"], "/2/type"),
                "Ready",
                "{}",
                change.object["status"]["conditions"]
            );
        }
    }
    let expected =
        [("Pending", ""), ("Pending", "waiting"), ("Running", "running"), ("Succeeded", "terminated")];
    assert_eq!(phases, expected.map(|(phase, state)| (phase.to_owned(), state.to_owned())));
    hollow.shutdown().await;
}

#[tokio::test]
async fn the_first_rule_that_matches_says_what_happens() {
    let store = Store::new();
    let rules = json!({"rules": [
        {"match": {"name": "fat-*", "labels": {"size": "x*"}, "annotations": {"a/b": "?"}}, "steps": [
            {"turn": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
             "event": {"warning": true, "reason": "Failed", "message": "Error: ImagePullBackOff"}},
            {"turn": {"running": {"ready": false}}},
            {"turn": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "too much"}}}]},
        {"match": {"name": "evicted"}, "steps": [
            {"turn": {"running": {}}}, {"turn": {"failed": {"reason": "Evicted", "message": "disk"}}}]},
        {"match": {"name": "late"}, "steps": [{"turn": {"running": {}}}]},
    ]});
    let _hollow = Hollow::start(store.clone(), "node", script(rules)).unwrap();
    let mut changes = store.subscribe();
    for name in ["fat-1", "fat-2", "evicted", "late"] {
        let fat = pod(name, |pod| {
            pod["metadata"]["labels"] = json!({"size": "xl"});
            if name != "fat-2" {
                pod["metadata"]["annotations"] = json!({"a/b": "c"});
            }
            if name == "late" {
                pod["spec"]["activeDeadlineSeconds"] = json!(1);
            }
        });
        store.create(Kind::Pod, fat).unwrap();
    }
    let fat = seen(&store, "fat-1", is("Failed")).await;
    let ended = &fat["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((&ended["exitCode"], &ended["reason"]), (&json!(137), &json!("OOMKilled")));
    assert_eq!(ended["message"], "too much");
    let evicted = seen(&store, "evicted", is("Failed")).await;
    assert_eq!(text(&evicted, "/status/reason"), "Evicted");
    assert_eq!(evicted["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 137);
    let late = seen(&store, "late", is("Failed")).await;
    assert_eq!(text(&late, "/status/reason"), "DeadlineExceeded");
    // Another annotation, another rule.
    seen(&store, "fat-2", is("Succeeded")).await;
    let mut unready = false;
    let mut waited = false;
    while let Ok(change) = changes.try_recv() {
        let status = &change.object["status"]["containerStatuses"][0];
        unready |= status["state"].get("running").is_some() && status["ready"] == false;
        waited |= text(status, "/state/waiting/reason") == "ImagePullBackOff";
    }
    assert!(waited, "it never waited for its image");
    assert!(unready, "it was never unready");
    let (events, _) = store.list(Kind::Event, Some("n"));
    let told: Vec<_> = events.iter().filter(|event| text(event, "/reason") == "Failed").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["count"], 1, "a pod that has ended does not begin again");
}

#[tokio::test]
async fn a_carrier_stays_until_the_pod_is_deleted() {
    let store = Store::new();
    let rules = json!({"rules": [{"steps": [{"turn": {"running": {}}}, {"turn": {"terminated": {}}}]}]});
    let _hollow = Hollow::start(store.clone(), "node", script(rules)).unwrap();
    let carried = pod("a", |pod| {
        pod["spec"]["containers"] = json!([{"name": "main"}, {"name": "out-files"}]);
        pod["metadata"]["finalizers"] = json!(["a/b"]);
    });
    store.create(Kind::Pod, carried).unwrap();
    let pod =
        seen(&store, "a", |pod| pod["status"]["containerStatuses"][0]["state"].get("terminated").is_some());
    let pod = pod.await;
    assert_eq!(text(&pod, "/status/phase"), "Running");
    assert!(pod["status"]["containerStatuses"][1]["state"].get("running").is_some());
    delete(&store, "a", 30);
    let held = seen(&store, "a", |pod| pod["metadata"]["deletionGracePeriodSeconds"] == 0).await;
    assert_eq!(held["status"]["containerStatuses"][1]["state"]["terminated"]["exitCode"], 143);
    assert_eq!(text(&held, "/status/phase"), "Failed");
}

#[tokio::test]
async fn a_pod_that_waits_for_ever_goes_when_it_is_deleted() {
    let store = Store::new();
    let rules = json!({"rules": [{"steps": [], "endsAfterSeconds": 0.01}]});
    let _hollow = Hollow::start(store.clone(), "node", script(rules)).unwrap();
    store.create(Kind::Pod, pod("a", |_| ())).unwrap();
    seen(&store, "a", |pod| {
        text(pod, "/status/containerStatuses/0/state/waiting/reason") == "ContainerCreating"
    })
    .await;
    delete(&store, "a", 30);
    gone(&store, "a").await;
}

#[tokio::test]
async fn logs_are_made_as_the_script_says_when_they_are_read() {
    let store = Store::new();
    let rules = json!({"rules": [
        {"match": {"name": "w"}, "steps": []},
        {"steps": [{"turn": {"running": {}}}], "log": {"lines": 3, "lineBytes": 40, "text": "::{}::\n"}},
    ]});
    let hollow = Hollow::start(store.clone(), "node", script(rules)).unwrap();
    store.create(Kind::Pod, pod("a", |_| ())).unwrap();
    store.create(Kind::Pod, pod("w", |_| ())).unwrap();
    let running = seen(&store, "a", is("Running")).await;
    let read = async |options: LogOptions| {
        let mut pieces = hollow.logs(container(&running, "main"), options).await.unwrap();
        let mut log = Vec::new();
        while let Some(piece) = pieces.recv().await {
            log.extend_from_slice(&piece);
        }
        String::from_utf8(log).unwrap()
    };
    let log = read(LogOptions::default()).await;
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!((lines.len(), lines[2].len(), lines[3]), (4, 39, "::{}::"));
    assert!(lines[2].starts_with("line 2 of a/main ."));
    assert_eq!(
        read(LogOptions { tail_lines: Some(2), ..LogOptions::default() }).await,
        lines[2..].join("\n") + "\n"
    );
    assert_eq!(read(LogOptions { limit_bytes: Some(6), ..LogOptions::default() }).await, "line 0");
    let stamped = read(LogOptions { timestamps: true, tail_lines: Some(1), ..LogOptions::default() }).await;
    let (time, line) = stamped.split_once(' ').unwrap();
    assert_eq!((time.len(), time.parse::<Timestamp>().is_ok(), line), (30, true, "::{}::\n"));
    let since = Some(clock::now() + jiff::SignedDuration::from_hours(1));
    assert_eq!(read(LogOptions { since, ..LogOptions::default() }).await, "");
    // Followed, it ends when the pod is gone.
    let mut pieces = hollow
        .logs(container(&running, "main"), LogOptions { follow: true, ..LogOptions::default() })
        .await
        .unwrap();
    assert!(pieces.recv().await.is_some());
    delete(&store, "a", 30);
    assert!(tokio::time::timeout(SOON, pieces.recv()).await.unwrap().is_none());
    let waiting = seen(&store, "w", |pod| pod["status"].get("containerStatuses").is_some()).await;
    let refused = hollow.logs(container(&waiting, "main"), LogOptions::default()).await.unwrap_err();
    assert!(matches!(refused, NodeError::Waiting { reason, .. } if reason == "ContainerCreating"));
    let previous = LogOptions { previous: true, ..LogOptions::default() };
    assert!(matches!(
        hollow.logs(container(&waiting, "main"), previous).await,
        Err(NodeError::NoPrevious(_))
    ));
}

#[tokio::test]
async fn files_of_the_script_are_listed_and_fetched_and_other_commands_refused() {
    let store = Store::new();
    let rules = json!({"rules": [
        {"match": {"name": "bare"}, "steps": [{"turn": {"running": {}}}]},
        {"steps": [{"turn": {"running": {}}}],
         "files": [{"path": "out/a.bin", "bytes": 100_000}, {"path": "empty"}]},
    ]});
    let hollow = Hollow::start(store.clone(), "node", script(rules)).unwrap();
    store.create(Kind::Pod, pod("a", |_| ())).unwrap();
    store.create(Kind::Pod, pod("bare", |_| ())).unwrap();
    let running = seen(&store, "a", is("Running")).await;
    let exec = async |pod: &Value, words: &[&str]| {
        let command = words.iter().map(|word| (*word).to_owned()).collect();
        let options = ExecOptions { command, stdout: true, ..ExecOptions::default() };
        let mut session = hollow.exec(container(pod, "main"), options).await?;
        let mut bytes = Vec::new();
        while let Some(Output::Stdout(piece)) = session.output.recv().await {
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(session.exit.await.unwrap(), Exit::Code(0));
        Ok::<_, NodeError>(bytes)
    };
    let listing = exec(&running, &["sh", "-c", "cd \"$1\"; find . ! -type d -exec stat {} +"]).await.unwrap();
    let facts = "2\x0081a4 1 1:1 100000\n81a4 1 1:2 0\0./out/a.bin\0./empty\0end\x000\0";
    assert_eq!(String::from_utf8(listing).unwrap(), facts);
    let archive =
        exec(&running, &["sh", "-c", "exec tar -cf - \"$@\"", "sh", "/kestra", "./out/a.bin", "./no"]);
    let archive = archive.await.unwrap();
    let mut entries = Archive::new(archive.as_slice()).entries().unwrap();
    let entry = entries.next().await.unwrap().unwrap();
    assert_eq!(entry.header().raw_entry_size().unwrap(), 100_000);
    assert!(entry.path().unwrap().ends_with("out/a.bin"));
    assert!(entries.next().await.is_none());
    let bare = seen(&store, "bare", is("Running")).await;
    for (pod, script) in [(&running, "rm -rf ."), (&bare, "find . -type f")] {
        assert!(matches!(exec(pod, &["sh", "-c", script]).await, Err(NodeError::Unsupported(_))), "{script}");
    }
}

#[test]
fn a_script_that_cannot_be_followed_is_refused_with_its_place() {
    for (rule, said) in [
        (json!({"match": {"name": "a["}}), "`rules[0].match` has the pattern `a[`"),
        (json!({"endsAfterSeconds": -1}), "`rules[0]` has a time of -1 s"),
        (json!({"steps": [{"afterSeconds": 1e10, "turn": {"running": {}}}]}), "a time of 10000000000 s"),
        (json!({"log": {"lines": 1_u64 << 40}}), "`rules[0]` asks for a log of"),
    ] {
        let refused = Rules::new(script(json!({"rules": [rule]}))).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
    for unknown in [json!({"rulez": []}), json!({"rules": [{"steps": [{"turn": {"dances": {}}}]}]})] {
        assert!(serde_json::from_value::<Script>(unknown).is_err());
    }
}

#[test]
fn pods_that_went_leave_nothing_in_the_timetable() {
    let mut timetable = Timetable::default();
    let now = clock::instant();
    for round in 0..100_u64 {
        let uid = format!("uid-{round}");
        timetable.insert(&uid, Player::new(&pod("a", |_| ())));
        for hours in 1..10 {
            timetable.set(&uid, now.checked_add(Duration::from_secs(hours * 3600)), Next::Step(0));
        }
        assert_eq!((timetable.len(), timetable.waiting()), (1, 1));
        timetable.remove(&uid);
    }
    assert_eq!((timetable.len(), timetable.waiting(), timetable.next_due()), (0, 0, None));
}
