//! Stacks whose pods run elsewhere: in a cluster that is not their own, as all tests do with `LONGSHORE_E2E_KUBECONFIG`, or nowhere.

use anyhow::Result;
use serde_json::json;
use shared::run::diagnosis::Cause;
use shared::run::state::State;

use crate::examples::in_bucket;
use crate::ground::{Ground, lacks};
use crate::pods::Witness;
use crate::stack::{Site, Stack};
use crate::tasks::{Document, shell};

#[tokio::test]
async fn a_stack_runs_its_tasks_in_the_cluster_of_a_kubeconfig() -> Result<()> {
    if lacks("a second embedded cluster") {
        return Ok(());
    }
    let owner = std::process::id();
    let host = Stack::own("host").await?;
    let ground = Ground::Real { kubeconfig: host.endpoints.kubeconfig.clone(), host: "127.0.0.1".into() };
    let stack = Site::new(&format!("guest-{owner}"))?.up_on(&ground, owner).await?;
    assert!(stack.endpoints.cluster_url.is_none());
    let witness = Witness::begin(&host).await?;
    let more = json!({"inputFiles": {"in.txt": "there and back"}, "outputFiles": ["out.txt"]});
    let result = stack.run(&shell("guest", &["cp in.txt out.txt"], more), &[]).await?.ended_with(0)?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    let files = in_bucket(&stack, &result).await?;
    assert_eq!(files["out.txt"], b"there and back");
    assert_eq!(witness.pods_of(&result.run_id), 1);
    assert_eq!(host.cloud.result(&result.run_id).await?, None);
    Ok(())
}

#[tokio::test]
async fn hollow_pods_have_logs_outputs_and_files_without_running() -> Result<()> {
    if lacks("hollow pods") {
        return Ok(());
    }
    let owner = std::process::id();
    let site = Site::new(&format!("hollow-{owner}"))?;
    let script = Document::of(&json!({"rules": [
        {"match": {"name": "broken-*"}, "steps": [
            {"turn": {"running": {}}}, {"turn": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]},
        {"steps": [{"afterSeconds": 0.2, "turn": {"running": {}}}, {"afterSeconds": 0.2, "turn": {"terminated": {}}}],
         "log": {"lines": 1000, "lineBytes": 100, "text": "::{\"outputs\":{\"rows\":4}}::"},
         "files": [{"path": "out/large.bin", "bytes": 3_000_000}, {"path": "beside"}]},
    ]}))?;
    let stack = site.up_on(&Ground::Hollow(script.file.clone()), owner).await?;
    let task = shell("whole", &["never run"], json!({"outputFiles": ["out/*"]}));
    let result = stack.run(&task, &[]).await?.ended_with(0)?;
    assert_eq!(result.outputs.get("rows"), Some(&json!(4)));
    let files = in_bucket(&stack, &result).await?;
    assert_eq!(files.keys().collect::<Vec<_>>(), ["out/large.bin"]);
    assert_eq!(files["out/large.bin"].len(), 3_000_000);
    let result = stack.run(&shell("broken", &["never run"], json!({})), &[]).await?.ended_with(1)?;
    assert_eq!(result.diagnosis.map(|diagnosis| diagnosis.cause), Some(Cause::OomKilled));
    Ok(())
}
