//! `longshore run`

use shared::run::result::RunResult;

use crate::arguments::Run;
use crate::cloud::Cloud;
use crate::document::{Document, PROVISIONAL_BUCKET};
use crate::environment::Environment;
use crate::exit::{self, Failure};
use crate::follow::{Followed, Follower, Subject};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::stack::{self, Stack};
use crate::{cluster, download, leaving, limits, report, target, template};

/// Bring the stack up if needed, run a task on it, and tell everything about it. What was started here is stopped here.
///
/// # Errors
/// Every problem of the document (exit code 2), or when stack or cluster cannot be reached (3).
pub async fn run(arguments: &Run, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let document = Document::read(&arguments.task.file, &arguments.task.inputs, screen.err_paint)?;
    let run_id = document.run_id(None)?;
    let connection =
        target::choose(&stack::cluster(&arguments.stack, environment)?, arguments.use_connection)?;
    // What lies in the stack's bucket can be asked for only once it runs.
    if document.missing_template(PROVISIONAL_BUCKET)?.is_none() {
        document.plan(&run_id, PROVISIONAL_BUCKET, !arguments.use_connection, screen.err_paint)?;
    }
    let document = document.tailored(&connection, arguments.keep);
    if let Some(directory) = &arguments.out {
        download::prepare(directory)?;
    }

    let interrupt = Interrupt::listen()?;
    let mut progress = Progress::new(screen, arguments.json);
    let owner = (!arguments.keep).then(std::process::id);
    let stack = stack::ensure(&arguments.stack, owner, environment, &mut progress, &interrupt).await?;
    if let Some(line) = limits::of(&stack.endpoints) {
        screen.aside(&line);
    }
    if document.connection_changed {
        screen.aside(target::REPLACED);
    }
    let outcome = carry_out(arguments, document, &run_id, &stack, &mut progress, &interrupt, screen).await;
    progress.clear();
    if let Ok(Some(result)) = &outcome {
        show(result, arguments.json, screen)?;
    }
    if stack.started && !arguments.keep {
        stack::stop(&environment.state, &mut progress).await?;
    }
    match outcome? {
        Some(result) => Ok(exit::of_state(result.state)),
        None => Ok(exit::CANCELLED),
    }
}

/// Send the task, follow it, fetch its files. `None` when it was killed.
async fn carry_out(
    arguments: &Run,
    document: Document,
    run_id: &str,
    stack: &Stack,
    progress: &mut Progress,
    interrupt: &Interrupt,
    screen: Screen,
) -> Result<Option<RunResult>, Failure> {
    let cloud = Cloud::of(&stack.endpoints);
    let document = template::attached(document, cloud.s3(), &cloud.bucket).await?;
    // Planned again, because the name of the bucket may stand in the task.
    let plan = document.plan(run_id, &cloud.bucket, false, screen.err_paint)?;
    let message = document.message(run_id, &cloud.bucket)?;
    progress.begin("submit", run_id);
    for upload in &message.uploads {
        progress.detail(&format!("uploading {}", upload.file.display()));
        cloud.upload(&upload.file, &upload.key).await?;
    }
    cloud.submit(&message.body).await?;
    progress.done(run_id);

    // Without the cluster the run goes on all the same; only its log comes later.
    let client = if arguments.use_connection {
        None
    } else {
        cluster::connect(&stack.endpoints.kubeconfig).await.ok()
    };
    let subject = Subject { run_id, deciding: &plan.deciding, cloud: &cloud, cluster: client.as_ref() };
    let mut follower = Follower::new(subject, progress);
    let followed = follower.follow(interrupt).await;
    let pod = follower.pod().cloned();
    match followed? {
        Followed::Killed => {
            leaving::kill(client.as_ref(), pod.as_ref(), progress).await;
            Ok(None)
        }
        Followed::Ended(result) => {
            if let Some(directory) = arguments.out.as_ref().filter(|_| !result.output_files.is_empty()) {
                progress.begin("files", "downloading");
                download::all(&cloud, &result.output_files, directory, |path| {
                    if screen.live {
                        progress.detail(path);
                    }
                })
                .await?;
                progress.done(&format!("{} in {}", result.output_files.len(), directory.display()));
            }
            if interrupt.count() > 0 {
                leaving::wait(client.as_ref(), pod.as_ref(), progress, interrupt).await;
            }
            Ok(Some(*result))
        }
    }
}

fn show(result: &RunResult, json: bool, screen: Screen) -> Result<(), Failure> {
    match json {
        true => {
            let value = report::json(result)
                .map_err(|error| Failure::failed("cannot write the result").because(&error))?;
            screen.line(&format!("{value:#}"));
        }
        false => screen.write(&format!("\n{}", report::text(result, screen.out_paint))),
    }
    Ok(())
}
