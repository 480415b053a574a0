//! A trigger rule, `config/triggers/<name>.yaml`: which uploads run which task.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::catalogue::{RULE, RULE_SIZE};
use super::fields::Fields;
use super::glob;
use super::place::{Notes, Place, Reading, kind};
use super::problem::{Problem, Problems};
use super::quantity::{self, Quantity};

/// Below this prefix of Longshore's bucket lie the task documents that rules may refer to.
pub const TASKS: &str = "config/tasks/";

/// A rule. An upload must fit everything that it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The bucket; `None` is Longshore's own.
    pub bucket: Option<String>,
    /// How the key begins; empty for any.
    pub prefix: String,
    /// How the key ends; empty for any.
    pub suffix: String,
    /// Glob over the whole key.
    pub glob: Option<String>,
    /// Fewest bytes.
    pub min_bytes: u64,
    /// Most bytes.
    pub max_bytes: u64,
    /// What makes one run.
    pub per: Per,
    /// Values for `{{ inputs.… }}`, in which `{{ trigger.… }}` may stand.
    pub inputs: Map<String, Value>,
    /// What is run.
    pub task: RuleTask,
}

/// What makes one run of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Each object that fits.
    Object,
    /// All objects that are listed in the object that fits, which is a manifest.
    Batch,
}

/// The task of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuleTask {
    /// Written in the rule.
    Inline(Value),
    /// A document in Longshore's bucket, by its key below [`TASKS`].
    At(String),
}

/// Read a rule: as much of it as can be read, and every problem. A task written in it is not looked into.
pub fn read(document: &Value) -> (Option<Rule>, Problems) {
    let notes = Notes::new(Reading::Rendered);
    let rule = rule(document, &Place::new(&notes, ""));
    (rule, notes.into_problems())
}

fn rule(document: &Value, place: &Place<'_>) -> Option<Rule> {
    let fields = Fields::read(document, place.clone())?;
    fields.only(&RULE);
    let (min_bytes, max_bytes) = sizes(&fields);
    let glob = fields.text("glob").and_then(|pattern| match glob::normalise(&pattern) {
        Ok(glob) => Some(glob),
        Err(error) => {
            let accepted = "a glob over the whole key, such as uploads/**/*.csv";
            place.at("glob").refuse(&pattern.as_str().into(), format!("`{pattern}` {error}"), accepted);
            None
        }
    });
    let per = match fields.text("per").as_deref() {
        None | Some("object") => Per::Object,
        Some("batch") => Per::Batch,
        Some(other) => {
            place.at("per").refuse(&other.into(), "is no way to make runs of uploads", "object or batch");
            Per::Object
        }
    };
    let inputs = fields.object("inputs").unwrap_or_default();
    Some(Rule {
        bucket: fields.text("bucket").filter(|name| !name.is_empty()),
        prefix: fields.text("prefix").unwrap_or_default(),
        suffix: fields.text("suffix").unwrap_or_default(),
        glob,
        min_bytes,
        max_bytes,
        per,
        inputs,
        task: task(&fields)?,
    })
}

fn sizes(fields: &Fields<'_>) -> (u64, u64) {
    let Some(size) = fields.nested("size") else { return (0, u64::MAX) };
    size.only(&RULE_SIZE);
    let (min, max) = (bytes(&size, "min").unwrap_or(0), bytes(&size, "max").unwrap_or(u64::MAX));
    if min > max {
        size.place.wrong(format!("`min` is {min} bytes and `max` is {max}; nothing is as large as that"));
    }
    (min, max)
}

/// Bytes, as a number or as a quantity such as `5Gi`.
fn bytes(fields: &Fields<'_>, key: &str) -> Option<u64> {
    let text = fields.text(key)?;
    match Quantity::parse(&text) {
        Ok(quantity) => Some(quantity.whole()),
        Err(error) => {
            let place = fields.place.at(key);
            place.refuse(&text.as_str().into(), format!("`{text}` {error}"), quantity::ACCEPTED);
            None
        }
    }
}

fn task(fields: &Fields<'_>) -> Option<RuleTask> {
    const ACCEPTED: &str = "a task, or the key of one such as config/tasks/load.yaml";
    let place = fields.place.at("task");
    match fields.value("task") {
        None => {
            let problem = Problem::new(fields.place.pointer(), "has no `task`");
            fields.place.note(problem.accepted(ACCEPTED));
            None
        }
        Some(task @ Value::Object(_)) => Some(RuleTask::Inline(task.clone())),
        Some(Value::String(key)) if key.starts_with(TASKS) => Some(RuleTask::At(key.clone())),
        Some(text @ Value::String(_)) => {
            place.refuse(text, format!("is no key below `{TASKS}`"), ACCEPTED);
            None
        }
        Some(other) => {
            place.refuse(other, format!("is {}", kind(other)), ACCEPTED);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_says_little_and_means_the_rest() {
        let (rule, problems) = read(&json!({"prefix": "uploads/", "task": "config/tasks/load.yaml"}));
        let rule = rule.unwrap();
        assert!(problems.is_empty());
        assert_eq!((rule.bucket, rule.prefix.as_str(), rule.suffix.as_str()), (None, "uploads/", ""));
        assert_eq!((rule.min_bytes, rule.max_bytes, rule.per), (0, u64::MAX, Per::Object));
        assert_eq!(rule.task, RuleTask::At("config/tasks/load.yaml".into()));
    }

    #[test]
    fn sizes_are_numbers_or_quantities() {
        let size = |size: Value| {
            let (rule, problems) = read(&json!({"size": size, "task": {}}));
            rule.filter(|_| problems.is_empty()).map(|rule| (rule.min_bytes, rule.max_bytes))
        };
        assert_eq!(size(json!({"min": 1, "max": "5Gi"})), Some((1, 5 << 30)));
        assert_eq!(size(json!({"min": "1k"})), Some((1000, u64::MAX)));
        assert_eq!(size(json!({"min": 2, "max": 1})), None);
    }

    #[test]
    fn every_problem_of_a_rule_is_told() {
        let rule = json!({"prefx": "a/", "glob": "[a", "size": {"min": "much", "least": 1}, "per": "day",
            "inputs": [], "task": "load.yaml"});
        let (_, problems) = read(&rule);
        let pointers: Vec<&str> = problems.0.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, ["/prefx", "/size/least", "/size/min", "/glob", "/per", "/inputs", "/task"]);
        assert_eq!(read(&json!([])).1.0.len(), 1);
        assert_eq!(read(&json!({})).1.0[0].message, "has no `task`");
    }
}
