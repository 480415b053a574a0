//! `longshore doctor`

use std::path::Path;
use std::sync::Arc;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, PostParams};
use local::{ClusterChoice, Endpoints};
use shared::clock::SystemClock;
use shared::cluster::access::{self, Access};
use shared::cluster::client::Permission;
use shared::cluster::kube::{Credentials, KubeCluster};
use shared::cluster::kubeconfig;
use shared::cluster::sources::Deployment;
use shared::cluster::version::Version;
use shared::resolve::plan::{ClusterChoice as PlannedCluster, Plan};
use shared::spec::connection::Connection;
use shared::store::allowed::Allowed;

use crate::arguments::Doctor;
use crate::checkup::{self, Checkup};
use crate::document::{Document, PROVISIONAL_BUCKET};
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::screen::Screen;
use crate::services::Services;
use crate::stack;

/// Under `longshore doctor --help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  everything that is needed is there
  1  a right is missing; the Role that grants it is printed
  2  the document or the arguments are wrong
  3  the cluster, the bucket or a queue could not be reached";

/// Kubernetes namespace when nobody names one, as the template has it.
const DEFAULT_NAMESPACE: &str = "default";

/// Look at everything that a task needs, and print what is there and what is not.
///
/// # Errors
/// When the document is wrong (exit code 2), or the cluster does not answer (3).
pub async fn doctor(arguments: &Doctor, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let plan = plan(arguments, screen)?;
    let needed = needed(plan.as_ref());
    if arguments.role {
        let namespace = namespace(arguments, plan.as_ref(), None);
        screen.write(&checkup::role(&namespace, &needed));
        return Ok(SUCCEEDED);
    }
    let patient = patient(arguments, plan.as_ref(), environment).await?;
    let namespace = namespace(arguments, plan.as_ref(), patient.namespace.clone());
    let found = examine(patient, namespace, &needed).await?;
    match arguments.json {
        true => screen.line(&format!("{:#}", found.json())),
        false => screen.write(&found.text(screen.out_paint)),
    }
    Ok(found.code())
}

/// What the document comes to, if there is one.
fn plan(arguments: &Doctor, screen: Screen) -> Result<Option<Plan>, Failure> {
    let Some(file) = &arguments.file else { return Ok(None) };
    let document = Document::read(file, &arguments.inputs, screen.err_paint)?;
    document.plan("doctor", PROVISIONAL_BUCKET, !arguments.use_connection, screen.err_paint).map(Some)
}

/// Every verb that the task needs; without a task, that any task needs.
fn needed(plan: Option<&Plan>) -> Vec<Permission> {
    let mut needed = access::needs(plan.is_none_or(|plan| plan.files.has_outputs()));
    needed.push(access::EVENTS);
    needed
}

fn namespace(arguments: &Doctor, plan: Option<&Plan>, of_cluster: Option<String>) -> String {
    let of_task = plan.and_then(|plan| plan.target.namespace.clone());
    of_task
        .or_else(|| arguments.namespace.clone())
        .or(of_cluster)
        .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
}

/// Whom to look at.
struct Patient {
    name: String,
    credentials: Credentials,
    /// The namespace that a kubeconfig's context names.
    namespace: Option<String>,
    services: Option<Services>,
}

