//! `longshore cancel`

use crate::arguments::Cancel;
use crate::cloud::Cloud;
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::runs::{self, Run};
use crate::screen::Screen;
use crate::stack;

/// Ask for the end of a run, or of several, and return at once.
///
/// # Errors
/// When there is no such run (exit code 2), or no stack (3).
pub async fn cancel(arguments: &Cancel, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let cloud = Cloud::of(&stack::running(environment)?);
    if let Some(selector) = &arguments.selector {
        cloud.cancel_selected(&selector.to_string(), &arguments.reason).await?;
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
                cloud.cancel(run_id, &arguments.reason).await?;
                screen.note(&format!(
                    "cancelling run `{run_id}`; `longshore status {run_id}` says when it has ended"
                ));
            }
        }
    }
    Ok(SUCCEEDED)
}
