//! `longshore cancel`

use crate::arguments::Cancel;
use crate::cloud::{self, Cloud, Whose, order};
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::runs::{self, Run};
use crate::screen::Screen;
use crate::{run_id, stack};

/// Ask for the end of a run, or of several, and return at once.
///
/// # Errors
/// When there is no such run (exit code 2), or no stack (3).
pub async fn cancel(arguments: &Cancel, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    if let Some(url) = &arguments.queue_url {
        return elsewhere(arguments, url, screen).await;
    }
    let cloud = Cloud::of(&stack::running(environment)?);
    if let Some(selector) = &arguments.selector {
        cloud.cancel(&order("selector", &selector.to_string(), &arguments.reason)).await?;
        screen.note(&format!(
            "cancelling every active run with labels `{selector}`; `longshore list` shows them"
        ));
    }
    if let Some(run_id) = &arguments.run_id {
        match runs::find(&cloud, run_id).await? {
            Run::Ended(result) => {
                screen.note(&format!("run `{run_id}` has ended already: {}", result.state));
            }
            Run::Active(_) => {
                cloud.cancel(&order("runId", run_id, &arguments.reason)).await?;
                screen.note(&format!(
                    "cancelling run `{run_id}`; `longshore status {run_id}` says when it has ended"
                ));
            }
        }
    }
    Ok(SUCCEEDED)
}

/// A deployment on AWS is told, and not looked at: its queue says nothing about its bucket.
async fn elsewhere(arguments: &Cancel, url: &str, screen: Screen) -> Result<u8, Failure> {
    let (which, value) = match (&arguments.run_id, &arguments.selector) {
        (Some(run_id), _) => {
            run_id::check(run_id)?;
            ("runId", run_id.clone())
        }
        (None, Some(selector)) => ("selector", selector.to_string()),
        (None, None) => return Err(Failure::wrong("say which run, or which labels")),
    };
    let sqs = aws_sdk_sqs::Client::new(&shared::cluster::aws::configure().await);
    cloud::send(&sqs, Whose::Aws, url, &order(which, &value, &arguments.reason).to_string()).await?;
    screen.note(
        "told the deployment to cancel; `longshore status RUN --bucket NAME` says when a run has ended",
    );
    Ok(SUCCEEDED)
}
