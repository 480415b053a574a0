//! Functions that may do what their roles in the template allow, and nothing else.

use anyhow::{Context, Result};
use serde_json::json;
use shared::run::diagnosis::Cause;
use shared::run::state::State;

use crate::examples::in_bucket;
use crate::stack::Site;
use crate::tasks::{endless, shell};
use crate::wait::SOON;
use crate::{pods, wait};

#[tokio::test]
async fn every_function_does_its_work_with_the_rights_of_its_role_and_no_others() -> Result<()> {
    let owner = std::process::id();
    let stack = Site::new(&format!("rights-{owner}"))?.enforcing_roles().up(owner).await?;
    let told = stack.cloud.queue("told").await?;
    let pattern = json!({"source": ["longshore"]});
    stack.cloud.rule("told", &pattern, &told).await?;

    // trigger, submit, poll, collect, notify; with files and variables
    let more = json!({
        "inputFiles": {"in.txt": "there and back"},
        "outputFiles": ["out.txt"],
    });
    let commands = ["cp in.txt out.txt", "echo '::{\"outputs\":{\"rows\":4}}::'"];
    let task = shell("rights", &commands, more);
    stack.cloud.put("submissions/rights.json", task.to_string()).await?;
    let ended = wait::until("the end of the run", SOON, || async {
        let keys = stack.cloud.keys("runs/rights").await?;
        let result = keys.iter().find_map(|key| key.strip_prefix("runs/")?.strip_suffix("/result.json"));
        Ok(result.map(str::to_owned))
    });
    let run_id = ended.await?;
    let result = stack.cloud.result(&run_id).await?.context("it was listed")?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    assert_eq!(result.warnings, Vec::<String>::new());
    assert_eq!(in_bucket(&stack, &result).await?["out.txt"], b"there and back");
    let (_, event) = wait::until("the event", SOON, || stack.cloud.answer(&told)).await?;
    assert_eq!(event.pointer("/detail/runId"), Some(&json!(run_id)));
    pods::gone(&stack, &run_id).await?;

    // another attempt
    let retry = json!({"retry": {"type": "constant", "interval": "PT0.1S", "maxAttempts": 2}});
    let result = stack.run(&shell("retried", &["exit 3"], retry), &[]).await?.ended_with(1)?;
    assert_eq!((result.state, result.attempt), (State::Failed, 2), "{:?}", result.diagnosis);

    // cancel
    let run_id = stack.submit(&endless("cancelled", json!({}))).await?;
    pods::running(&stack, &run_id).await?;
    assert_eq!(stack.longshore(&["cancel", &run_id]).await?.code, 0);
    let result = wait::until("the end of the run", SOON, || stack.cloud.result(&run_id)).await?;
    assert_eq!(result.state, State::Cancelled);

    // The functions told it, as CloudWatch wants to hear it.
    let log = std::fs::read_to_string(stack.state_directory().join("emulator.log"))?;
    for metric in ["RunsAccepted", "PodsCreated", "RunsRetried", "RunsEnded", "CollectedBytes"] {
        assert!(log.contains(&format!(r#"{{"Name":"{metric}""#)), "no line tells `{metric}`");
    }

    // An object that exists, and that the deployment's `InputObjects` does not name.
    let uri = stack.cloud.put_elsewhere("elsewhere", "data.csv", "not for you").await?;
    let task = shell("forbidden", &["cat data.csv"], json!({"inputFiles": {"data.csv": uri}}));
    let result = stack.run(&task, &[]).await?.ended_with(1)?;
    let diagnosis = result.diagnosis.context("it failed")?;
    assert_eq!(diagnosis.cause, Cause::InputMissing, "{diagnosis:?}");
    Ok(())
}
