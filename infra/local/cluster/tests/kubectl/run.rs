//! Making pods do something: exec, run, wait, delete, apply.

use crate::desk::{Desk, STAYS};

#[tokio::test(flavor = "multi_thread")]
async fn exec_passes_input_on_and_ends_with_the_exit_code_of_the_command() {
    let desk = Desk::open().await;
    desk.ready("sh").await;
    let failed = desk.say_with("exec sh --", &["sh", "-c", "echo out; echo err >&2; exit 7"]).await;
    assert_eq!(failed.code, 7);
    assert_eq!(failed.out, "out\n");
    assert_eq!(failed.err, "err\ncommand terminated with exit code 7\n");
    let command = desk.command("exec -i sh -- cat", &[]);
    assert_eq!(desk.finish(command, "from stdin\nno end of line").await.well(), "from stdin\nno end of line");
    let missing = desk.say("exec sh -- no-such-program").await;
    assert_ne!(missing.code, 0);
    assert!(missing.err.contains("no-such-program"), "{}", missing.err);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn run_attaches_tells_the_exit_code_and_removes_the_pod() {
    let desk = Desk::open().await;
    let line = "run krun --rm --attach --restart=Never --image=busybox:1.36 --";
    let said = desk.say_with(line, &["sh", "-c", "sleep 1; echo from run; exit 4"]).await;
    assert_eq!(said.code, 4, "{said:#?}");
    assert!(said.out.starts_with("from run\npod \"krun\" deleted"), "{}", said.out);
    assert!(said.err.ends_with("pod default/krun terminated (Error)\n"), "{}", said.err);
    assert_eq!(desk.say("get pods -o name").await.well(), "");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_sees_what_it_waits_for_or_says_that_it_did_not_come() {
    let desk = Desk::open().await;
    desk.pod("stays", STAYS).await;
    let ready = desk.say("wait pod/stays --for=condition=Ready --timeout=30s").await;
    assert_eq!(ready.well(), "pod/stays condition met\n");
    desk.pod("ends", "sleep 0.2").await;
    let ended = desk.say("wait pod/ends --for=jsonpath={.status.phase}=Succeeded --timeout=30s").await;
    assert_eq!(ended.well(), "pod/ends condition met\n");
    let late = desk.say("wait pod/stays --for=condition=Nope --timeout=1s").await;
    assert_eq!(late.refused(), "error: timed out waiting for the condition on pods/stays");
    desk.say("delete pod stays --wait=false").await.well();
    let gone = desk.say("wait pod/stays --for=delete --timeout=30s").await;
    assert_eq!(gone.code, 0, "{gone:#?}");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_waits_for_the_end_or_forces_it() {
    let desk = Desk::open().await;
    desk.ready("kdel").await;
    desk.ready("kdel2").await;
    let deleted = desk.say("delete pod kdel").await.well();
    assert!(deleted.starts_with("pod \"kdel\" deleted"), "{deleted}");
    let missing = desk.say("get pod kdel").await.refused();
    assert_eq!(missing, "Error from server (NotFound): pods \"kdel\" not found");
    let forced = desk.say("delete pod kdel2 --wait=false --grace-period=0 --force").await;
    assert!(forced.err.starts_with("Warning: Immediate deletion does not wait"), "{}", forced.err);
    assert!(forced.out.starts_with("pod \"kdel2\" force deleted"), "{}", forced.out);
    assert_eq!(desk.say("get pods -o name").await.well(), "");
    assert_eq!(desk.say("delete pod nope --ignore-not-found").await.well(), "");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_checks_on_the_server_creates_and_finds_nothing_to_change() {
    let desk = Desk::open().await;
    let manifest = desk.manifest("kapply", "Never");
    let dry = desk.say(&format!("apply -f {manifest} --dry-run=server")).await;
    assert_eq!(dry.well(), "pod/kapply created (server dry run)\n");
    let missing = desk.say("get pod kapply").await.refused();
    assert_eq!(missing, "Error from server (NotFound): pods \"kapply\" not found");
    let apply = format!("apply -f {manifest}");
    assert_eq!(desk.say(&apply).await.well(), "pod/kapply created\n");
    assert_eq!(desk.say(&apply).await.well(), "pod/kapply unchanged\n");
    let twice = desk.say(&format!("create -f {manifest}")).await.refused();
    let words = format!("error when creating \"{manifest}\": pods \"kapply\" already exists");
    assert_eq!(twice, format!("Error from server (AlreadyExists): {words}"));
    desk.close().await;
}
