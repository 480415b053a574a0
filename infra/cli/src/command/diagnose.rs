//! `longshore diagnose`

use k8s_openapi::api::core::v1::{Event, Pod};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::run::diagnosis::Diagnosis;
use shared::run::observation::{EventFact, Observation, Roles};
use shared::run::state::State;
use shared::run::verdict_with_events;

use crate::arguments::Diagnose;
use crate::card;
use crate::clock;
use crate::document;
use crate::exit::{Failure, SUCCEEDED};
use crate::paint::Paint;
use crate::report;
use crate::screen::Screen;

/// Print the state of a pod and why it is not a success.
///
/// # Errors
/// When the files are not what they should be (exit code 2).
pub fn diagnose(arguments: &Diagnose, screen: Screen) -> Result<u8, Failure> {
    let name = arguments.file.display().to_string();
    let pod: Pod = one_pod(parse(&name, &document::bytes(&arguments.file)?)?, &name)?;
    let events = match &arguments.events {
        None => Vec::new(),
        Some(file) => {
            let name = file.display().to_string();
            events(parse(&name, &document::bytes(file)?)?, &name)?
        }
    };
    if let Some(main) = &arguments.main {
        check_container(&pod, main)?;
    }
    let now = clock::now();
    let roles = Roles::guess(&pod, arguments.main.as_deref());
    let (state, diagnosis) = verdict_with_events(&Observation::of(&pod, &roles, now), &events, now);
    match arguments.json {
        true => screen.line(&format!("{:#}", json(state, diagnosis.as_ref()))),
        false => screen.write(&text(&pod, state, diagnosis.as_ref(), screen.out_paint)),
    }
    Ok(SUCCEEDED)
}

fn text(pod: &Pod, state: State, diagnosis: Option<&Diagnosis>, paint: Paint) -> String {
    let name = pod.metadata.name.as_deref().unwrap_or("pod");
    let mut text = format!("{}  {}\n", report::state(state, paint), paint.bold(name));
    if let Some(diagnosis) = diagnosis {
        text.push_str(&card::diagnosis(diagnosis, paint));
    }
    text
}

/// All members are always there; null where there is nothing to say.
fn json(state: State, diagnosis: Option<&Diagnosis>) -> Value {
    json!({
        "state": state,
        "class": diagnosis.map(|diagnosis| diagnosis.class),
        "cause": diagnosis.map(|diagnosis| diagnosis.cause),
        "container": diagnosis.and_then(|diagnosis| diagnosis.container.as_ref()),
        "exitCode": diagnosis.and_then(|diagnosis| diagnosis.exit_code),
        "signal": diagnosis.and_then(|diagnosis| diagnosis.signal),
        "message": diagnosis.map(|diagnosis| &diagnosis.message),
        "hint": diagnosis.map(|diagnosis| &diagnosis.hint),
        "evidence": diagnosis.map_or(&[][..], |diagnosis| &diagnosis.evidence),
    })
}

/// A pod, or a list with one.
fn one_pod(value: Value, name: &str) -> Result<Pod, Failure> {
    let wrong = |what: &str| {
        Failure::wrong(format!("`{name}` {what}"))
            .remedy("give one pod, as `kubectl get pod NAME -o json` prints it")
    };
    let value = match items(&value) {
        None => value,
        Some([one]) => one.clone(),
        Some(items) => return Err(wrong(&format!("is a list of {} objects", items.len()))),
    };
    match value.get("kind").and_then(Value::as_str) {
        Some("Pod") => {}
        // Items of a list need not name their kind.
        None if value.get("spec").is_some() => {}
        Some(kind) => return Err(wrong(&format!("is a `{kind}`"))),
        None => return Err(wrong("is no Kubernetes object")),
    }
    typed(value, "pod", name)
}

/// The facts of a list of events, of an array of them, or of one.
fn events(value: Value, name: &str) -> Result<Vec<EventFact>, Failure> {
    let items = match (items(&value), value.as_array()) {
        (Some(items), _) => items.to_vec(),
        (None, Some(array)) => array.clone(),
        (None, None) => vec![value],
    };
    items
        .into_iter()
        .map(|item| typed::<Event>(item, "event", name).map(|event| EventFact::of(&event)))
        .collect()
}

fn items(value: &Value) -> Option<&[Value]> {
    value.get("items").and_then(Value::as_array).map(Vec::as_slice)
}

fn check_container(pod: &Pod, main: &str) -> Result<(), Failure> {
    let names: Vec<_> =
        pod.spec.iter().flat_map(|spec| &spec.containers).map(|container| container.name.as_str()).collect();
    match names.contains(&main) {
        true => Ok(()),
        false => Err(Failure::wrong(format!("the pod has no container `{main}`"))
            .remedy(format!("it has `{}`", names.join("`, `")))),
    }
}

fn parse(name: &str, bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::wrong(format!("`{name}` is no JSON")).because(&error))
}

fn typed<T: DeserializeOwned>(value: Value, kind: &str, name: &str) -> Result<T, Failure> {
    serde_json::from_value(value)
        .map_err(|error| Failure::wrong(format!("`{name}` holds no valid {kind}")).because(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_pod() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "uid": "u", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"containers": [{"name": "main", "image": "alpine"}], "restartPolicy": "Never"},
            "status": {"phase": "Failed", "containerStatuses": [{"name": "main", "image": "alpine", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": 3, "reason": "Error", "startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:02Z"}}}]},
        })
    }

    #[test]
    fn a_list_with_one_pod_is_that_pod() {
        let list = json!({"kind": "List", "items": [failed_pod()]});
        assert_eq!(one_pod(list, "x").unwrap(), one_pod(failed_pod(), "x").unwrap());
    }

    #[test]
    fn what_is_no_single_pod_is_refused_by_what_it_is() {
        for (value, words) in [
            (json!({"kind": "Deployment"}), "is a `Deployment`"),
            (json!({"items": []}), "list of 0"),
            (json!({"items": [1, 2]}), "list of 2"),
            (json!([]), "no Kubernetes object"),
        ] {
            let failure = one_pod(value, "x").unwrap_err();
            assert!(failure.what.contains(words) && failure.code == crate::exit::WRONG, "{}", failure.what);
        }
    }

    #[test]
    fn the_json_has_every_documented_member() {
        let pod = one_pod(failed_pod(), "x").unwrap();
        let now = clock::now();
        let (state, diagnosis) =
            verdict_with_events(&Observation::of(&pod, &Roles::guess(&pod, None), now), &[], now);
        let value = json(state, diagnosis.as_ref());
        let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["state", "class", "cause", "container", "exitCode", "signal", "message", "hint", "evidence"]
        );
        assert_eq!((value.get("state"), value.get("exitCode")), (Some(&json!("FAILED")), Some(&json!(3))));
    }

    #[test]
    fn a_container_that_is_not_there_is_told_with_those_that_are() {
        let pod = one_pod(failed_pod(), "x").unwrap();
        assert!(check_container(&pod, "base").unwrap_err().remedy.unwrap().contains("`main`"));
    }
}
