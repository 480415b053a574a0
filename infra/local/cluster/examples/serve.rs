//! A cluster for trying things by hand: `cargo run --example serve -- DIRECTORY`, then
//! `kubectl --kubeconfig DIRECTORY/kubeconfig.yaml get pods`. It ends with Ctrl-C.

use cluster::container::{self, StageCommand};
use cluster::{Cluster, ClusterConfig, StaticToken};
use serde_json::json;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = container::stage(std::env::args_os()) {
        return code;
    }
    let directory = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("cluster"), PathBuf::from);
    let outcome = tokio::runtime::Runtime::new()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(serve(directory)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "failed to serve: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(directory: PathBuf) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    let mut config = ClusterConfig::new(directory.join("node"), StageCommand::this_program());
    let metadata = json!({"name": "runner", "namespace": "default"});
    config.manifests = vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create", "delete", "watch", "list"]},
            {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get", "watch"]},
            {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "watch"]},
        ]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": metadata,
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "runner"},
               "subjects": [{"kind": "ServiceAccount", "name": "runner", "namespace": "default"}]}),
    ];
    let user = "system:serviceaccount:default:runner";
    config.tokens = vec![StaticToken { token: "runner-token".into(), user: user.into(), groups: vec![] }];
    let cluster = Cluster::start(config).await?;
    std::fs::write(directory.join("kubeconfig.yaml"), cluster.kubeconfig())?;
    std::fs::write(directory.join("runner.yaml"), cluster.kubeconfig_for("runner", "runner-token"))?;
    writeln!(std::io::stdout(), "{} (kubeconfig in {})", cluster.url(), directory.display())?;
    tokio::signal::ctrl_c().await?;
    cluster.shutdown().await;
    Ok(())
}
