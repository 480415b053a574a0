//! The changes that the command makes to a document before it sends it: where it runs, and whether its pod stays.

use serde_json::{Map, Value, json};

/// The task runner that a script has when it names none.
const DEFAULT_RUNNER: &str = "io.kestra.plugin.kubernetes.runner.Kubernetes";

/// Which connection the document is sent with.
#[derive(Clone, Debug, PartialEq)]
pub enum ConnectionChoice {
    /// The one it has.
    Keep,
    /// None: the deployment's own cluster.
    Remove,
    /// Another one, as Kestra writes it.
    Replace(Value),
}

/// Remove or replace the `connection` of a `PodCreate` and the `config` of a task runner; nothing else changes.
/// The answer says whether the document had a connection of its own that it now lacks.
pub fn choose_connection(document: &mut Value, choice: &ConnectionChoice) -> bool {
    let mut had_one = false;
    let needed = matches!(choice, ConnectionChoice::Replace(_));
    for task in tasks(document) {
        let Some((holder, property)) = connection_place(task, needed) else { continue };
        had_one |= match choice {
            ConnectionChoice::Keep => false,
            ConnectionChoice::Remove => holder.shift_remove(property).is_some_and(|old| !old.is_null()),
            ConnectionChoice::Replace(connection) => {
                holder.insert(property.to_owned(), connection.clone()).is_some_and(|old| !old.is_null())
            }
        };
    }
    had_one
}

/// Set `delete: false`, so that the pod stays after its run.
pub fn keep_pod(document: &mut Value) {
    for task in tasks(document) {
        if let Some((holder, _)) = connection_place(task, true) {
            let is_airflow = ["operator", "executor"].iter().any(|key| holder.contains_key(*key));
            let (key, value) =
                if is_airflow { ("on_finish_action", "keep_pod".into()) } else { ("delete", false.into()) };
            holder.insert(key.to_owned(), value);
        }
    }
}

/// The tasks of a document: those of a flow, else the document itself.
fn tasks(document: &mut Value) -> Vec<&mut Map<String, Value>> {
    let Some(object) = document.as_object_mut() else { return Vec::new() };
    if object.get("tasks").is_some_and(Value::is_array) {
        let tasks = object.get_mut("tasks").and_then(Value::as_array_mut);
        return tasks.into_iter().flatten().filter_map(Value::as_object_mut).collect();
    }
    vec![object]
}

/// The object that says where the pod goes, and the property in it: a task runner's `config`, or a `PodCreate`'s `connection`.
/// A script without a task runner gets one if the place is `needed`.
fn connection_place(
    task: &mut Map<String, Value>,
    needed: bool,
) -> Option<(&mut Map<String, Value>, &'static str)> {
    let is_pod_create =
        task.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with(".PodCreate"));
    let is_airflow = ["operator", "executor"].iter().any(|key| task.contains_key(*key));
    if is_pod_create || is_airflow {
        return Some((task, "connection"));
    }
    if needed && task.contains_key("type") && task.get("taskRunner").is_none_or(Value::is_null) {
        task.insert("taskRunner".to_owned(), json!({ "type": DEFAULT_RUNNER }));
    }
    task.get_mut("taskRunner").and_then(Value::as_object_mut).map(|runner| (runner, "config"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Value {
        json!({"id": "f", "namespace": "n", "inputs": [{"id": "x"}], "tasks": [{
            "id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "config": "not a connection",
            "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "namespace": "default",
                "config": {"masterUrl": "https://docker-for-desktop:6443"}, "pullPolicy": "Always"},
            "commands": ["true"],
        }]})
    }

    fn pod_create() -> Value {
        json!({"id": "p", "type": "io.kestra.plugin.kubernetes.core.PodCreate", "namespace": "default",
            "connection": {"masterUrl": "https://example"}, "spec": {"containers": []}})
    }

    #[test]
    fn a_runner_loses_its_config_and_nothing_else() {
        let mut document = flow();
        assert!(choose_connection(&mut document, &ConnectionChoice::Remove));
        let text = serde_json::to_string(&flow()).unwrap();
        let expected = text.replace(r#""config":{"masterUrl":"https://docker-for-desktop:6443"},"#, "");
        assert_eq!(serde_json::to_string(&document).unwrap(), expected);
    }

    #[test]
    fn a_pod_create_loses_its_connection_and_keeps_the_order_of_the_rest() {
        let mut document = pod_create();
        assert!(choose_connection(&mut document, &ConnectionChoice::Remove));
        let keys: Vec<_> = document.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "type", "namespace", "spec"]);
    }

    #[test]
    fn a_document_without_a_connection_stays_as_it_is() {
        for document in
            [json!({"id": "x", "type": "a.Script"}), json!({"tasks": "nonsense"}), json!(7), json!([])]
        {
            let mut changed = document.clone();
            assert!(!choose_connection(&mut changed, &ConnectionChoice::Remove));
            assert_eq!(changed, document);
        }
    }

    #[test]
    fn keeping_changes_nothing_and_says_nothing() {
        let mut document = flow();
        assert!(!choose_connection(&mut document, &ConnectionChoice::Keep));
        assert_eq!(document, flow());
    }

    #[test]
    fn another_connection_takes_the_place_of_the_old_one() {
        let mut document = pod_create();
        let other = json!({"masterUrl": "https://other"});
        assert!(choose_connection(&mut document, &ConnectionChoice::Replace(other.clone())));
        assert_eq!(document.get("connection"), Some(&other));
    }

    #[test]
    fn a_script_without_a_runner_gets_one_to_hold_the_connection() {
        let mut document =
            json!({"id": "s", "type": "io.kestra.plugin.scripts.shell.Script", "script": "true"});
        assert!(!choose_connection(&mut document, &ConnectionChoice::Replace(json!({"masterUrl": "u"}))));
        let expected = json!({"type": DEFAULT_RUNNER, "config": {"masterUrl": "u"}});
        assert_eq!(document.get("taskRunner"), Some(&expected));
    }

    #[test]
    fn keeping_the_pod_is_said_where_the_document_would_say_it() {
        let (mut flow, mut pod) = (flow(), pod_create());
        keep_pod(&mut flow);
        keep_pod(&mut pod);
        assert_eq!(flow.pointer("/tasks/0/taskRunner/delete"), Some(&json!(false)));
        assert_eq!(pod.get("delete"), Some(&json!(false)));
    }
}
