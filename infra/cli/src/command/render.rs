//! `longshore render`

use serde_json::{Value, json};
use shared::pod::{self, Grants, PodIdentity};

use crate::arguments::Render;
use crate::document::{Document, PROVISIONAL_BUCKET};
use crate::exit::{Failure, SUCCEEDED};
use crate::explanation;
use crate::screen::Screen;
use crate::yaml;

/// The run id that stands in a rendered pod.
const RUN_ID: &str = "render";

const IDENTITY: PodIdentity<'static> =
    PodIdentity { run_id: RUN_ID, attempt: 1, submission_hash: "", group: "" };

/// Print the pod of a task's first attempt: no stack, no network, no file but the document.
///
/// # Errors
/// Every problem of the document (exit code 2).
pub fn render(arguments: &Render, screen: Screen) -> Result<u8, Failure> {
    let document = Document::read(&arguments.task.file, &arguments.task.inputs, screen.err_paint)?;
    let pod = pod(&document, arguments.use_connection, screen)?;
    if arguments.explain {
        let explained =
            document.explain(&IDENTITY, PROVISIONAL_BUCKET, !arguments.use_connection, screen.err_paint)?;
        match arguments.json {
            true => {
                screen.line(&format!("{:#}", json!({ "pod": explained.pod, "origins": explained.origins })))
            }
            false => screen.write(&explanation::annotated(&explained, screen.out_paint)),
        }
        return Ok(SUCCEEDED);
    }
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
    Ok(pod::build(&plan, &IDENTITY, Grants { manifest_url: None }))
}
