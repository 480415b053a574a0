//! `run`

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shared::outputs::direct;
use shared::outputs::stamped::StampedLines;

use crate::stage::{PREFIX, Stage};
use crate::store::Trouble;

/// The lines of the log as far as it was uploaded.
fn log(stage: &Stage) -> Vec<String> {
    let mut lines = StampedLines::default();
    let parts = (1..)
        .map_while(|number| stage.store.object(&format!("{PREFIX}{}", direct::log_part("main", number))));
    let told: Vec<_> = parts.flat_map(|part| lines.push(&part)).collect();
    told.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()).collect()
}

async fn until(mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.expect("it never came to that");
}

#[tokio::test]
async fn the_exit_code_is_the_programs_and_its_output_goes_both_ways() {
    let stage = Stage::new().await;
    let script = "echo out; echo err >&2; echo made > made.txt; printf 'no end'; exit 42";
    let output = stage.run(&stage.grant(&["*.txt"]), script).output().await.unwrap();
    assert_eq!(output.status.code(), Some(42));
    assert_eq!(output.stdout, b"out\nno end");
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("err\n"));
    let mut lines = log(&stage);
    lines.sort();
    assert_eq!(lines, ["err", "no end", "out"]);
    assert_eq!(stage.done().log_parts, Some(1));
    assert_eq!(stage.output("made.txt").unwrap(), b"made\n");
}

#[tokio::test]
async fn a_signal_reaches_the_program_and_a_death_by_one_is_told_as_a_shell_tells_it() {
    let stage = Stage::new().await;
    let grants = stage.grant(&["*"]);
    for (script, expected) in [
        ("trap 'echo stopping; exit 7' TERM; echo ready; while :; do sleep 0.05; done", 7),
        ("echo ready; exec sleep 100", 143),
    ] {
        let mut child = stage.run(&grants, script).spawn().unwrap();
        let mut ready = [0; 6];
        tokio::io::AsyncReadExt::read_exact(child.stdout.as_mut().unwrap(), &mut ready).await.unwrap();
        kill(Pid::from_raw(child.id().unwrap().try_into().unwrap()), Signal::SIGTERM).unwrap();
        assert_eq!(child.wait_with_output().await.unwrap().status.code(), Some(expected), "{script}");
    }
}

#[tokio::test]
async fn the_log_is_in_the_bucket_while_the_program_runs_and_stays_when_all_is_killed() {
    let stage = Stage::new().await;
    let script = "echo first; echo second; exec sleep 100";
    let mut child = stage.run(&stage.grant(&["*"]), script).spawn().unwrap();
    until(|| log(&stage).len() == 2).await;
    child.kill().await.unwrap();
    assert_eq!(log(&stage), ["first", "second"]);
    assert!(stage.store.object(&format!("{PREFIX}done.json")).is_none());
}

#[tokio::test]
async fn a_store_that_does_not_answer_holds_nobody_up() {
    let stage = Stage::new().await;
    stage.store.trouble(Trouble { slow_posts: Duration::from_secs(2), ..Trouble::default() });
    let grants = stage.grant(&[]);
    let output = stage.run(&grants, "head -c 1000000 /dev/zero | tr '\\0' '\\n'").output().await.unwrap();
    assert!(output.status.success() && output.stdout.len() == 1_000_000);
    // 31 bytes a line, 8 MiB at most on their way: some was left out, and that is said.
    assert_eq!(stage.done().log_parts, None);
}

#[tokio::test]
async fn without_grants_the_program_runs_all_the_same() {
    let stage = Stage::new().await;
    let nowhere = format!("{}/b/grants.json?signed=0", stage.store.url);
    let output = stage.run(&nowhere, "exit 3").output().await.unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("the grants for outputs has expired or was refused")
    );
}

#[tokio::test]
async fn the_program_does_not_see_the_grants_and_a_missing_one_is_told_as_a_shell_tells_it() {
    let stage = Stage::new().await;
    let grants = stage.grant(&[]);
    let output = stage.run(&grants, "env").output().await.unwrap();
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(seen.contains("LONGSHORE_WORKING_DIR") && !seen.contains("LONGSHORE_GRANTS"), "{seen}");
    let mut missing = stage.helper(&["run", "--", "/no/such/program"]);
    let output = missing.env("LONGSHORE_GRANTS", &grants).output().await.unwrap();
    assert_eq!(output.status.code(), Some(127));
}
