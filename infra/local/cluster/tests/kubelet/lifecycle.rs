//! From created to gone: phases, conditions, restarts, deletion.

use crate::desk::{Desk, shell, terminated};
use cluster::node::LogOptions;
use serde_json::{Value, json};

/// A line per visible state: phase, conditions and container states, without what differs from run to run.
fn story(desk: &Desk, name: &str) -> Vec<String> {
    let mut lines: Vec<String> = desk.history(name).iter().map(|pod| line(pod)).collect();
    lines.dedup();
    lines
}

fn line(pod: &Value) -> String {
    let status = &pod["status"];
    let conditions: Vec<String> = list(&status["conditions"])
        .filter(|condition| condition["type"] != "PodScheduled" && condition["type"] != "ContainersReady")
        .map(|condition| {
            let letter = condition["type"].as_str().unwrap().chars().next().unwrap();
            let sign = if condition["status"] == "True" { "+" } else { "-" };
            format!("{letter}{sign}{}", condition["reason"].as_str().unwrap_or_default())
        })
        .collect();
    let containers: Vec<String> = list(&status["initContainerStatuses"])
        .chain(list(&status["containerStatuses"]))
        .map(|container| {
            let (state, detail) = container["state"].as_object().unwrap().iter().next().unwrap();
            let code = detail["exitCode"].as_i64().map(|code| format!(" {code}")).unwrap_or_default();
            format!(
                "{} {state}{code} {}",
                container["name"].as_str().unwrap(),
                detail["reason"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let grace = &pod["metadata"]["deletionGracePeriodSeconds"];
    format!(
        "{grace} {} [{}] {}",
        status["phase"].as_str().unwrap(),
        conditions.join(" "),
        containers.join(", ")
    )
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[tokio::test]
async fn a_pod_that_succeeds_tells_the_recorded_story() {
    let desk = Desk::open().await;
    desk.sh("ok", "echo hello");
    desk.phase("ok", "Succeeded").await;
    // Recording 01-success.
    assert_eq!(
        story(&desk, "ok"),
        [
            "null Pending [] ",
            "null Pending [P- I+ R-ContainersNotReady] main waiting ContainerCreating",
            "null Pending [P+ I+ R-ContainersNotReady] main waiting ContainerCreating",
            "null Running [P+ I+ R+] main running ",
            "null Running [P+ I+PodCompleted R-PodCompleted] main terminated 0 Completed",
            "null Succeeded [P- I+PodCompleted R-PodCompleted] main terminated 0 Completed",
        ]
    );
    let reasons: Vec<_> = desk.events("ok").into_iter().map(|(reason, _, _)| reason).collect();
    assert_eq!(reasons, ["Pulled", "Created", "Started"]);
    assert_eq!(desk.log("ok", LogOptions::default()).await, "hello\n");
    desk.close().await;
}

#[tokio::test]
async fn a_pod_that_fails_keeps_its_exit_code() {
    let desk = Desk::open().await;
    desk.sh("bad", "echo about to fail >&2; exit 3");
    let pod = desk.phase("bad", "Failed").await;
    assert_eq!(terminated(&pod)["exitCode"], 3);
    assert_eq!(terminated(&pod)["reason"], "Error");
    assert_eq!(pod["status"].get("reason"), None);
    // Recording 02-exit-3, the end.
    assert_eq!(
        story(&desk, "bad")[4..],
        [
            "null Running [P+ I+ R-PodFailed] main terminated 3 Error",
            "null Failed [P- I+ R-PodFailed] main terminated 3 Error",
        ]
    );
    desk.close().await;
}

#[tokio::test]
async fn a_command_that_is_not_there_is_a_start_error_and_never_runs() {
    let desk = Desk::open().await;
    desk.create(
        "nocmd",
        json!({"containers": [{"name": "main", "image": "busybox:1.36", "command": ["/no/such/binary"]}]}),
    );
    let pod = desk.phase("nocmd", "Failed").await;
    let words = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
                 failed: unable to start container process: exec: \"/no/such/binary\": stat /no/such/binary: no such file or directory";
    assert_eq!(terminated(&pod)["message"], words);
    assert_eq!(terminated(&pod)["startedAt"], "1970-01-01T00:00:00Z");
    // Recording 10-command-not-found.
    assert_eq!(
        story(&desk, "nocmd")[3..],
        [
            "null Pending [P+ I+ R-PodFailed] main terminated 128 StartError",
            "null Failed [P- I+ R-PodFailed] main terminated 128 StartError",
        ]
    );
    let (reason, message, _) = desk.events("nocmd").pop().unwrap();
    assert_eq!((reason.as_str(), message), ("Failed", format!("Error: {words}")));
    assert_eq!(desk.log("nocmd", LogOptions::default()).await, "");
    desk.close().await;
}

#[tokio::test]
async fn main_waits_for_init_containers_and_never_starts_after_a_bad_one() {
    let desk = Desk::open().await;
    desk.create(
        "good",
        json!({"initContainers": [shell("setup", "true")], "containers": [shell("main", "echo main")]}),
    );
    desk.create(
        "bad",
        json!({"initContainers": [shell("setup", "exit 2")], "containers": [shell("main", "echo never")]}),
    );
    desk.phase("good", "Succeeded").await;
    // Recording 43-init-long-then-main.
    assert_eq!(
        story(&desk, "good")[1..6],
        [
            "null Pending [P- I-ContainersNotInitialized R-ContainersNotReady] setup waiting PodInitializing, main waiting PodInitializing",
            "null Pending [P+ I-ContainersNotInitialized R-ContainersNotReady] setup waiting PodInitializing, main waiting PodInitializing",
            "null Pending [P+ I-ContainersNotInitialized R-ContainersNotReady] setup running , main waiting PodInitializing",
            "null Pending [P+ I+ R-ContainersNotReady] setup terminated 0 Completed, main waiting PodInitializing",
            "null Running [P+ I+ R+] setup terminated 0 Completed, main running ",
        ]
    );
    desk.phase("bad", "Failed").await;
    // Recording 40-init-fails-never.
    assert_eq!(
        story(&desk, "bad")[4..],
        [
            "null Pending [P+ I-ContainersNotInitialized R-PodFailed] setup terminated 2 Error, main waiting PodInitializing",
            "null Failed [P- I-ContainersNotInitialized R-PodFailed] setup terminated 2 Error, main waiting PodInitializing",
        ]
    );
    desk.close().await;
}

/// Main waits until the sidecar has set its trap.
fn with_sidecar(trap: &str) -> Value {
    let mut sidecar = shell("sidecar", &format!("{trap}; touch /w/ready; while true; do sleep 0.05; done"));
    let mut main = shell("main", "while [ ! -e /w/ready ]; do sleep 0.05; done");
    sidecar["restartPolicy"] = json!("Always");
    for container in [&mut sidecar, &mut main] {
        container["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    }
    json!({"initContainers": [sidecar], "containers": [main], "terminationGracePeriodSeconds": 1,
        "volumes": [{"name": "w", "emptyDir": {}}]})
}

#[tokio::test]
async fn a_native_sidecar_is_stopped_after_main() {
    let desk = Desk::open().await;
    desk.create("side", with_sidecar("trap 'exit 0' TERM"));
    desk.create("deaf", with_sidecar("trap '' TERM"));
    desk.phase("side", "Succeeded").await;
    // Recording 52-native-sidecar-main-success.
    assert_eq!(
        story(&desk, "side")[3..],
        [
            "null Pending [P+ I+ R-ContainersNotReady] sidecar running , main waiting PodInitializing",
            "null Running [P+ I+ R+] sidecar running , main running ",
            "null Running [P+ I+ R-ContainersNotReady] sidecar running , main terminated 0 Completed",
            "null Running [P- I+PodCompleted R-PodCompleted] sidecar terminated 0 Completed, main terminated 0 Completed",
            "null Succeeded [P- I+PodCompleted R-PodCompleted] sidecar terminated 0 Completed, main terminated 0 Completed",
        ]
    );
    let (reason, message, _) = desk.events("side").pop().unwrap();
    assert_eq!((reason.as_str(), message.as_str()), ("Killing", "Stopping container sidecar"));
    // Recording 54-native-sidecar-ignores-sigterm.
    let pod = desk.phase("deaf", "Succeeded").await;
    assert_eq!(pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"], 137);
    desk.close().await;
}

#[tokio::test]
async fn a_container_that_fails_starts_again_at_once_and_then_with_a_pause() {
    let desk = Desk::open().await;
    let volume = json!([{"name": "w", "emptyDir": {}}]);
    let counting = |limit: u32| {
        let mut main =
            shell("main", &format!("echo x >>/w/n; [ $(wc -l </w/n) -ge {limit} ] || exit 6; echo done"));
        main["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
        json!({"restartPolicy": "OnFailure", "containers": [main], "volumes": volume.clone()})
    };
    desk.create("twice", counting(2));
    desk.create("often", counting(9));
    let pod = desk.phase("twice", "Succeeded").await;
    // Recording 63-onfailure-second-try-ok.
    let main = &pod["status"]["containerStatuses"][0];
    assert_eq!(main["restartCount"], 1);
    assert_eq!(main["lastState"]["terminated"]["exitCode"], 6);
    assert_eq!(
        story(&desk, "twice")[3..6],
        [
            "null Running [P+ I+ R+] main running ",
            "null Running [P+ I+ R-ContainersNotReady] main terminated 6 Error",
            "null Running [P+ I+ R+] main running ",
        ]
    );
    let pulled = desk.events("twice");
    assert_eq!(pulled.iter().map(|(_, _, count)| *count).collect::<Vec<_>>(), [2, 2, 2]);
    // Recording 60-crashloop-onfailure.
    let waiting = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"].clone();
    let pod = desk.until("often", |pod| waiting(pod)["reason"] == "CrashLoopBackOff").await;
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    assert_eq!(
        waiting(&pod)["message"],
        format!("back-off 10s restarting failed container=main pod=often_fx({uid})")
    );
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(desk.log("often", LogOptions { previous: true, ..LogOptions::default() }).await, "");
    desk.close().await;
}

#[tokio::test]
async fn a_rule_of_the_container_starts_it_again_in_spite_of_the_policy() {
    let desk = Desk::open().await;
    let mut main = shell("main", "echo x >>/w/n; [ $(wc -l </w/n) -ge 2 ] || exit 42");
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    main["restartPolicy"] = json!("Never");
    main["restartPolicyRules"] =
        json!([{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]);
    desk.create("rules", json!({"containers": [main], "volumes": [{"name": "w", "emptyDir": {}}]}));
    let pod = desk.phase("rules", "Succeeded").await;
    assert_eq!(pod["status"]["containerStatuses"][0]["restartCount"], 1);
    desk.close().await;
}

#[tokio::test]
async fn termination_messages_come_from_the_file_or_the_log() {
    let desk = Desk::open().await;
    desk.sh("file", "printf 'disk is full, sorry' > /dev/termination-log; exit 4");
    desk.sh("long", "head -c 10000 /dev/zero | tr '\\0' x > /dev/termination-log");
    let mut main = shell(
        "main",
        "i=0; while [ $i -lt 200 ]; do echo line $i of some output that is long enough to be cut; i=$((i+1)); done; exit 1",
    );
    main["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    desk.create("log", json!({"containers": [main]}));
    let pod = desk.phase("file", "Failed").await;
    assert_eq!(terminated(&pod)["message"], "disk is full, sorry");
    let pod = desk.phase("long", "Succeeded").await;
    assert_eq!(terminated(&pod)["message"].as_str().unwrap().len(), 4096);
    let pod = desk.phase("log", "Failed").await;
    let message = terminated(&pod)["message"].as_str().unwrap();
    // Recording 65-termination-message-logs.
    assert_eq!(message.len(), 2048);
    assert!(message.starts_with(" 162 of some output"), "{message}");
    assert!(message.ends_with("line 199 of some output that is long enough to be cut\n"), "{message}");
    desk.close().await;
}

#[tokio::test]
async fn a_deleted_pod_is_asked_to_stop_and_ends_by_its_own_exit_code() {
    let desk = Desk::open().await;
    let trap = |code: u32| {
        format!("trap 'echo got TERM; exit {code}' TERM; echo ready; while true; do sleep 0.05; done")
    };
    for (name, code) in [("zero", 0), ("term", 143)] {
        desk.sh(name, &trap(code));
    }
    for (name, phase, code, reasons) in [
        ("zero", "Succeeded", 0, ["PodCompleted", "Completed"]),
        ("term", "Failed", 143, ["PodFailed", "Error"]),
    ] {
        desk.phase(name, "Running").await;
        wait_for_line(&desk, name, "ready").await;
        desk.delete(name, 20);
        desk.gone(name).await;
        // Recordings 80-deleted-sigterm-exit0 and 81-deleted-sigterm-exit143.
        let [condition, reason] = reasons;
        let initialized = if code == 0 { "I+PodCompleted" } else { "I+" };
        let end = format!("{phase} [P- {initialized} R-{condition}] main terminated {code} {reason}");
        assert_eq!(
            story(&desk, name)[3..],
            [
                "null Running [P+ I+ R+] main running ".to_owned(),
                "20 Running [P+ I+ R+] main running ".to_owned(),
                format!("20 {end}"),
                format!("0 {end}"),
            ]
        );
        assert_eq!(desk.history(name).last().unwrap()["status"]["observedGeneration"], 2);
        let (reason, message, _) = desk.events(name).pop().unwrap();
        assert_eq!((reason.as_str(), message.as_str()), ("Killing", "Stopping container main"));
    }
    desk.close().await;
}

async fn wait_for_line(desk: &Desk, name: &str, line: &str) {
    wait_for_line_of(desk, name, "main", line).await;
}

async fn wait_for_line_of(desk: &Desk, name: &str, container: &str, line: &str) {
    use cluster::node::Node;
    let options = LogOptions { follow: true, ..LogOptions::default() };
    let mut pieces = desk.kubelet.logs(desk.reference(name, container), options).await.unwrap();
    let mut log = Vec::new();
    while !String::from_utf8_lossy(&log).lines().any(|other| other == line) {
        log.extend_from_slice(&pieces.recv().await.expect("the line is there before the log ends"));
    }
}

#[tokio::test]
async fn a_pod_that_does_not_stop_is_killed_after_the_grace_of_the_deletion() {
    let desk = Desk::open().await;
    desk.create("deaf", json!({"containers": [shell("main", "while true; do sleep 0.2; done")], "terminationGracePeriodSeconds": 30}));
    desk.phase("deaf", "Running").await;
    desk.delete("deaf", 1);
    desk.gone("deaf").await;
    // Recording 84-deleted-grace-2-override.
    let last = desk.history("deaf").pop().unwrap();
    assert_eq!(terminated(&last)["exitCode"], 137);
    assert_eq!(last["status"]["phase"], "Failed");
    desk.close().await;
}

#[tokio::test]
async fn a_pod_deleted_in_its_init_container_fails_without_main() {
    let desk = Desk::open().await;
    desk.create(
        "init",
        json!({"initContainers": [shell("setup", "trap 'exit 0' TERM; echo ready; sleep 600 & wait")], "containers": [shell("main", "echo never")]}),
    );
    desk.until("init", |pod| pod["status"]["initContainerStatuses"][0]["state"].get("running").is_some())
        .await;
    wait_for_line_of(&desk, "init", "setup", "ready").await;
    desk.delete("init", 10);
    desk.gone("init").await;
    // Recording 88-deleted-in-init.
    let story = story(&desk, "init");
    assert_eq!(
        story[story.len() - 3..],
        [
            "10 Pending [P- I+ R-ContainersNotReady] setup terminated 0 Completed, main waiting PodInitializing",
            "10 Failed [P- I+ R-ContainersNotReady] setup terminated 0 Completed, main waiting PodInitializing",
            "0 Failed [P- I+ R-ContainersNotReady] setup terminated 0 Completed, main waiting PodInitializing",
        ]
    );
    desk.close().await;
}

#[tokio::test]
async fn a_pre_stop_hook_runs_before_the_signal() {
    let desk = Desk::open().await;
    let mut main =
        shell("main", "trap 'cat /tmp/hook; exit 0' TERM; echo ready; while true; do sleep 0.05; done");
    main["lifecycle"] = json!({"preStop": {"exec": {"command": ["sh", "-c", "echo hooked > /tmp/hook"]}}});
    main["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    desk.create("hook", json!({"containers": [main]}));
    desk.phase("hook", "Running").await;
    wait_for_line(&desk, "hook", "ready").await;
    let options = LogOptions { follow: true, ..LogOptions::default() };
    let log = desk.log("hook", options);
    let delete = async { desk.delete("hook", 20) };
    let (log, ()) = tokio::join!(log, delete);
    assert_eq!(log, "ready\nhooked\n");
    desk.gone("hook").await;
    desk.close().await;
}

#[tokio::test]
async fn a_pod_with_a_finalizer_ends_and_stays() {
    let desk = Desk::open().await;
    let pod = desk.sh("held", "trap 'exit 0' TERM; echo ready; while true; do sleep 0.05; done");
    let kind = cluster::store::Kind::Pod;
    let uid = pod["metadata"]["uid"].as_str();
    desk.store
        .update(kind, "fx", "held", uid, |pod| pod["metadata"]["finalizers"] = json!(["example.com/hold"]))
        .unwrap();
    desk.phase("held", "Running").await;
    wait_for_line(&desk, "held", "ready").await;
    desk.delete("held", 10);
    // Recording 91-finalizer-succeeded.
    let pod = desk.until("held", |pod| pod["metadata"]["deletionGracePeriodSeconds"] == 0).await;
    assert_eq!(pod["status"]["phase"], "Succeeded");
    desk.store.update(kind, "fx", "held", uid, |pod| pod["metadata"]["finalizers"] = json!([])).unwrap();
    desk.gone("held").await;
    desk.close().await;
}

#[tokio::test]
async fn a_pod_over_its_time_fails_as_deadline_exceeded() {
    let desk = Desk::open().await;
    let spec = |image: &str| {
        json!({"containers": [{"name": "main", "image": image, "command": ["sleep", "600"]}],
        "activeDeadlineSeconds": 2, "terminationGracePeriodSeconds": 1})
    };
    desk.create("late", spec("busybox"));
    desk.create("pulling", spec("nohost.invalid/team/app:1.0"));
    let pod = desk.phase("late", "Failed").await;
    assert_eq!(pod["status"]["reason"], "DeadlineExceeded");
    assert_eq!(pod["status"]["message"], "Pod was active on the node longer than the specified deadline");
    assert_eq!(terminated(&pod)["exitCode"], 137);
    // Recording 33-deadline-while-running.
    assert_eq!(
        story(&desk, "late")[4..],
        [
            "null Running [P+ I+ R-PodFailed] main running ",
            "null Failed [P- I+ R-PodFailed] main terminated 137 Error",
        ]
    );
    // Recording 34-deadline-while-pulling.
    let pod = desk.phase("pulling", "Failed").await;
    assert_eq!(terminated(&pod)["reason"], "ContainerStatusUnknown");
    desk.close().await;
}

#[tokio::test]
async fn a_private_registry_lets_nobody_in_and_a_missing_pull_secret_is_told() {
    // Recording 24-image-pull-secret-missing.
    let desk = Desk::open().await;
    let main = json!({"name": "main", "image": "private.example/team/app", "command": ["true"]});
    desk.create("p", json!({"containers": [main], "imagePullSecrets": [{"name": "no-such"}]}));
    let pod = desk
        .until("p", |pod| {
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ErrImagePull"
        })
        .await;
    let message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"].as_str().unwrap();
    assert!(message.ends_with("authorization failed: no basic auth credentials"), "{message}");
    let (reason, message, _) = desk.events("p").remove(0);
    assert_eq!(reason, "FailedToRetrieveImagePullSecret");
    assert!(message.contains("(no-such)"), "{message}");
    desk.close().await;
}

#[tokio::test]
async fn images_that_are_not_there_wait_with_the_recorded_words() {
    let desk = Desk::open().await;
    let spec = |image: &str, policy: &str| {
        json!({"containers": [
        {"name": "main", "image": image, "imagePullPolicy": policy, "command": ["true"]}]})
    };
    desk.create("host", spec("nohost.invalid/team/app:1.0", "IfNotPresent"));
    desk.create("name", spec("busybox:UPPER:1:2", "IfNotPresent"));
    desk.create("never", spec("docker.io/library/does-not-exist:2.0", "Never"));
    let waits = |reason: &'static str| {
        move |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == reason
    };
    desk.until("host", waits("ErrImagePull")).await;
    let pod = desk.until("host", waits("ImagePullBackOff")).await;
    let message = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"];
    assert_eq!(
        message,
        "Back-off pulling image \"nohost.invalid/team/app:1.0\": ErrImagePull: failed to pull and unpack image \
         \"nohost.invalid/team/app:1.0\": failed to resolve image: failed to do request: Head \
         \"https://nohost.invalid/v2/team/app/manifests/1.0\": dial tcp: lookup nohost.invalid: no such host"
    );
    let reasons: Vec<_> = desk.events("host").into_iter().map(|(reason, _, _)| reason).collect();
    assert_eq!(reasons, ["Pulling", "Failed", "Failed", "BackOff", "Failed"]);
    desk.until("name", waits("InvalidImageName")).await;
    desk.until("never", waits("ErrImageNeverPull")).await;
    desk.delete("host", 30);
    desk.gone("host").await;
    // Recording 87-deleted-in-imagepullbackoff.
    let last = desk.history("host").pop().unwrap();
    assert_eq!(terminated(&last)["reason"], "ContainerStatusUnknown");
    assert_eq!(last["status"]["phase"], "Failed");
    desk.close().await;
}
