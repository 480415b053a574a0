//! Looking at pods: get, describe, logs.

use crate::desk::{Desk, table};
use tokio::io::{AsyncBufReadExt, BufReader};

#[tokio::test(flavor = "multi_thread")]
async fn get_shows_a_table_wide_columns_yaml_and_a_path() {
    let desk = Desk::open().await;
    let none = desk.say("get pods").await;
    assert_eq!((none.code, none.err.as_str()), (0, "No resources found in default namespace.\n"));
    desk.ready("stays").await;
    desk.finished("done", "true").await;
    let out = desk.say("get pods").await.well();
    let rows = table(&out);
    assert_eq!(rows[0], ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]);
    assert_eq!(rows[1][..4], ["done", "0/1", "Completed", "0"]);
    assert_eq!(rows[2][..4], ["stays", "1/1", "Running", "0"]);
    let out = desk.say("get pod stays -o wide").await.well();
    assert!(out.contains("NOMINATED NODE   READINESS GATES"), "{out}");
    assert_eq!(table(&out)[1][5..], ["127.0.0.1", "longshore-node", "<none>", "<none>"]);
    let yaml = desk.say("get pod stays -o yaml").await.well();
    assert!(yaml.starts_with("apiVersion: v1\nkind: Pod\nmetadata:\n"), "{yaml}");
    assert!(yaml.contains("\n  phase: Running\n"), "{yaml}");
    let path = "get pods -o jsonpath={range.items[*]}{.metadata.name}={.status.phase};{end}";
    assert_eq!(desk.say(path).await.well(), "done=Succeeded;stays=Running;");
    let path = "get pods -l run=done --field-selector=status.phase=Succeeded -o name";
    assert_eq!(desk.say(path).await.well(), "pod/done\n");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn get_w_shows_every_step_of_a_pod_as_it_happens() {
    let desk = Desk::open().await;
    desk.ready("before").await;
    let mut watching = desk.command("get pods -w", &[]).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let header = lines.next_line().await.unwrap().unwrap();
    assert_eq!(header.split_whitespace().next(), Some("NAME"));
    assert!(lines.next_line().await.unwrap().unwrap().starts_with("before"));
    desk.pod("seen", "sleep 0.3").await;
    let mut statuses = Vec::new();
    while statuses.last().is_none_or(|last| last != "Completed") {
        let line = lines.next_line().await.unwrap().unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[0], "seen", "{line}");
        statuses.push(words[2].to_owned());
    }
    statuses.dedup();
    assert_eq!(statuses, ["Pending", "ContainerCreating", "Running", "Completed"]);
    watching.kill().await.unwrap();
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn describe_tells_state_conditions_and_events() {
    let desk = Desk::open().await;
    desk.finished("done", "echo a; echo b").await;
    let out = desk.say("describe pod done").await.well();
    for words in [
        "Node:             longshore-node/127.0.0.1",
        "Status:           Succeeded",
        "      Reason:       Completed",
        "      Exit Code:    0",
        "  PodScheduled                True",
        "Successfully assigned default/done to longshore-node",
        "Container image \"busybox:1.36\" already present on machine",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let reasons: Vec<&str> = out
        .lines()
        .skip_while(|line| !line.starts_with("Events:"))
        .skip(3)
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(reasons, ["Scheduled", "Pulled", "Created", "Started"], "{out}");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_followed_cut_and_dated() {
    let desk = Desk::open().await;
    desk.ready("quiet").await;
    desk.pod("ticks", "for n in 1 2 3; do echo tick $n; sleep 0.3; done").await;
    desk.say("wait pod/ticks --for=condition=PodReadyToStartContainers --timeout=30s").await.well();
    desk.say("wait pod/ticks --for=condition=Initialized --timeout=30s").await.well();
    let follow = "logs -f ticks --pod-running-timeout=30s";
    assert_eq!(desk.say(follow).await.well(), "tick 1\ntick 2\ntick 3\n");
    let dated = desk.say("logs ticks --timestamps --since=1h --tail=2").await.well();
    let lines: Vec<(&str, &str)> = dated.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!(lines.iter().map(|(_, text)| *text).collect::<Vec<_>>(), ["tick 2", "tick 3"]);
    assert!(lines.iter().all(|(time, _)| time.parse::<jiff::Timestamp>().is_ok()), "{dated}");
    assert!(lines[0].0 < lines[1].0, "{dated}");
    assert_eq!(desk.say("logs quiet --since-time=2100-01-01T00:00:00Z").await.well(), "");
    assert_eq!(desk.say("logs ticks --limit-bytes=6").await.well(), "tick 1");
    desk.close().await;
}
