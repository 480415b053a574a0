//! The names that templates may use.

use serde_json::{Map, Value, json};

use super::Context;
use crate::spec::dialect::Dialect;
use crate::spec::dialect::airflow::{self, Jinja, Surroundings};
use crate::spec::flow::{Flow, FlowInput};
use crate::spec::layout::{OUTPUT_DIR, WORKING_DIR};
use crate::spec::place::{Place, has_template};
use crate::spec::problem::Problem;
use crate::spec::task::TaskDocument;

/// Names that Kestra has and a run here cannot know, each with what to do instead.
const REFUSED: [(&str, &str); 14] = [
    ("envs", "pass the value as an input"),
    ("globals", "pass the value as an input"),
    (
        "secret",
        "name a Kubernetes secret with `valueFrom.secretKeyRef` or `envFrom`; in a connection, a secret of AWS Secrets Manager by its ARN",
    ),
    ("kv", "pass the value as an input"),
    ("read", "pass the file with `inputFiles`"),
    ("render", "write the template where it is used"),
    ("outputs", "a run is one task; pass the value as an input"),
    ("parent", "pass the value as an input"),
    ("parents", "pass the value as an input"),
    ("labels", "pass the value as an input"),
    ("namespace", "pass the value as an input"),
    ("kestra", "pass the value as an input"),
    (
        "taskrun.attemptsCount",
        "templates are rendered once for all attempts; the annotation `longshore.dev/attempt` of the pod has the number",
    ),
    ("taskrun.value", "pass the value as an input"),
];

/// Everything that a template can refer to.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    tree: Map<String, Value>,
    refused: &'static [(&'static str, &'static str)],
    jinja: Option<Jinja>,
}

/// What the texts of a task mention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    /// `{{ workingDir }}`, or a path in it.
    pub(crate) working_dir_name: bool,
    /// `WORKING_DIR`.
    pub(crate) working_dir_variable: bool,
    /// `{{ outputDir }}`.
    pub(crate) output_dir_name: bool,
    /// `OUTPUT_DIR`.
    pub(crate) output_dir_variable: bool,
}

impl Names {
    /// The names of a run. A declared input without value and default is a problem, as is an input that the flow does not declare.
    pub(crate) fn new(document: &TaskDocument, context: &Context<'_>, place: &Place<'_>) -> Self {
        if document.dialect == Dialect::Airflow {
            let &Context { run_id, inputs, trigger, accepted_at, .. } = context;
            let around = Surroundings { run_id, inputs, trigger, accepted_at };
            let jinja = Jinja::new(&around, place);
            let tree = jinja.tree(&document.task, &around);
            return Names { tree, refused: &airflow::REFUSED, jinja: Some(jinja) };
        }
        let text = |key: &str| document.task.get(key).and_then(Value::as_str).unwrap_or_default();
        let flow = document.flow.as_ref();
        let mut tree = Map::new();
        tree.insert("inputs".to_owned(), Value::Object(inputs(flow, context, place)));
        tree.insert("trigger".to_owned(), Value::Object(context.trigger.clone()));
        tree.insert("vars".to_owned(), flow.map(|flow| flow.variables.clone()).unwrap_or_default().into());
        tree.insert("workingDir".to_owned(), WORKING_DIR.into());
        tree.insert("outputDir".to_owned(), format!("{WORKING_DIR}/{OUTPUT_DIR}").into());
        tree.insert("outputFiles".to_owned(), Value::Object(output_files(&document.task)));
        tree.insert("run".to_owned(), json!({ "id": context.run_id, "bucket": context.bucket }));
        tree.insert("execution".to_owned(), json!({ "id": context.run_id }));
        tree.insert("taskrun".to_owned(), json!({ "id": context.run_id }));
        tree.insert("task".to_owned(), json!({ "id": text("id"), "type": text("type") }));
        if let Some(flow) = flow {
            tree.insert("flow".to_owned(), json!({ "id": flow.id, "namespace": flow.namespace }));
        }
        Names { tree, refused: &REFUSED, jinja: None }
    }

    /// The names of an upload alone, before it is a run.
    pub(crate) fn of_trigger(trigger: &Map<String, Value>) -> Self {
        let tree = Map::from_iter([("trigger".to_owned(), Value::Object(trigger.clone()))]);
        Names { tree, refused: &REFUSED, jinja: None }
    }

    /// As a value for the template engine.
    pub(crate) fn tree(&self) -> &Map<String, Value> {
        &self.tree
    }

    /// What else the engine has to know.
    pub(crate) fn jinja(&self) -> Option<&Jinja> {
        self.jinja.as_ref()
    }

