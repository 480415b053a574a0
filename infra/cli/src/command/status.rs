//! `longshore status`

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use shared::run::observation::{Observation, Roles};
use shared::run::record::Record;
use shared::run::state::State;

use crate::arguments::Status;
use crate::deployment::Deployment;
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::runs::{self, Run};
use crate::screen::Screen;
use crate::table::aligned;
use crate::{clock, cluster, report};

/// Print the result of a run, or where it is.
///
/// # Errors
/// When there is no such run (exit code 2), or no stack (3).
pub async fn status(arguments: &Status, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let Deployment { cloud, kubeconfig } = Deployment::of(&arguments.place, environment).await?;
    match runs::find(&cloud, &arguments.run_id).await? {
        Run::Ended(result) if arguments.json => {
            let value = report::json(&result)
                .map_err(|error| Failure::failed("cannot write the result").because(&error))?;
            screen.line(&format!("{value:#}"));
        }
        Run::Ended(result) => screen.write(&report::text(&result, screen.out_paint)),
        Run::Active(record) => {
            let sight = match &kubeconfig {
                Some(file) => {
                    pod(file, &record).await.map_or(Sight::NotThere, |pod| Sight::There(Box::new(pod)))
                }
                None => Sight::NotLookedAt,
            };
            let state = match &sight {
                Sight::There(pod) => state(&record, Some(pod)),
                Sight::NotThere => state(&record, None),
                Sight::NotLookedAt => record.apparent_state(),
            };
            match arguments.json {
                true => screen.line(&format!("{:#}", json(&record, state))),
                false => {
                    let head = format!(
                        "{}  {}\n",
                        report::state(state, screen.out_paint),
                        screen.out_paint.bold(&record.run_id)
                    );
                    screen.write(&format!("{head}{}", aligned(&rows(&record, &sight), 2)));
                }
            }
        }
    }
    Ok(SUCCEEDED)
}

/// What is known of the pod of an attempt under way.
enum Sight {
    /// The cluster has it.
    There(Box<Pod>),
    /// The cluster does not have it, or does not answer.
    NotThere,
    /// Nobody asked the cluster.
    NotLookedAt,
}

/// The pod of the attempt under way, if the cluster can be asked and has it.
async fn pod(kubeconfig: &std::path::Path, record: &Record) -> Option<Pod> {
    let client = cluster::connect(kubeconfig).await.ok()?;
    cluster::pods(&client, namespace(record)).get_opt(&record.attempt.pod_name).await.ok()?
}

fn namespace(record: &Record) -> &str {
    record.plan.target.namespace.as_deref().unwrap_or("default")
}

/// The state as the functions would tell it on seeing the same.
pub fn state(record: &Record, pod: Option<&Pod>) -> State {
    let now = clock::now();
    match pod {
        Some(pod) => {
            let observation = Observation::of(pod, &Roles::of(&record.plan), now);
            let decided = shared::run::decide(record, &observation, now).state;
            // What the pod has come to is not the run's end before the result is written.
            if decided.is_terminal() { State::Collecting } else { decided }
        }
        None if record.has_pod() => State::Collecting,
        None if record.past.is_empty() => State::Accepted,
        None => State::Retrying,
    }
}

fn rows(record: &Record, sight: &Sight) -> Vec<Vec<String>> {
    let now = clock::now();
    let mut rows = vec![
        vec!["task".to_owned(), record.plan.task.id.clone()],
        vec![
            "accepted".to_owned(),
            format!("{}  {}", record.accepted_at, clock::ago(record.accepted_at, now)),
        ],
        vec!["attempt".to_owned(), record.attempt.number.to_string()],
    ];
    let phase = match sight {
        Sight::There(pod) => pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default(),
        Sight::NotThere => "not there".to_owned(),
        Sight::NotLookedAt => "not looked at; `kubectl describe pod` tells of it".to_owned(),
    };
    rows.push(vec!["pod".to_owned(), format!("{}/{}  {phase}", namespace(record), record.attempt.pod_name)]);
    if let Some(words) = &record.waiting_for {
        rows.push(vec!["waits".to_owned(), words.clone()]);
    }
    if let Some(time) = record.not_before {
        rows.push(vec!["until".to_owned(), time.to_string()]);
    }
    if let Some(cancel) = &record.cancel {
        rows.push(vec!["cancelled".to_owned(), format!("{}  {}", cancel.reason, clock::ago(cancel.at, now))]);
    }
    for past in &record.past {
        rows.push(vec![format!("attempt {}", past.number), past.diagnosis.message.clone()]);
    }
    rows
}

fn json(record: &Record, state: State) -> serde_json::Value {
    json!({
        "runId": record.run_id,
        "state": state,
        "attempt": record.attempt.number,
        "podName": record.attempt.pod_name,
        "namespace": namespace(record),
        "acceptedAt": record.accepted_at,
        "waitingFor": record.waiting_for,
        "notBefore": record.not_before,
        "cancelled": record.cancel.is_some(),
    })
}