async fn patient(
    arguments: &Doctor,
    plan: Option<&Plan>,
    environment: &Environment,
) -> Result<Patient, Failure> {
    if let Some(file) = &arguments.kubeconfig {
        let connection = kubeconfig::connection(file, arguments.context.as_deref()).map_err(|error| {
            Failure::wrong(format!("cannot use `--kubeconfig {}`", file.display())).because(&error)
        })?;
        return Ok(outside(connection));
    }
    if arguments.in_cluster {
        let connection = kubeconfig::in_cluster(Path::new(kubeconfig::SERVICE_ACCOUNT))
            .map_err(|error| Failure::wrong("cannot use `--in-cluster`").because(&error))?;
        return Ok(outside(connection));
    }
    if let Some(cluster) = &arguments.cluster {
        let aws = Box::new(shared::cluster::aws::configure().await);
        return Ok(Patient {
            name: format!("EKS cluster `{cluster}`"),
            credentials: Credentials::Eks { cluster: cluster.clone(), aws },
            namespace: None,
            services: Services::of_environment().await,
        });
    }
    let endpoints = stack::running(environment)?;
    let written = match plan.map(|plan| &plan.target.cluster) {
        Some(PlannedCluster::Explicit(connection)) => Some(connection.clone()),
        Some(PlannedCluster::Named(name)) => {
            return Err(Failure::wrong(format!(
                "the document asks for the cluster `{name}` of config/clusters.yaml; say which one it is with `--cluster` or `--kubeconfig`"
            )));
        }
        Some(PlannedCluster::Default) | None => None,
    };
    let services = Some(Services::of_stack(&endpoints));
    let patient = match (written, &endpoints.cluster) {
        (Some(connection), _) => Patient {
            name: format!(
                "`{}`, by the document's connection",
                connection.master_url.as_deref().unwrap_or("its cluster")
            ),
            credentials: Credentials::Explicit {
                connection,
                deployment: Some(Box::new(deployment(&endpoints))),
            },
            namespace: None,
            services,
        },
        (None, ClusterChoice::Kubeconfig { file, .. }) => {
            let connection = kubeconfig::connection(file, None).map_err(|error| {
                Failure::wrong(format!("cannot use `{}`", file.display())).because(&error)
            })?;
            Patient { services, ..outside(connection) }
        }
        (None, ClusterChoice::Embedded | ClusterChoice::Hollow { .. }) => {
            let Deployment { aws, cluster, .. } = deployment(&endpoints);
            let cluster = cluster.unwrap_or_default();
            // EKS answers at an address of its own.
            let aws = match &endpoints.eks_endpoint_url {
                Some(url) => aws.into_builder().endpoint_url(url).build(),
                None => aws,
            };
            Patient {
                name: format!("the stack's `{cluster}`, as its functions reach it"),
                credentials: Credentials::Eks { cluster, aws: Box::new(aws) },
                namespace: None,
                services,
            }
        }
    };
    Ok(patient)
}

/// A cluster without a deployment.
fn outside(connection: Connection) -> Patient {
    Patient {
        name: connection.master_url.clone().unwrap_or_else(|| "the cluster of this pod".to_owned()),
        namespace: connection.namespace.clone(),
        credentials: Credentials::plain(connection),
        services: None,
    }
}

/// The stack as its functions see it.
fn deployment(endpoints: &Endpoints) -> Deployment {
    let aws = local::aws::configure(endpoints);
    Deployment {
        aws,
        bucket: endpoints.bucket.clone(),
        cluster: endpoints.cluster_name.clone(),
        input_objects: Allowed::default(),
    }
}

async fn examine(patient: Patient, namespace: String, needed: &[Permission]) -> Result<Checkup, Failure> {
    let cluster = KubeCluster::new(patient.credentials, Arc::new(SystemClock));
    let unreachable = || {
        Failure::unreachable(format!("cannot look at {}", patient.name))
            .remedy("see that it runs and that the way to it is right")
    };
    let missing = Access::default()
        .missing(&cluster, "doctor", &namespace, needed)
        .await
        .map_err(|error| unreachable().because(&error))?;
    let client = cluster.client().await.map_err(|error| unreachable().because(&error))?;
    let services = match &patient.services {
        Some(services) => services.look().await,
        None => Vec::new(),
    };
    Ok(Checkup {
        cluster: patient.name.clone(),
        identity: whoami(&client).await,
        version: version(&client).await,
        namespace,
        rights: needed.iter().map(|permission| (*permission, !missing.contains(permission))).collect(),
        services,
    })
}

/// `kubectl auth whoami`; not every cluster answers it.
async fn whoami(client: &kube::Client) -> Option<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await.ok()?;
    review.status?.user_info?.username
}

async fn version(client: &kube::Client) -> Option<(String, Vec<String>)> {
    let answer = client.apiserver_version().await.ok()?;
    let implications = Version::of(&answer.major, &answer.minor).map(Version::implications);
    Some((answer.git_version, implications.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_task_everything_that_any_task_needs_is_looked_at() {
        let words = access::in_words(&needed(None));
        assert!(words.contains("create pods/exec") && words.ends_with("list events"), "{words}");
    }
}
