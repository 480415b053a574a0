//! The script beside this file, run against a cluster.

use crate::packages::{self, Missing};
use cluster::container::StageCommand;
use cluster::{Cluster, ClusterConfig};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// The longest that the script may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// What it prints.
const EXPECTED: &str = "\
created python Pending
twice 409 Conflict
watched ['MODIFIED']
listed ['python']
log first
exec 'got input\\n' 'err\\n' 7
deleted DELETED
gone 404 Not Found
";

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_creates_watches_reads_the_log_runs_a_command_and_deletes() {
    let installed = tokio::task::spawn_blocking(|| packages::environment_with("kubernetes")).await.unwrap();
    let environment = match installed {
        Ok(environment) => environment,
        Err(Missing::Python(reason)) => panic!("install Python 3 with `venv`: {reason}"),
        Err(Missing::Package(reason)) => {
            let _ = writeln!(
                std::io::stderr(),
                "skipped: the package `kubernetes` cannot be installed: {reason}"
            );
            return;
        }
    };
    let directory = tempfile::tempdir().unwrap();
    let stage = StageCommand::new(env!("CARGO_BIN_EXE_longshore-container"));
    let config = ClusterConfig::new(directory.path().join("node"), stage);
    let cluster = Cluster::start(config).await.unwrap();
    let kubeconfig = directory.path().join("kubeconfig.yaml");
    std::fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/client.py");
    let mut python = Command::new(environment.join("bin/python"));
    python.arg(script).arg(kubeconfig).env("HOME", directory.path()).env("NO_PROXY", "127.0.0.1");
    python.kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, python.output()).await.unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, EXPECTED);
    cluster.shutdown().await;
}
