//! `longshore submit`

use serde_json::json;

use crate::arguments::Submit;
use crate::cloud::Cloud;
use crate::document::{Document, PROVISIONAL_BUCKET};
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::screen::Screen;
use crate::{stack, target, template};

/// Check a task, send it, and print its run id.
///
/// # Errors
/// Every problem of the document (exit code 2), or when no stack runs (3).
pub async fn submit(arguments: &Submit, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let document = Document::read(&arguments.task.file, &arguments.task.inputs, screen.err_paint)?;
    let run_id = document.run_id(arguments.run_id.as_deref())?;
    // A mistake is told even when no stack runs; with a pod template of the stack's bucket it cannot be.
    if document.missing_template(PROVISIONAL_BUCKET)?.is_none() {
        document.plan(&run_id, PROVISIONAL_BUCKET, !arguments.use_connection, screen.err_paint)?;
    }
    let endpoints = stack::running(environment)?;
    let cloud = Cloud::of(&endpoints);
    let document = template::attached(document, cloud.s3(), &cloud.bucket).await?;
    document.plan(&run_id, &cloud.bucket, !arguments.use_connection, screen.err_paint)?;
    let document = document.tailored(&target::of_stack(&endpoints, arguments.use_connection)?, false);
    if document.connection_changed {
        screen.aside(target::REPLACED);
    }
    let message = document.message(&run_id, &cloud.bucket)?;
    for upload in &message.uploads {
        cloud.upload(&upload.file, &upload.key).await?;
    }
    cloud.submit(&message.body).await?;
    match arguments.json {
        true => screen.line(&json!({ "runId": run_id }).to_string()),
        false => {
            screen.line(&run_id);
            screen.aside(&format!("submitted; `longshore status {run_id}` says how it goes"));
        }
    }
    Ok(SUCCEEDED)
}
