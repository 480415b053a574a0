//! `longshore up`

use std::path::Path;

use local::{ClusterChoice, Endpoints};

use crate::arguments::Up;
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::interrupt::Interrupt;
use crate::limits;
use crate::paint::Paint;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::stack;
use crate::table::aligned;

/// Start the stack unless it runs, and say where it is and how to use it.
///
/// # Errors
/// When it does not come up.
pub async fn up(arguments: &Up, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let interrupt = Interrupt::listen()?;
    let mut progress = Progress::new(screen, true);
    let stack =
        stack::ensure(&arguments.stack, arguments.owner, environment, &mut progress, &interrupt).await?;
    screen.write(&text(&stack.endpoints, &environment.state, screen.out_paint));
    if let Some(line) = limits::of(&stack.endpoints) {
        screen.aside(&line);
    }
    Ok(SUCCEEDED)
}

fn text(endpoints: &Endpoints, state: &Path, paint: Paint) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("AWS", format!("{}  region {}, test credentials", endpoints.endpoint_url, endpoints.region)),
        row("bucket", endpoints.bucket.clone()),
        row("queue", endpoints.submissions_queue.clone()),
    ];
    match (&endpoints.cluster, &endpoints.cluster_url) {
        (ClusterChoice::Embedded, Some(url)) => rows.push(row("Kubernetes", format!("{url}  embedded"))),
        (ClusterChoice::Hollow { .. }, Some(url)) => rows.push(row("Kubernetes", format!("{url}  hollow"))),
        (ClusterChoice::Embedded | ClusterChoice::Hollow { .. }, None)
        | (ClusterChoice::Kubeconfig { .. }, _) => {}
    }
    rows.push(row("kubeconfig", endpoints.kubeconfig.display().to_string()));
    rows.push(row("logs", format!("{}/*.log", state.display())));
    let comment =
        |command: &str, words: &str| format!("  {command:<58} {}\n", paint.dim(&format!("# {words}")));
    let mut text = format!("{}\n\n{}\n", paint.bold("The local stack is up"), aligned(&rows, 2));
    text.push_str(&paint.dim("use it"));
    text.push('\n');
    for (command, words) in [
        ("longshore run infra/examples/hello.yaml", "run a task"),
        ("eval \"$(longshore env)\"", "let aws and kubectl find it"),
        ("aws s3 ls --recursive \"s3://$LONGSHORE_BUCKET/runs/\"", "results, logs, files"),
        ("kubectl get pods --watch", "the pods"),
        ("longshore down", "stop it"),
    ] {
        text.push_str(&comment(command, words));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_up_and_how_to_use_it() {
        let endpoints = crate::command::env::tests::endpoints();
        insta::assert_snapshot!(text(&endpoints, Path::new("/c/longshore/stack"), Paint::PLAIN), @r#"
        The local stack is up

          AWS         http://127.0.0.1:4566  region us-east-1, test credentials
          bucket      longshore-000000000000-us-east-1
          queue       http://127.0.0.1:4566/000000000000/submissions
          Kubernetes  https://127.0.0.1:6443  embedded
          kubeconfig  /c/it's/kubeconfig
          logs        /c/longshore/stack/*.log

        use it
          longshore run infra/examples/hello.yaml                    # run a task
          eval "$(longshore env)"                                    # let aws and kubectl find it
          aws s3 ls --recursive "s3://$LONGSHORE_BUCKET/runs/"       # results, logs, files
          kubectl get pods --watch                                   # the pods
          longshore down                                             # stop it
        "#);
    }
}
