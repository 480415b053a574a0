//! `longshore logs`

use shared::resolve::plan::Deciding;
use shared::run::record::Record;
use shared::run::result::{LogObject, RunResult};
use tokio::sync::mpsc;

use crate::arguments::Logs;
use crate::cloud::Cloud;
use crate::cluster::{self, Stage};
use crate::deployment::Deployment;
use crate::download::address;
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::lines::Lines;
use crate::pod_log::{self, Source};
use crate::runs::{self, Run};
use crate::screen::Screen;
use crate::uploaded::{self, End, Uploaded};

/// How often a container that has not started is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(300);

/// Print the stored log of a run that has ended, else what its pod has written so far.
///
/// # Errors
/// When there is no such run or container (exit code 2), or no stack (3).
pub async fn logs(arguments: &Logs, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let Deployment { cloud, kubeconfig } = Deployment::of(&arguments.place, environment).await?;
    match runs::find(&cloud, &arguments.run_id).await? {
        Run::Ended(result) => stored(&cloud, &result, arguments, 0, screen).await,
        Run::Active(record) => {
            let Some(kubeconfig) = kubeconfig else {
                return uploaded(&cloud, *record, arguments, screen).await;
            };
            let client = cluster::connect(&kubeconfig).await?;
            live(&client, &cloud, &record, arguments, screen).await
        }
    }
}

/// Without a way to the cluster: what the run's helper has uploaded.
async fn uploaded(cloud: &Cloud, record: Record, arguments: &Logs, screen: Screen) -> Result<u8, Failure> {
    let is_wanted = |name: &&str| arguments.container.as_deref().is_none_or(|wanted| wanted == *name);
    let Some(container) = uploaded::container(&record).filter(is_wanted).map(str::to_owned) else {
        return Err(not_stored(&record, arguments));
    };
    let mut lines = Lines::new(arguments.timestamps);
    match Uploaded::new(cloud, record).tell(&container, arguments.follow, &mut lines, screen).await? {
        End::Result(result, told) => {
            let rest = Logs { container: Some(container), ..arguments.clone() };
            stored(cloud, &result, &rest, told, screen).await
        }
        End::Now => Ok(SUCCEEDED),
    }
}

/// The log of a run under way is its cluster's, to which only the shell knows the way.
fn not_stored(record: &Record, arguments: &Logs) -> Failure {
    let namespace = record.plan.target.namespace.as_deref().unwrap_or("default");
    let container = match (&arguments.container, &record.plan.deciding) {
        (Some(name), _) | (None, Deciding::Container(name)) => format!("-c {name}"),
        (None, Deciding::All) => "--all-containers".to_owned(),
    };
    let follow = if arguments.follow { " -f" } else { "" };
    Failure::failed(format!("run `{}` is under way, and its log is not in the bucket yet", record.run_id))
        .remedy(format!(
            "`kubectl logs{follow} -n {namespace} {} {container}` in its cluster",
            record.attempt.pod_name
        ))
}

/// The log objects of a run that has ended, without the lines that were told while it ran. They are stored with the time of each line.
async fn stored(
    cloud: &Cloud,
    result: &RunResult,
    arguments: &Logs,
    told: usize,
    screen: Screen,
) -> Result<u8, Failure> {
    let container = arguments.container.as_deref();
    let wanted: Vec<(&String, &LogObject)> =
        result.logs.iter().filter(|(name, _)| container.is_none_or(|wanted| wanted == *name)).collect();
    if wanted.is_empty() {
        let names: Vec<_> = result.logs.keys().map(String::as_str).collect();
        let has = if names.is_empty() {
            "it has none".to_owned()
        } else {
            format!("it has `{}`", names.join("`, `"))
        };
        let what =
            container.map_or_else(|| "no log".to_owned(), |name| format!("no log of container `{name}`"));
        return Err(Failure::wrong(format!("run `{}` has {what}", result.run_id)).remedy(has));
    }
    for (name, log) in &wanted {
        if wanted.len() > 1 {
            screen.aside(&format!("container {name}"));
        }
        if !log.complete {
            screen.aside("the beginning was rotated away before it could be read");
        }
        let missing = || Failure::failed(format!("the log is no longer at `{}`", log.uri));
        let (bucket, key) = address(&log.uri).ok_or_else(missing)?;
        let mut body = cloud.open(bucket, key).await?.ok_or_else(missing)?;
        let mut lines = Lines::new(arguments.timestamps).after(told);
        while let Some(bytes) = body
            .try_next()
            .await
            .map_err(|error| Failure::unreachable("cannot read the log").because(&error))?
        {
            lines.write(&bytes, screen);
        }
        lines.finish(screen);
    }
    Ok(SUCCEEDED)
}

/// The log of a pod; with `-f` until its containers end.
async fn live(
    client: &kube::Client,
    cloud: &Cloud,
    record: &Record,
    arguments: &Logs,
    screen: Screen,
) -> Result<u8, Failure> {
    let namespace = record.plan.target.namespace.as_deref().unwrap_or("default");
    let name = &record.attempt.pod_name;
    let pods = cluster::pods(client, namespace);
    let deciding =
        arguments.container.clone().map_or_else(|| record.plan.deciding.clone(), Deciding::Container);
    let containers = loop {
        let found = pods
            .get_opt(name)
            .await
            .map_err(|error| Failure::unreachable("cannot ask the cluster").because(&error))?;
        if let Some(pod) = &found {
            let containers = cluster::deciding(pod, &deciding);
            let waits = containers
                .iter()
                .any(|container| matches!(cluster::stage(pod, container), Stage::Waiting(_)));
            if !waits {
                break containers;
            }
        }
        if let Some(result) = runs::result(cloud, &record.run_id).await? {
            return stored(cloud, &result, arguments, 0, screen).await;
        }
        if !arguments.follow {
            return Err(Failure::failed(format!("pod `{namespace}/{name}` has not started"))
                .remedy(format!("`longshore logs -f {}` waits for it", record.run_id)));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let (sender, mut receiver) = mpsc::channel(1024);
    let several = containers.len() > 1;
    for container in containers {
        let source = Source {
            pod: name.clone(),
            container,
            follow: arguments.follow,
            timestamps: arguments.timestamps,
        };
        tokio::spawn(pod_log::read(pods.clone(), source, sender.clone()));
    }
    drop(sender);
    while let Some(line) = receiver.recv().await {
        match several {
            true => screen.line(&format!("{} {}", screen.out_paint.dim(&line.container), line.text)),
            false => screen.line(&line.text),
        }
    }
    Ok(SUCCEEDED)
}
