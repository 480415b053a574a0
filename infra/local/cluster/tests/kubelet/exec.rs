//! Commands in running containers.

use crate::desk::{Desk, shell};
use bytes::Bytes;
use cluster::node::{ExecOptions, Exit, Node, NodeError, Output};
use serde_json::json;
use std::time::Duration;

const WAIT: &str = "echo ready; while true; do sleep 0.05; done";

async fn running(desk: &Desk, name: &str) {
    desk.sh(name, WAIT);
    desk.phase(name, "Running").await;
}

#[tokio::test]
async fn a_command_has_its_own_streams_and_exit_code() {
    let desk = Desk::open().await;
    running(&desk, "sh").await;
    let ran = desk.exec("sh", &["sh", "-c", "echo out; echo err >&2; exit 7"]).await;
    assert_eq!(ran, ("out\n".into(), "err\n".into(), Exit::Code(7)));
    let (_, _, exit) = desk.exec("sh", &["sh", "-c", "kill -9 $$"]).await;
    assert_eq!(exit, Exit::Code(137));
    desk.close().await;
}

#[tokio::test]
async fn a_command_runs_inside_the_container_with_its_environment() {
    let desk = Desk::open().await;
    let mut main = shell("main", WAIT);
    main["env"] = json!([{"name": "MARK", "value": "here"}]);
    main["workingDir"] = json!("/made/for/it");
    desk.create("in", json!({"containers": [main]}));
    desk.phase("in", "Running").await;
    let (out, _, _) =
        desk.exec("in", &["sh", "-c", "echo $MARK; pwd; hostname; tr '\\0' ' ' </proc/1/cmdline"]).await;
    assert_eq!(out, format!("here\n/made/for/it\nin\nsh -c {WAIT} "));
    desk.close().await;
}

#[tokio::test]
async fn a_command_that_cannot_start_fails_in_the_words_of_a_runtime() {
    let desk = Desk::open().await;
    running(&desk, "sh").await;
    for (command, words) in [
        (
            "no-such-tool",
            "unable to start container process: exec: \"no-such-tool\": executable file not found in $PATH",
        ),
        ("/etc/passwd", "unable to start container process: exec: \"/etc/passwd\": permission denied"),
    ] {
        let (_, _, exit) = desk.exec("sh", &[command]).await;
        let Exit::Failed(said) = exit else { panic!("{exit:?}") };
        assert!(said.starts_with("failed to exec in container: failed to start exec \""), "{said}");
        assert!(said.ends_with(&format!("\": OCI runtime exec failed: exec failed: {words}")), "{said}");
    }
    let (_, _, exit) = desk.exec("sh", &[]).await;
    assert!(matches!(exit, Exit::Failed(said) if said.ends_with("exec failed: args must not be empty")));
    desk.close().await;
}

#[tokio::test]
async fn large_streams_pass_unchanged_in_both_directions() {
    const MEBIBYTES: usize = 32;
    let desk = Desk::open().await;
    running(&desk, "sh").await;
    let options =
        ExecOptions { command: vec!["cat".into()], stdin: true, stdout: true, stderr: true, tty: false };
    let mut session = desk.kubelet.exec(desk.reference("sh", "main"), options).await.unwrap();
    let stdin = session.stdin.take().unwrap();
    let sent: Vec<u8> = (0..MEBIBYTES << 20).map(|index| (index % 251) as u8).collect();
    let pieces: Vec<Bytes> = sent.chunks(64 << 10).map(Bytes::copy_from_slice).collect();
    let feeder = tokio::spawn(async move {
        for piece in pieces {
            stdin.send(piece).await.unwrap();
        }
    });
    let mut received = Vec::new();
    while let Some(output) = session.output.recv().await {
        match output {
            Output::Stdout(bytes) => received.extend_from_slice(&bytes),
            Output::Stderr(bytes) => panic!("{bytes:?}"),
        }
    }
    feeder.await.unwrap();
    assert_eq!(session.exit.await, Ok(Exit::Code(0)));
    assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
    desk.close().await;
}

#[tokio::test]
async fn a_command_that_nobody_wants_any_more_is_killed() {
    let desk = Desk::open().await;
    running(&desk, "sh").await;
    let options =
        ExecOptions { command: vec!["sleep".into(), "600".into()], stdout: true, ..ExecOptions::default() };
    let session = desk.kubelet.exec(desk.reference("sh", "main"), options).await.unwrap();
    let look = "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; echo; done";
    let sleeps =
        async || desk.exec("sh", &["sh", "-c", look]).await.0.lines().any(|line| line == "sleep 600 ");
    while !sleeps().await {}
    drop(session);
    let gone = async { while sleeps().await {} };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    desk.close().await;
}

#[tokio::test]
async fn a_command_ends_with_137_when_its_container_does() {
    let desk = Desk::open().await;
    running(&desk, "sh").await;
    let killed = async {
        desk.exec("sh", &["cat", "/proc/1/cmdline"]).await;
        desk.delete("sh", 0);
    };
    let ((_, _, exit), ()) = tokio::join!(desk.exec("sh", &["sleep", "600"]), killed);
    // Recording 33-exec-container-ends.
    assert_eq!(exit, Exit::Code(137));
    desk.close().await;
}

#[tokio::test]
async fn a_container_that_does_not_run_takes_no_commands() {
    let desk = Desk::open().await;
    desk.sh("ended", "true");
    desk.phase("ended", "Succeeded").await;
    let options = ExecOptions { command: vec!["true".into()], stdout: true, ..ExecOptions::default() };
    let refused = desk.kubelet.exec(desk.reference("ended", "main"), options.clone()).await;
    assert_eq!(refused.unwrap_err(), NodeError::NotRunning("main".into()));
    running(&desk, "sh").await;
    let with_terminal = ExecOptions { tty: true, ..options };
    let refused = desk.kubelet.exec(desk.reference("sh", "main"), with_terminal).await;
    assert!(matches!(refused, Err(NodeError::Unsupported(_))));
    desk.close().await;
}

#[tokio::test]
async fn attach_shows_what_comes_from_now_on() {
    let desk = Desk::open().await;
    desk.sh("talk", "echo before; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo after; exit 3");
    desk.phase("talk", "Running").await;
    while desk.log("talk", Default::default()).await.is_empty() {}
    let options = ExecOptions { stdout: true, stderr: true, ..ExecOptions::default() };
    let mut session = desk.kubelet.attach(desk.reference("talk", "main"), options).await.unwrap();
    desk.exec("talk", &["touch", "/tmp/go"]).await;
    let mut shown = Vec::new();
    while let Some(Output::Stdout(bytes)) = session.output.recv().await {
        shown.extend_from_slice(&bytes);
    }
    assert_eq!(shown, b"after\n");
    assert_eq!(session.exit.await, Ok(Exit::Code(0)));
    desk.close().await;
}
