//! What an upload says to the task that it triggers: the values of `{{ trigger.… }}`.

use serde_json::{Map, Value, json};

use super::names::Names;
use super::render::{self, Renderer};
use crate::spec::place::{Notes, Place, Reading, has_template, join};
use crate::spec::problem::{Problem, Problems};
use crate::spec::upload::Upload;

/// The names below `trigger`.
const NAMES: [&str; 11] =
    ["bucket", "key", "uri", "name", "size", "eTag", "versionId", "sequencer", "time", "rule", "files"];

/// The values of an upload. `rule` is the name of the rule that it fits; `files` are the objects of a manifest, else the object itself by
/// its name: a map that `inputFiles: "{{ trigger.files }}"` takes as it is.
pub fn values(upload: &Upload, rule: Option<&str>, files: Option<Map<String, Value>>) -> Map<String, Value> {
    let alone = || Map::from_iter([(upload.name().to_owned(), upload.uri().into())]);
    let values: [Value; NAMES.len()] = [
        upload.bucket.as_str().into(),
        upload.key.as_str().into(),
        upload.uri().into(),
        upload.name().into(),
        upload.size.into(),
        upload.e_tag.as_str().into(),
        json!(upload.version_id),
        upload.sequencer.as_str().into(),
        upload.time.as_str().into(),
        json!(rule),
        Value::Object(files.unwrap_or_else(alone)),
    ];
    NAMES.into_iter().map(str::to_owned).zip(values).collect()
}

/// A rule's `inputs`, rendered with the values of an upload.
///
/// # Errors
///
/// Every template that cannot be rendered.
pub fn inputs(
    written: &Map<String, Value>,
    trigger: &Map<String, Value>,
) -> Result<Map<String, Value>, Problems> {
    let notes = Notes::new(Reading::Written);
    let names = Names::of_trigger(trigger);
    let rendered = Renderer::new(&names).map(written, &Place::new(&notes, "/inputs"));
    let problems = notes.into_problems();
    if problems.is_empty() { Ok(rendered) } else { Err(problems) }
}

/// Templates that name something below `trigger` that no upload has: what can be told of a rule before anything was uploaded.
pub fn unknown_names(value: &Value, pointer: &str, problems: &mut Problems) {
    match value {
        Value::String(text) if has_template(text) => {
            let unknown = |name: &String| {
                let below = name.strip_prefix("trigger.")?.split('.').next()?.to_owned();
                (!NAMES.contains(&below.as_str())).then_some(below)
            };
            for name in render::names_in(text).iter().filter_map(unknown) {
                let problem = Problem::new(pointer, format!("`trigger.{name}` is not defined"));
                problems.add(problem.accepted(NAMES.map(|name| format!("trigger.{name}")).join(", ")));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                unknown_names(item, &join(pointer, &index.to_string()), problems);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                unknown_names(value, &join(pointer, key), problems);
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload() -> Upload {
        Upload {
            bucket: "data".into(),
            key: "in/a b.csv".into(),
            size: 7,
            e_tag: "e".into(),
            version_id: None,
            sequencer: "0A".into(),
            time: "2026-01-01T00:00:00Z".into(),
        }
    }

    #[test]
    fn inputs_of_a_rule_are_rendered_with_the_upload() {
        let written = json!({"file": "{{ trigger.uri }}", "deep": [{"size": "{{ trigger.size }} bytes"}], "n": 1,
            "version": "{{ trigger.versionId }}", "files": "{{ trigger.files }}"});
        let rendered = inputs(written.as_object().unwrap(), &values(&upload(), Some("r"), None)).unwrap();
        let expected = json!({"file": "s3://data/in/a b.csv", "deep": [{"size": "7 bytes"}], "n": 1,
            "version": "", "files": r#"{"a b.csv":"s3://data/in/a b.csv"}"#});
        assert_eq!(Value::Object(rendered), expected);
    }

    #[test]
    fn a_template_that_fails_is_told_with_its_place() {
        let written = json!({"file": ["{{ inputs.x }}"]});
        let problems = inputs(written.as_object().unwrap(), &values(&upload(), None, None)).unwrap_err();
        assert_eq!(problems.0[0].pointer, "/inputs/file/0");
    }

    #[test]
    fn names_that_no_upload_has_are_found_without_one() {
        let task = json!({"commands": ["{{ trigger.nam }} {{ trigger.name }} {{ inputs.other }}", "{{ broken"],
            "inputFiles": {"x": "{{ trigger.uri.x }}"}});
        let mut problems = Problems::default();
        unknown_names(&task, "/task", &mut problems);
        let found = problems.0.iter().map(|problem| (problem.pointer.as_str(), problem.message.as_str()));
        assert_eq!(found.collect::<Vec<_>>(), [("/task/commands/0", "`trigger.nam` is not defined")]);
    }
}
