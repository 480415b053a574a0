//! `longshore render`

use serde_json::Value;
use shared::pod::{self, Grants, PodIdentity};

use crate::arguments::Render;
use crate::document::{Document, PROVISIONAL_BUCKET};
use crate::exit::{Failure, SUCCEEDED};
use crate::screen::Screen;
use crate::yaml;

/// The run id that stands in a rendered pod.
const RUN_ID: &str = "render";

/// Print the pod of a task's first attempt: no stack, no network, no file but the document.
///
/// # Errors
/// Every problem of the document (exit code 2).
pub fn render(arguments: &Render, screen: Screen) -> Result<u8, Failure> {
    let document = Document::read(&arguments.task.file, &arguments.task.inputs, screen.err_paint)?;
    let pod = pod(&document, arguments.use_connection, screen)?;
    match arguments.json {
        true => screen.line(&format!("{pod:#}")),
        false => screen.write(&yaml::to_string(&pod)),
    }
    Ok(SUCCEEDED)
}

fn pod(document: &Document, use_connection: bool, screen: Screen) -> Result<Value, Failure> {
    let plan = document.plan(RUN_ID, PROVISIONAL_BUCKET, !use_connection, screen.err_paint)?;
    for warning in &plan.warnings {
        screen.note(&format!("{} {warning}", screen.err_paint.yellow("warning:")));
    }
    let identity = PodIdentity { run_id: RUN_ID, attempt: 1, submission_hash: "", group: "" };
    Ok(pod::build(&plan, &identity, Grants { manifest_url: None }))
}
