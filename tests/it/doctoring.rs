//! `longshore doctor` at the embedded cluster, as somebody whose role lacks verbs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Result;

use cluster::container::StageCommand;
use cluster::{Cluster, ClusterConfig, StaticToken};
use fixtures::binaries;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A cluster with one user besides the administrator, and the kubeconfigs of both.
struct Ward {
    cluster: Cluster,
    administrator: PathBuf,
    user: PathBuf,
    directory: TempDir,
}

impl Ward {
    async fn open(rules: Value) -> Result<Ward> {
        let directory = tempfile::tempdir()?;
        let role = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "some", "namespace": "default" }, "rules": rules });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "some", "namespace": "default" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "nurse" }],
        });
        let stage = StageCommand::new(binaries::directory()?.join("longshore-container"));
        let token = StaticToken { token: "canary-token".into(), user: "nurse".into(), groups: Vec::new() };
        let config = ClusterConfig {
            manifests: vec![role, binding],
            tokens: vec![token],
            ..ClusterConfig::new(directory.path().join("cluster"), stage)
        };
        let cluster = Cluster::start(config).await?;
        let administrator = directory.path().join("administrator.yaml");
        std::fs::write(&administrator, cluster.kubeconfig())?;
        let user = directory.path().join("nurse.yaml");
        std::fs::write(&user, cluster.kubeconfig_for("nurse", "canary-token"))?;
        Ok(Ward { cluster, administrator, user, directory })
    }

    fn file(&self, name: &str, content: &Value) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content.to_string())?;
        Ok(path)
    }
}

/// `longshore doctor` with these arguments; nothing of the environment tells it of a stack.
async fn doctor(state: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(binaries::directory()?.join("longshore"));
    command.arg("doctor").args(arguments).env("LONGSHORE_STATE", state.join("no-stack"));
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

fn said(output: &Output) -> String {
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains("canary"), "{text}");
    text
}

fn without_exec_and_events() -> Value {
    json!([
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get", "list", "watch", "delete"] },
        { "apiGroups": [""], "resources": ["pods/log", "pods/exec"], "verbs": ["get"] },
    ])
}

fn task(more: Value) -> Value {
    let mut task =
        json!({ "id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"] });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_verb_is_told_with_a_role_that_closes_the_gap() -> Result<()> {
    let ward = Ward::open(without_exec_and_events()).await?;
    let (user, place) = (ward.user.display().to_string(), ward.directory.path());
    let output = doctor(place, &["--kubeconfig", &user]).await?;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "as         nurse",
        "version    v1.",
        "exec: needs `get` and `create` on pods/exec, since 1.35",
        "create  pods/exec  output files         missing",
        "get     pods/exec  output files         granted",
        "list    events     diagnosis, optional  missing",
        "not allowed to create pods/exec in namespace `default`",
        "bucket and queues were not looked at",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // The Role as it was printed, applied for this user, makes the patient well.
    let output = doctor(place, &["--kubeconfig", &user, "--json"]).await?;
    let found: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(
        found["rights"].as_array().unwrap().iter().filter(|right| right["granted"] == false).count(),
        2
    );
    let documents: Vec<Value> = serde_saphyr::from_multiple(found["role"].as_str().unwrap()).unwrap();
    assert_eq!([&documents[0]["kind"], &documents[1]["kind"]], ["Role", "RoleBinding"]);
    ward.cluster.shutdown().await;
    let cured = Ward::open(documents[0]["rules"].clone()).await?;
    let output = doctor(place, &["--kubeconfig", &cured.user.display().to_string()]).await?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("everything is there"));
    cured.cluster.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exec_is_needed_only_by_a_task_with_output_files() -> Result<()> {
    let ward = Ward::open(without_exec_and_events()).await?;
    let (user, place) = (ward.user.display().to_string(), ward.directory.path());
    let plain = ward.file("plain.json", &task(json!({})))?.display().to_string();
    let files = ward.file("files.json", &task(json!({ "outputFiles": ["*.csv"] })))?.display().to_string();
    let output = doctor(place, &[&plain, "--kubeconfig", &user]).await?;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        !text.contains("pods/exec  ") && text.contains("everything needed is there; without events"),
        "{text}"
    );
    let output = doctor(place, &[&files, "--kubeconfig", &user]).await?;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    // Another namespace is another question, also for who may do everything here.
    let output = doctor(place, &["--kubeconfig", &user, "--namespace", "elsewhere"]).await?;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("in namespace `elsewhere`"));
    let output = doctor(place, &["--kubeconfig", &ward.administrator.display().to_string()]).await?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    ward.cluster.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exit_code_tells_a_wrong_document_from_a_cluster_that_is_not_there() -> Result<()> {
    let ward = Ward::open(json!([])).await?;
    let (user, place) = (ward.user.display().to_string(), ward.directory.path());
    let wrong = ward.file("wrong.json", &task(json!({ "comands": [] })))?.display().to_string();
    let output = doctor(place, &[&wrong, "--kubeconfig", &user]).await?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = doctor(place, &[]).await?;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("the local stack does not run"));
    let output = doctor(place, &["--in-cluster"]).await?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    // The Role alone needs nobody.
    let output = doctor(place, &["--role", "--namespace", "team"]).await?;
    assert_eq!(output.status.code(), Some(0));
    assert!(said(&output).contains("namespace: team"));
    ward.cluster.shutdown().await;
    let output = doctor(place, &["--kubeconfig", &user]).await?;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    Ok(())
}
