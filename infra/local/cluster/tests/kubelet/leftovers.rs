//! Nothing stays behind.

use crate::desk::{Desk, shell};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Processes of this machine whose command line has the word, apart from those that look for it.
fn processes_with(word: &str) -> Vec<String> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(word).then_some(line)
    })
    .collect()
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).map(|mut entries| entries.next().is_none()).unwrap_or(true)
}

#[tokio::test]
async fn a_pod_that_is_gone_leaves_no_directory_and_no_process() {
    let desk = Desk::open().await;
    let mut main = shell(
        "main",
        "mkdir -p /w/closed/deep /tmp/x; chmod 0 /w/closed /tmp/x; rm -rf /etc/hosts; sleep 7301 & sleep 7301",
    );
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    desk.create("brief", json!({"containers": [main], "volumes": [{"name": "w", "emptyDir": {}}]}));
    desk.phase("brief", "Running").await;
    desk.poll("both sleep", || processes_with("sleep 7301 ").len() > 1).await;
    desk.delete("brief", 0);
    desk.gone("brief").await;
    desk.poll("the directory is gone", || is_empty(&desk.directory.path().join("pods"))).await;
    assert_eq!(processes_with("sleep 7301 "), Vec::<String>::new());
    desk.close().await;
}

#[tokio::test]
async fn a_shutdown_ends_every_process_and_removes_every_directory() {
    let desk = Desk::open().await;
    let mut main = shell("main", "trap '' TERM; setsid sleep 7302 & sleep 7302");
    main["volumeMounts"] = json!([{"name": "m", "mountPath": "/m"}]);
    let memory = json!([{"name": "m", "emptyDir": {"medium": "Memory"}}]);
    desk.create("long", json!({"containers": [main], "volumes": memory}));
    desk.phase("long", "Running").await;
    desk.poll("both sleep", || processes_with("sleep 7302 ").len() > 1).await;
    desk.kubelet.shutdown().await;
    assert_eq!(processes_with("sleep 7302 "), Vec::<String>::new());
    let path = desk.directory.path().to_str().unwrap().to_owned();
    assert_eq!(processes_with(&path), Vec::<String>::new());
    assert!(
        is_empty(desk.directory.path()),
        "{:?}",
        fs::read_dir(desk.directory.path()).unwrap().collect::<Vec<_>>()
    );
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains(&path));
}

#[tokio::test]
async fn a_pod_removed_with_force_is_killed_at_once() {
    let desk = Desk::open().await;
    let pod = desk.sh("force", "trap '' TERM; sleep 7303 & wait; sleep 7303");
    desk.phase("force", "Running").await;
    desk.poll("it sleeps", || !processes_with("sleep 7303 ").is_empty()).await;
    desk.store.remove(cluster::store::Kind::Pod, "fx", "force", pod["metadata"]["uid"].as_str()).unwrap();
    desk.poll("it is killed", || processes_with("sleep 7303 ").is_empty()).await;
    desk.poll("the directory is gone", || is_empty(&desk.directory.path().join("pods"))).await;
    desk.close().await;
}

/// Runs only as the child of the next test: starts a pod, says so, and waits to be killed.
#[tokio::test]
#[ignore = "the victim of another test"]
async fn victim() {
    let desk = Desk::open().await;
    desk.sh("orphan", "setsid sleep 7304 & sleep 7304");
    desk.phase("orphan", "Running").await;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_kubelet_that_is_killed_takes_its_containers_with_it() {
    let desk = Desk::open().await;
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "leftovers::victim", "--ignored", "--nocapture"])
        .env("TMPDIR", desk.directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    desk.poll("the victim's pod runs", || processes_with("sleep 7304 ").len() > 1).await;
    victim.kill().unwrap();
    victim.wait().unwrap();
    desk.poll("its processes are gone", || processes_with("sleep 7304 ").is_empty()).await;
    desk.close().await;
}
