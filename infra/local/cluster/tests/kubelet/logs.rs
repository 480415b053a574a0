//! `pods/log` with its options.

use crate::desk::Desk;
use cluster::node::{LogOptions, Node, NodeError};

const LINES: &str = "for i in 1 2 3 4 5; do echo line $i; done; printf 'no newline at the end'";

fn options() -> LogOptions {
    LogOptions::default()
}

#[tokio::test]
async fn options_choose_the_recorded_parts_of_a_log() {
    let desk = Desk::open().await;
    desk.sh("finished", LINES);
    desk.phase("finished", "Succeeded").await;
    let log = async |options| desk.log("finished", options).await;
    let whole = "line 1\nline 2\nline 3\nline 4\nline 5\nno newline at the end";
    // Recording 20-log.
    assert_eq!(log(options()).await, whole);
    assert_eq!(log(LogOptions { tail_lines: Some(2), ..options() }).await, "line 5\nno newline at the end");
    assert_eq!(log(LogOptions { tail_lines: Some(0), ..options() }).await, "");
    assert_eq!(log(LogOptions { limit_bytes: Some(10), ..options() }).await, "line 1\nlin");
    assert_eq!(
        log(LogOptions { limit_bytes: Some(10), tail_lines: Some(2), ..options() }).await,
        "line 5\nno "
    );
    assert_eq!(log(LogOptions { follow: true, ..options() }).await, whole);
    let stamped = log(LogOptions { timestamps: true, ..options() }).await;
    let third = stamped.lines().nth(2).unwrap();
    let (time, line) = third.split_once(' ').unwrap();
    assert_eq!((time.len(), line), (30, "line 3"));
    let since = Some(time.parse().unwrap());
    assert_eq!(log(LogOptions { since, ..options() }).await, "line 3\nline 4\nline 5\nno newline at the end");
    let previous = desk
        .kubelet
        .logs(desk.reference("finished", "main"), LogOptions { previous: true, ..options() })
        .await;
    assert_eq!(previous.unwrap_err(), NodeError::NoPrevious("main".into()));
    desk.close().await;
}

#[tokio::test]
async fn both_streams_are_one_in_the_order_of_writing() {
    let desk = Desk::open().await;
    desk.sh("both", "for i in 1 2 3 4 5 6 7 8; do echo out $i; echo err $i >&2; done");
    desk.phase("both", "Succeeded").await;
    let wanted: String = (1..=8).map(|i| format!("out {i}\nerr {i}\n")).collect();
    assert_eq!(desk.log("both", options()).await, wanted);
    desk.close().await;
}

#[tokio::test]
async fn a_follower_gets_every_line_and_the_end() {
    let desk = Desk::open().await;
    desk.sh("ticker", "for i in $(seq 1 50); do echo tick $i; sleep 0.01; done");
    desk.phase("ticker", "Running").await;
    let wanted: String = (1..=50).map(|i| format!("tick {i}\n")).collect();
    assert_eq!(desk.log("ticker", LogOptions { follow: true, ..options() }).await, wanted);
    desk.close().await;
}

#[tokio::test]
async fn a_long_line_stays_whole_and_counts_as_one() {
    let desk = Desk::open().await;
    desk.sh("long", "head -c 100000 /dev/zero | tr '\\0' x; echo; echo short");
    desk.phase("long", "Succeeded").await;
    let log = desk.log("long", LogOptions { tail_lines: Some(2), timestamps: true, ..options() }).await;
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0].len(), 31 + 100_000);
    desk.close().await;
}

#[tokio::test]
async fn a_log_that_grows_too_long_loses_its_beginning() {
    let desk = Desk::open().await;
    desk.sh("chatty", "yes 'a line of forty characters, more or less' | head -n 400000; echo the end");
    desk.phase("chatty", "Succeeded").await;
    let log = desk.log("chatty", options()).await;
    assert!(log.ends_with("the end\n"));
    assert!(log.len() < 11 << 20, "{}", log.len());
    assert!(log.len() < 400_000 * 44, "{}", log.len());
    desk.close().await;
}

#[tokio::test]
async fn a_container_that_waits_has_no_log_yet() {
    let desk = Desk::open().await;
    let spec = |image: &str| serde_json::json!({"containers": [{"name": "main", "image": image, "command": ["true"]}]});
    desk.create("waiting", spec("docker.io/library/does-not-exist:1"));
    desk.until("waiting", |pod| {
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"
    })
    .await;
    let refused = desk.kubelet.logs(desk.reference("waiting", "main"), options()).await.unwrap_err();
    let reason = "trying and failing to pull image".into();
    assert_eq!(refused, NodeError::Waiting { container: "main".into(), reason });
    desk.close().await;
}
