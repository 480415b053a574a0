//! The layers of a pod: template, `full_pod_spec`, arguments, override. The later one wins, whatever its value; lists merge by key, never by position.

use serde_json::{Map, Value};

use super::super::super::catalogue::POD_METADATA;
use super::super::super::container;
use super::super::super::fields::Fields;
use super::super::super::label::legal_value;
use super::super::super::name;
use super::super::super::place::{Notes, Place};
use super::super::super::problem::Problem;
use super::arguments;
use crate::merge;

/// Labels that the provider gives its pods; here they find the pods of one task or DAG, as they did there.
const IDENTITY: &str = "kubernetes_pod_operator";

/// The problem of a container that has none.
const NO_IMAGE: &str = "has no `image`";

/// All layers in one.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    pub(super) metadata: Map<String, Value>,
    pub(super) spec: Map<String, Value>,
    /// Kubernetes namespace of the strongest layer that names one.
    pub(super) namespace: Option<String>,
}

/// One layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) metadata: Map<String, Value>,
    pub(super) spec: Map<String, Value>,
}

/// Read and merge them. `task_id` names the pod where no layer does.
pub(super) fn read(fields: &Fields<'_>, base: &str, task_id: &str) -> Layers {
    let pods = ["pod_template_dict", "full_pod_spec"].map(|key| pod(fields, key));
    let over = ["pod_override", "podOverride"].map(|key| pod(fields, key));
    let layers =
        pods.into_iter().flatten().chain([arguments::read(fields, base)]).chain(over.into_iter().flatten());
    let whole = layers.fold(Layer::default(), |under, over| Layer {
        metadata: merge::metadata(&under.metadata, &over.metadata),
        spec: merge::pod_spec(&under.spec, &over.spec),
    });
    let Layer { mut metadata, mut spec } = whole;
    check(&spec, base, fields);
    let namespace = metadata.remove("namespace").and_then(|name| name.as_str().map(str::to_owned));
    if let Some(name) =
        namespace.as_deref().filter(|name| !fields.place.is_open(name) && !name::is_dns_label(name))
    {
        let place = fields.place.at("namespace");
        place.refuse(&name.into(), "is no Kubernetes namespace", "at most 63 of a-z, 0-9 and -");
    }
    if !metadata.contains_key("name") {
        metadata.insert("name".to_owned(), task_id.into());
    }
    spec.insert("restartPolicy".to_owned(), "Never".into());
    let labels = metadata.entry("labels").or_insert_with(|| Map::new().into());
    if let Value::Object(labels) = labels {
        labels.insert("task_id".to_owned(), legal_value(task_id).into());
        labels.insert(IDENTITY.to_owned(), "True".into());
        if let Some(dag) = fields.text("dag_id") {
            labels.insert("dag_id".to_owned(), legal_value(&dag).into());
        }
    }
    Layers { metadata, spec, namespace }
}

/// A whole pod: `metadata` and `spec`.
fn pod(fields: &Fields<'_>, key: &str) -> Option<Layer> {
    let place = fields.place.at(key);
    let pod = fields.spelled(key)?;
    let part = |name: &str| match pod.get(name) {
        None => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(other) => {
            place.at(name).refuse(other, format!("`{name}` is no map"), "a map");
            Map::new()
        }
    };
    for key in pod.as_object().into_iter().flat_map(Map::keys) {
        if !["apiVersion", "kind", "metadata", "spec", "status"].contains(&key.as_str()) {
            place.note(
                Problem::new(place.at(key).pointer(), format!("`{key}` is not part of a pod"))
                    .accepted("metadata, spec"),
            );
        }
    }
    let known = |name: &&String| POD_METADATA.property(name).is_some();
    let metadata = part("metadata").into_iter().filter(|(name, _)| known(&name)).collect();
    Some(Layer { metadata, spec: part("spec") })
}

/// Check the pod that the layers make; a problem stands at the argument that the part comes from.
fn check(spec: &Map<String, Value>, base: &str, fields: &Fields<'_>) {
    let notes = Notes::new(fields.place.reading());
    let place = Place::new(&notes, "");
    container::check_pod_spec(spec, &place, false);
    let containers = container::list(spec, "containers");
    for (index, container) in containers.iter().enumerate() {
        if container.get("image").is_none_or(Value::is_null)
            && container.get("name").and_then(Value::as_str) == Some("main")
        {
            // the check of a pod spec takes `main` for the container of a task runner, whose image comes later
            place.at("containers").item(index).wrong(NO_IMAGE);
        }
    }
    let base_at =
        containers.iter().position(|container| container.get("name").and_then(Value::as_str) == Some(base));
    let named = ["podTemplate", "pod_template_file"].iter().any(|key| fields.text(key).is_some());
    // what a template says is known once it has been read
    let is_open = named && fields.value("pod_template_dict").is_none();
    let told = notes.into_problems().0;
    for problem in told.into_iter().filter(|problem| !is_open || problem.message != NO_IMAGE) {
        let argument = argument(&problem.pointer, base_at);
        let place = match argument {
            Some((key, rest)) if fields.value(key).is_some() => rest
                .split('/')
                .filter(|part| !part.is_empty())
                .fold(fields.place.at(key), |place, part| place.at(part)),
            _ => fields.place.clone(),
        };
        let message = match (argument, problem.message.as_str()) {
            (Some(("image", _)), NO_IMAGE) => {
                format!("no layer gives the container `{base}` an image")
            }
            _ => problem.message.clone(),
        };
        place.note(Problem { pointer: place.pointer().to_owned(), message, ..problem });
    }
}

/// The argument that a part of the pod spec comes from, and the rest of the pointer.
fn argument(pointer: &str, base_at: Option<usize>) -> Option<(&'static str, &str)> {
    let base = base_at.map(|index| format!("/containers/{index}"));
    let in_base = base.as_deref().and_then(|base| pointer.strip_prefix(base));
    if let Some(rest) = in_base.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        let known = [
            ("/resources", "container_resources"),
            ("/env", "env_vars"),
            ("/name", "base_container_name"),
            ("/image", "image"),
        ];
        let found = known.into_iter().find_map(|(field, key)| Some((key, rest.strip_prefix(field)?)));
        return found.or(Some(("image", "")));
    }
    [("/initContainers", "init_containers"), ("/volumes", "volumes")]
        .into_iter()
        .find_map(|(field, key)| Some((key, pointer.strip_prefix(field)?)))
}
