//! `longshore render`

use serde_json::{Value, json};
use shared::pod::{self, Grants, PodIdentity};

use crate::arguments::Render;
use crate::document::{Document, PROVISIONAL_BUCKET};
use crate::exit::{Failure, SUCCEEDED};
use crate::explanation;
use crate::screen::Screen;
use crate::{template, yaml};

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
    let missing = document.missing_template(PROVISIONAL_BUCKET)?;
    print(&document, PROVISIONAL_BUCKET, arguments, screen).map_err(|failure| match missing {
        Some(key) => failure.remedy(format!(
            "give `--bucket NAME` to read the pod template from Longshore's bucket, or put a copy at `{key}` beside the document"
        )),
        None => failure,
    })
}

/// The same, with the pod template that the document names from Longshore's bucket, by region and credentials of the environment.
///
/// # Errors
/// Every problem of the document (exit code 2), or when the bucket cannot be read (3).
pub async fn with_bucket(arguments: &Render, screen: Screen) -> Result<u8, Failure> {
    let document = Document::read(&arguments.task.file, &arguments.task.inputs, screen.err_paint)?;
    let bucket = arguments.bucket.as_deref().unwrap_or(PROVISIONAL_BUCKET);
    let sdk = shared::cluster::aws::configure().await;
    let document = template::attached(document, &shared::cluster::aws::s3(&sdk, None), bucket).await?;
    print(&document, bucket, arguments, screen)
}

fn print(document: &Document, bucket: &str, arguments: &Render, screen: Screen) -> Result<u8, Failure> {
    let pod = pod(document, bucket, arguments.use_connection, screen)?;
    if arguments.explain {
        let explained = document.explain(&IDENTITY, bucket, !arguments.use_connection, screen.err_paint)?;
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

fn pod(document: &Document, bucket: &str, use_connection: bool, screen: Screen) -> Result<Value, Failure> {
    let plan = document.plan(RUN_ID, bucket, !use_connection, screen.err_paint)?;
    for warning in &plan.warnings {
        screen.note(&format!("{} {warning}", screen.err_paint.yellow("warning:")));
    }
    Ok(pod::build(&plan, &IDENTITY, Grants::default()))
}
