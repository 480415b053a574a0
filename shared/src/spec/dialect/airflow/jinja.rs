//! What Airflow's templates may use here: a documented part of what they may use there.

use jiff::Timestamp;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value as Rendered};
use serde_json::{Map, Value, json};

use super::super::super::place::{Place, has_template};
use super::super::super::problem::Problem;
use super::moment::{Macros, Moment};
use crate::resolve::bounds;

/// Names that Airflow has and a run here cannot know, each with what to do instead.
pub(crate) const REFUSED: [(&str, &str); 12] = [
    ("ti", "a run is one task; pass the value of another one as an input: `{{ params.name }}`"),
    ("task_instance", "a run is one task; pass the value of another one as an input: `{{ params.name }}`"),
    ("var", "pass the value as an input: `{{ params.name }}`"),
    ("conn", "name a Kubernetes secret with `secrets` or `env_from`"),
    ("conf", "pass the value as an input: `{{ params.name }}`"),
    ("prev_data_interval_start_success", "pass the value as an input"),
    ("prev_data_interval_end_success", "pass the value as an input"),
    ("prev_start_date_success", "pass the value as an input"),
    ("prev_end_date_success", "pass the value as an input"),
    ("triggering_asset_events", "use `{{ trigger.… }}`"),
    ("inlet_events", "use `{{ trigger.… }}`"),
    ("outlet_events", "name what is kept with `outputFiles`"),
];

/// Names whose values are more than data.
const OBJECTS: [&str; 5] =
    ["logical_date", "execution_date", "data_interval_start", "data_interval_end", "macros"];

/// How a filter prints a date.
type Print = fn(Moment) -> String;

/// The names of one run.
#[derive(Clone, Debug)]
pub(crate) struct Jinja {
    moment: Moment,
}

/// What a run knows beyond the document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    pub(crate) run_id: &'a str,
    pub(crate) inputs: &'a Map<String, Value>,
    pub(crate) trigger: &'a Map<String, Value>,
    pub(crate) accepted_at: Timestamp,
}

impl Jinja {
    /// The logical date is the input `logical_date`, else the time of the upload that triggered the run, else when the run was accepted.
    pub(crate) fn new(around: &Surroundings<'_>, place: &Place<'_>) -> Self {
        let given =
            |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        if let Some(text) = given(around.inputs, "logical_date") {
            match Moment::parse(&text) {
                Some(moment) => return Jinja { moment },
                None => {
                    let problem = Problem::new("/inputs/logical_date", format!("`{text}` is no date"));
                    place.note(problem.accepted("2026-11-21 or 2026-11-21T03:00:00Z"));
                }
            }
        }
        let uploaded_at = given(around.trigger, "time").and_then(|text| Moment::parse(&text));
        Jinja { moment: uploaded_at.unwrap_or_else(|| Moment::at(around.accepted_at)) }
    }

    /// The names that are data.
    pub(crate) fn tree(&self, task: &Value, around: &Surroundings<'_>) -> Map<String, Value> {
        let text = |key: &str| task.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut params = task.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
        params.extend(around.inputs.clone());
        let moment = self.moment;
        let tree = json!({
            "params": params,
            "inputs": around.inputs,
            "trigger": around.trigger,
            "env": plain_environment(task),
            "run_id": around.run_id,
            "dag_run": { "run_id": around.run_id, "conf": around.inputs },
            "dag": { "dag_id": text("dag_id") },
            "task": { "task_id": text("task_id") },
            "ds": moment.ds(),
            "ds_nodash": moment.ds_nodash(),
            "ts": moment.ts(),
            "ts_nodash": moment.ts_nodash(),
            "ts_nodash_with_tz": moment.ts_nodash_with_tz(),
        });
        tree.as_object().cloned().unwrap_or_default()
    }

    /// The name is one that the engine knows.
    pub(crate) fn has(&self, dotted: &str) -> bool {
        OBJECTS.contains(&dotted.split('.').next().unwrap_or_default())
    }

    /// Teach the engine dates, macros and filters, and to print as Python does: `True`, `None`.
    pub(crate) fn install(&self, engine: &mut Environment<'static>) {
        for name in OBJECTS.into_iter().filter(|name| *name != "macros") {
            engine.add_global(name, Rendered::from_object(self.moment));
        }
        engine.add_global("macros", Rendered::from_object(Macros));
        let filters: [(&str, Print); 5] = [
            ("ds", Moment::ds),
            ("ds_nodash", Moment::ds_nodash),
            ("ts", Moment::ts),
            ("ts_nodash", Moment::ts_nodash),
            ("ts_nodash_with_tz", Moment::ts_nodash_with_tz),
        ];
        for (name, print) in filters {
            engine.add_filter(name, move |value: Rendered| -> Result<String, Error> {
                let moment = value.downcast_object_ref::<Moment>().copied();
                let moment = moment.or_else(|| Moment::parse(value.as_str()?));
                let wrong = || Error::new(ErrorKind::InvalidOperation, format!("`{name}` takes a date"));
                moment.map(print).ok_or_else(wrong)
            });
        }
        engine.add_filter("tojson", |value: Rendered| {
            bounds::printable(&value)?;
            serde_json::to_string(&value)
                .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
        });
        engine.set_formatter(|output, state, value| {
            let word = match value.kind() {
                ValueKind::None => "None",
                ValueKind::Bool if value.is_true() => "True",
                ValueKind::Bool => "False",
                ValueKind::Map | ValueKind::Seq => {
                    bounds::printable(value)?;
                    let text = serde_json::to_string(value)
                        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
                    return output.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure));
                }
                _ => {
                    bounds::printable(value)?;
                    return minijinja::escape_formatter(output, state, value);
                }
            };
            output.write_str(word).map_err(|_| Error::from(ErrorKind::WriteFailure))
        });
    }
}

/// The variables of `env_vars` whose values are not templates themselves.
fn plain_environment(task: &Value) -> Map<String, Value> {
    let entries: Vec<(&str, &Value)> = match task.get("env_vars") {
        Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|entry| Some((entry.get("name")?.as_str()?, entry.get("value")?)))
            .collect(),
        _ => Vec::new(),
    };
    let is_plain = |value: &Value| !value.as_str().is_some_and(has_template);
    entries
        .into_iter()
        .filter(|(_, value)| is_plain(value))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}
