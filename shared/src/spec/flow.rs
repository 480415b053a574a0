//! The flow around a task: its names, inputs and variables.

use serde_json::{Map, Value};

use super::catalogue::{FLOW, FLOW_INPUT};
use super::fields::Fields;
use super::place::Place;

/// What a flow adds to its one task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// `id`.
    pub id: String,
    /// `namespace`, the author's, not Kubernetes'.
    pub namespace: Option<String>,
    /// Declared inputs, in order.
    pub inputs: Vec<FlowInput>,
    /// `variables`, for `{{ vars.… }}`.
    pub variables: Map<String, Value>,
}

/// One declared input.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowInput {
    /// `id`: the name under `inputs`.
    pub id: String,
    /// `type` in upper case: `STRING`, `FILE`, `INT` …; `STRING` when nothing is said.
    pub kind: String,
    /// `defaults`, the value when none is given.
    pub default: Option<Value>,
    /// `required`; true unless it says false.
    pub required: bool,
    /// Where it is declared.
    pub pointer: String,
}

/// The flow, and its one task with its place. `None` when there is no single task.
pub(crate) fn read<'a>(
    document: &'a Value,
    place: &Place<'a>,
) -> (Option<Flow>, Option<(&'a Value, Place<'a>)>) {
    let Some(fields) = Fields::read(document, place.clone()) else { return (None, None) };
    fields.only(&FLOW);
    let flow = Flow {
        id: fields.required_text("id").unwrap_or_default(),
        namespace: fields.text("namespace"),
        inputs: inputs(&fields),
        variables: fields.object("variables").unwrap_or_default(),
    };
    let tasks = place.at("tasks");
    let task = match fields.value("tasks") {
        Some(Value::Array(list)) => match list.as_slice() {
            [task] => Some((task, tasks.item(0))),
            [] => {
                tasks.wrong("`tasks` is empty; a flow has exactly one task here");
                None
            }
            several => {
                tasks.wrong(format!(
                    "the flow has {} tasks, and one run is one task: a chain of tasks is a Step Functions state machine with one state per task, as in infra/state-machines/chain.asl.json",
                    several.len()
                ));
                None
            }
        },
        Some(other) => {
            tasks.refuse(other, "`tasks` is no list", "a list of one task");
            None
        }
        None => {
            place.wrong("has no `tasks`; a flow has exactly one task here");
            None
        }
    };
    (Some(flow), task)
}

fn inputs(flow: &Fields<'_>) -> Vec<FlowInput> {
    let place = flow.place.at("inputs");
    let list = match flow.value("inputs") {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(other) => {
            place.refuse(other, "`inputs` is no list", "a list of {id, type}");
            return Vec::new();
        }
    };
    let mut inputs: Vec<FlowInput> = Vec::new();
    for (index, input) in list.iter().enumerate() {
        let Some(fields) = Fields::read(input, place.item(index)) else { continue };
        fields.only(&FLOW_INPUT);
        let Some(id) = fields.required_text("id") else { continue };
        if inputs.iter().any(|other| other.id == id) {
            fields.place.at("id").wrong(format!("two inputs are called `{id}`"));
        }
        inputs.push(FlowInput {
            id,
            kind: fields.text("type").unwrap_or_else(|| "STRING".to_owned()).to_uppercase(),
            default: fields.value("defaults").or_else(|| fields.value("prefill")).cloned(),
            required: fields.flag("required").unwrap_or(true),
            pointer: fields.place.pointer().to_owned(),
        });
    }
    inputs
}