    /// Names that cannot be used, each with what to do instead.
    pub(crate) fn refused(&self) -> &'static [(&'static str, &'static str)] {
        self.refused
    }

    /// The dotted name exists and is not null.
    pub(crate) fn has(&self, dotted: &str) -> bool {
        if self.jinja.as_ref().is_some_and(|jinja| jinja.has(dotted)) {
            return true;
        }
        let mut parts = dotted.split('.');
        let mut value = parts.next().and_then(|first| self.tree.get(first));
        for part in parts {
            value = value.and_then(|value| value.get(part));
        }
        value.is_some()
    }

    /// What there is beside a name that is not there: the names in the nearest map around it.
    pub(crate) fn beside(&self, dotted: &str) -> String {
        let mut level = &self.tree;
        let mut prefix = String::new();
        for part in dotted.split('.') {
            match level.get(part) {
                Some(Value::Object(inner)) => {
                    level = inner;
                    prefix = format!("{prefix}{part}.");
                }
                _ => break,
            }
        }
        match level.is_empty() {
            true => format!("nothing, `{}` is empty", prefix.trim_end_matches('.')),
            false => level.keys().map(|key| format!("{prefix}{key}")).collect::<Vec<_>>().join(", "),
        }
    }
}

fn inputs(flow: Option<&Flow>, context: &Context<'_>, place: &Place<'_>) -> Map<String, Value> {
    let mut values = context.inputs.clone();
    let Some(flow) = flow else { return values };
    for name in context.inputs.keys().filter(|name| !flow.inputs.iter().any(|input| input.id == **name)) {
        let declared: Vec<&str> = flow.inputs.iter().map(|input| input.id.as_str()).collect();
        let accepted =
            if declared.is_empty() { "the flow has no inputs".to_owned() } else { declared.join(", ") };
        place.note(
            Problem::new("/inputs", format!("`{name}` is not an input of the flow")).accepted(accepted),
        );
    }
    for input in &flow.inputs {
        if values.get(&input.id).is_some_and(|value| !value.is_null()) {
            continue;
        }
        match &input.default {
            Some(default) => {
                values.insert(input.id.clone(), default.clone());
            }
            None if input.required => place.note(missing(input)),
            None => {
                values.insert(input.id.clone(), Value::Null);
            }
        }
    }
    values
}

fn missing(input: &FlowInput) -> Problem {
    let id = &input.id;
    let how = match input.kind.as_str() {
        "FILE" => format!(
            "`--input {id}=@FILE` on the command line, or `\"inputs\": {{\"{id}\": \"s3://bucket/key\"}}` in the message"
        ),
        _ => format!(
            "`--input {id}=VALUE` on the command line, `\"inputs\": {{\"{id}\": …}}` in the message, or `defaults` in the flow"
        ),
    };
    Problem::new(input.pointer.as_str(), format!("the input `{id}` has no value and no default"))
        .accepted(how)
}

/// Declared output files whose names are final: name to absolute path.
fn output_files(task: &Value) -> Map<String, Value> {
    let declared = match task.get("outputFiles") {
        Some(Value::Array(list)) => list.clone(),
        Some(one @ Value::String(_)) => vec![one.clone()],
        _ => Vec::new(),
    };
    let mut files = Map::new();
    for name in declared.iter().filter_map(Value::as_str).filter(|name| !has_template(name)) {
        let path = format!("{WORKING_DIR}/{}", name.trim_start_matches("./").trim_start_matches('/'));
        // `out.txt` in a template means the member `txt` of `out`: both spellings lead to the path
        if let Some((stem, extension)) = name.split_once('.')
            && !stem.is_empty()
            && !name.contains('/')
        {
            let entry = files.entry(stem.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(members) = entry {
                members.insert(extension.to_owned(), path.clone().into());
            }
        }
        files.insert(name.to_owned(), path.into());
    }
    files
}

impl Uses {
    /// Look through every text of a task.
    pub(crate) fn of(task: &Value) -> Self {
        let mut uses = Uses::default();
        for (key, value) in task.as_object().into_iter().flatten() {
            if Dialect::Kestra.renders(key) {
                uses.look(value);
            }
        }
        uses
    }

    fn look(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                let template = has_template(text);
                self.working_dir_name |=
                    template && (text.contains("workingDir") || text.contains("outputFiles"));
                self.working_dir_variable |= text.contains("WORKING_DIR");
                self.output_dir_name |= template && text.contains("outputDir");
                self.output_dir_variable |= text.contains("OUTPUT_DIR");
            }
            Value::Array(list) => list.iter().for_each(|item| self.look(item)),
            Value::Object(map) => map.values().for_each(|item| self.look(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
