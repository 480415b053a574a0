//! A submission planned for a run of this deployment.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::directory::DirectoryError;
use crate::environment::Environment;
use crate::error::Error;
use crate::resolve::plan::{ClusterChoice, Plan};
use crate::resolve::transfer::{self, Means};
use crate::resolve::{self, Context};
use crate::spec::clusters::DEFAULT;
use crate::spec::problem::{Problem, Problems};
use crate::spec::read;
use crate::spec::submission::Submission;
use crate::spec::worker_group::Fallback;
use crate::store::bucket::BucketError;
use crate::store::rejections;

/// The plan, with the cluster as the task names it ([`lead`] finds out which it is); or every problem of the submission.
///
/// # Errors
/// When the pod template that the task names cannot be read now, and perhaps later.
pub async fn of(
    environment: &Environment,
    submission: &Submission,
    run_id: &str,
) -> Result<Result<Plan, Problems>, BucketError> {
    let mut templates = BTreeMap::new();
    let context = Context {
        run_id,
        inputs: &submission.inputs,
        trigger: &submission.trigger,
        bucket: &environment.config.bucket,
        accepted_at: environment.clock.now(),
        templates: &BTreeMap::new(),
        replace_connection: false,
    };
    if let Some(key) = resolve::template_key(submission, &context) {
        match template(environment, &key).await? {
            Ok(template) => drop(templates.insert(key, template)),
            Err(problem) => return Ok(Err(Problems(vec![*problem]))),
        }
    }
    let context = Context { templates: &templates, ..context };
    let means = Means {
        image: environment.config.helper_image.as_deref(),
        signing_seconds: environment.config.signing_seconds,
    };
    Ok(resolve::plan_of(submission, &context).map(|mut plan| {
        transfer::settle(&mut plan, means);
        plan
    }))
}

/// Lead a plan to its cluster: what `config/clusters.yaml` says of it, and the deployment's namespace where nothing names one. A key that leads nowhere
/// stays, as the name of a cluster that is not known (yet).
///
/// # Errors
/// When the file cannot be read, or has problems and the plan depends on it.
pub async fn lead(environment: &Environment, mut plan: Plan) -> Result<Plan, Error> {
    let target = &mut plan.target;
    let loaded = environment.directory.load(environment.bucket.as_ref(), environment.clock.now()).await;
    if let Err(DirectoryError::Problems { rejection, .. }) = &loaded {
        // Here, where somebody depends on it for the first time, people are told.
        rejections::write(environment.bucket.as_ref(), &rejection.id, &rejection.rejection).await?;
    }
    let entry = match (&target.cluster, loaded) {
        (ClusterChoice::Explicit(_), _) => None,
        // It is known where it goes; until the file is right again, it waits in line.
        (ClusterChoice::Default, Err(DirectoryError::Problems { .. })) => None,
        (ClusterChoice::Default | ClusterChoice::Named(_), Err(error)) => return Err(error.into()),
        (ClusterChoice::Default, Ok(clusters)) => clusters.named(DEFAULT).cloned(),
        (ClusterChoice::Named(key), Ok(clusters)) => {
            let name = clusters.led_to_by(key).unwrap_or(key).to_owned();
            let entry = clusters.named(&name).cloned().unwrap_or_default();
            target.cluster =
                if name == DEFAULT { ClusterChoice::Default } else { ClusterChoice::Named(name) };
            Some(entry)
        }
    };
    if let Some(entry) = entry {
        target.fallback = target.fallback.or(entry.fallback).or(Some(Fallback::Wait));
        let of_connection = || entry.connection.as_ref().and_then(|connection| connection.namespace.clone());
        target.namespace = target.namespace.take().or(entry.namespace.clone()).or_else(of_connection);
    }
    target.namespace.get_or_insert_with(|| environment.config.namespace.clone());
    Ok(plan)
}

/// A pod in the bucket; one that is not there, or is none, is a problem of the submission.
async fn template(environment: &Environment, key: &str) -> Result<Result<Value, Box<Problem>>, BucketError> {
    match environment.bucket.get(key).await {
        Ok(object) => Ok(read::tree(&object.bytes).map_err(|problem| {
            // its line is one of the template, not of the submission
            let at = problem.line.map(|line| format!(" in line {line}")).unwrap_or_default();
            Box::new(Problem::new("", format!("the pod template `{key}` {}{at}", problem.message)))
        })),
        Err(error) if error.is_out_of_reach() => {
            Ok(Err(Box::new(Problem::new("", format!("the pod template cannot be read: {error}")))))
        }
        Err(error) => Err(error),
    }
}
