//! What the code says to a vector.

use serde_json::{Map, Value, json};
use shared::merge;
use shared::outputs::globs::Selection;
use shared::outputs::lines::LineReader;
use shared::pod::{self, Grants, PodIdentity};
use shared::resolve::plan::Plan;
use shared::resolve::{self, Context};
use shared::spec::answer::Asked;
use shared::spec::problem::Problems;
use shared::spec::quantity::Quantity;
use shared::spec::submission::Submission;
use shared::spec::{duration, glob, label, name};

/// The answer of an area.
pub fn of(area: &str, input: &Value) -> Value {
    match area {
        "duration" => answer(duration::seconds(text(input)).map(Value::from)),
        "quantity" => answer(Quantity::parse(text(input)).map(|_| true.into())),
        "quantity-order" => order(input),
        "container-name" => name::is_dns_label(text(input)).into(),
        "label-value" => label::legal_value(text(input)).into(),
        "label-key" => name::is_label_key(text(input)).into(),
        "image" => name::is_image(text(input)).into(),
        "input-path" => answer(name::file_path(text(input)).map(Value::from)),
        "pod-name" => pod_name(text(input)),
        "glob" => selects(input),
        "lines" => lines(input),
        "merge-metadata" => layered(input, merge::metadata),
        "merge-container" => layered(input, merge::container),
        "merge-pod" => layered(input, merge::pod_spec),
        "commands" => problems(with(commands(), "", input)),
        "runner" => problems(with(commands(), "/taskRunner", input)),
        "pod-create" => problems(with(pod_create(), "", input)),
        "connection" => problems(with(pod_create(), "/connection", input)),
        "pod-shape" => shape(&built(input)),
        "carriers" => carriers(&built(input)),
        "limits" => json!(planned(with(pod_create(), "", input)).unwrap().limits),
        other => panic!("nobody answers `{other}`"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn answer<E: std::fmt::Display>(outcome: Result<Value, E>) -> Value {
    outcome.unwrap_or_else(|error| json!({ "refused": error.to_string() }))
}

fn order(input: &Value) -> Value {
    let of = |index: usize| {
        let amount = &input[index];
        Quantity::parse(amount.as_str().unwrap_or(&amount.to_string())).unwrap()
    };
    match of(0).cmp(&of(1)) {
        std::cmp::Ordering::Less => "<".into(),
        std::cmp::Ordering::Equal => "=".into(),
        std::cmp::Ordering::Greater => ">".into(),
    }
}

/// The readable part.
fn pod_name(id: &str) -> Value {
    let plan = planned(with(commands(), "", &json!({ "id": id }))).unwrap();
    let name = pod::name(&plan, "run-1", 1);
    assert!(name::is_dns_label(&name), "{name}");
    name.rsplit_once('-').unwrap().0.into()
}

fn selects(input: &Value) -> Value {
    let (pattern, file) = (text(&input[0]), text(&input[1]));
    answer(glob::normalise(pattern).map(|glob| {
        let selection = Selection::new(&[glob], None).unwrap();
        selection.selects(file).into()
    }))
}

fn lines(input: &Value) -> Value {
    let mut reader = LineReader::default();
    for line in input.as_array().unwrap() {
        reader.line(text(line));
    }
    let said = reader.finish();
    let mut answer = Map::new();
    let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
    if !said.outputs.is_empty() {
        put("outputs", said.outputs.into());
    }
    if !said.metrics.is_empty() {
        put("metrics", said.metrics.iter().map(|metric| metric.name.clone()).collect());
    }
    if !said.entries.is_empty() {
        put("logs", said.entries.iter().map(|entry| json!(entry.level)).collect());
    }
    if !said.warnings.is_empty() {
        put("warnings", said.warnings.len().into());
    }
    answer.into()
}

type Merge = fn(&Map<String, Value>, &Map<String, Value>) -> Map<String, Value>;

fn layered(input: &Value, merge: Merge) -> Value {
    let layers = input.as_array().unwrap().iter().map(|layer| layer.as_object().unwrap().clone());
    layers.reduce(|under, over| merge(&under, &over)).unwrap().into()
}

fn commands() -> Value {
    json!({
        "id": "load",
        "type": "io.kestra.plugin.scripts.shell.Commands",
        "commands": ["true"],
        "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes"},
    })
}

fn pod_create() -> Value {
    json!({
        "id": "load",
        "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "spec": {"containers": [{"name": "main", "image": "busybox"}]},
    })
}

fn with(mut document: Value, at: &str, properties: &Value) -> Value {
    if document.pointer(at).is_none() {
        document[at.trim_start_matches('/')] = json!({});
    }
    let object = document.pointer_mut(at).and_then(Value::as_object_mut).unwrap();
    object.extend(properties.as_object().unwrap().clone());
    document
}

fn planned(document: Value) -> Result<Plan, Problems> {
    let none = Map::new();
    let submission = Submission {
        run_id: None,
        document,
        inputs: Map::new(),
        trigger: Map::new(),
        pointer_base: String::new(),
        asked: Asked::default(),
        origin: None,
        priority: None,
    };
    let context = Context {
        run_id: "run-1",
        inputs: &none,
        trigger: &none,
        bucket: "longshore",
        accepted_at: jiff::Timestamp::UNIX_EPOCH,
        templates: &std::collections::BTreeMap::new(),
        replace_connection: false,
    };
    resolve::plan_of(&submission, &context)
}

/// The pointers of all problems, in order.
fn problems(document: Value) -> Value {
    let mut pointers: Vec<String> = match planned(document) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.into_iter().map(|problem| problem.pointer).collect(),
    };
    pointers.sort();
    pointers.into()
}

fn built(properties: &Value) -> Value {
    let plan = planned(with(pod_create(), "", properties)).unwrap();
    let identity = PodIdentity { run_id: "run-1", attempt: 1, submission_hash: "", group: "" };
    pod::build(
        &plan,
        &identity,
        Grants { manifest_url: Some("https://example.com/manifest"), ..Grants::default() },
    )
}

fn containers<'a>(pod: &'a Value, key: &str) -> &'a [Value] {
    pod["spec"][key].as_array().map_or(&[], Vec::as_slice)
}

fn shape(pod: &Value) -> Value {
    let names = |key: &str| -> Vec<String> {
        containers(pod, key).iter().map(|container| text(&container["name"]).to_owned()).collect()
    };
    let both = containers(pod, "initContainers").iter().chain(containers(pod, "containers"));
    let has_volume = |container: &&Value| {
        container["volumeMounts"]
            .as_array()
            .is_some_and(|mounts| mounts.iter().any(|mount| mount["mountPath"] == "/kestra"))
    };
    let mut mounted: Vec<&str> = both.filter(has_volume).map(|container| text(&container["name"])).collect();
    mounted.sort_unstable();
    json!({ "init": names("initContainers"), "containers": names("containers"), "mounted": mounted })
}

/// What containers and carriers have beyond image, program and mounts.
fn carriers(pod: &Value) -> Value {
    let both = containers(pod, "initContainers").iter().chain(containers(pod, "containers"));
    both.map(|container| {
        let mut fields = container.as_object().unwrap().clone();
        fields.retain(|key, _| ["resources", "securityContext"].contains(&key.as_str()));
        (text(&container["name"]).to_owned(), Value::Object(fields))
    })
    .collect::<Map<String, Value>>()
    .into()
}
