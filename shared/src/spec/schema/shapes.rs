//! The schema of each shape. A value may be null, which counts as absent, and every text may be a template.

use serde_json::{Map, Value, json};

use super::{one_of, reference};
use crate::spec::catalogue::{Object, Shape, TASKS};
use crate::spec::container::CONTAINER_FIELDS;
use crate::spec::{duration, quantity};

/// The schemas that properties refer to.
pub(super) fn definitions() -> Map<String, Value> {
    let template = json!({ "type": "string", "pattern": r"\{\{|\{%" });
    let or_template = |choices: Vec<Value>| -> Value {
        let open = choices.into_iter().chain([reference("template"), json!({ "type": "null" })]);
        json!({ "anyOf": open.collect::<Vec<_>>() })
    };
    let number = r"\d+([.,]\d+)?";
    let duration = format!(
        r"^\s*\+?[Pp](?=[\dTt])({number}[Dd])?([Tt](?=\d)({number}[Hh])?({number}[Mm])?({number}[Ss])?)?\s*$"
    );
    let quantity = r"^\+?(\d+\.?\d*|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$";
    let pairs = [
        ("template", template),
        ("text", json!({ "type": ["string", "number", "boolean", "null"] })),
        (
            "flag",
            or_template(vec![
                json!({ "type": "boolean" }),
                json!({ "type": "string", "pattern": spelled(&["true", "false"], false) }),
            ]),
        ),
        (
            "count",
            or_template(vec![
                json!({ "type": "integer", "minimum": 1 }),
                json!({ "type": "string", "pattern": r"^\s*\+?0*[1-9]\d*\s*$" }),
            ]),
        ),
        (
            "number",
            or_template(vec![
                json!({ "type": "number" }),
                json!({ "type": "string", "pattern": r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$" }),
            ]),
        ),
        (
            "duration",
            or_template(vec![json!({ "type": "string", "pattern": duration, "title": duration::ACCEPTED })]),
        ),
        (
            "time",
            or_template(vec![json!({ "type": "string", "title": duration::ACCEPTED,
                "allOf": [{ "pattern": duration }, { "pattern": "[1-9]" }] })]),
        ),
        (
            "seconds",
            or_template(vec![
                json!({ "type": "integer", "minimum": 0 }),
                json!({ "type": "string", "pattern": r"^\s*\+?\d+\s*$" }),
                json!({ "type": "string", "pattern": duration, "title": duration::ACCEPTED }),
            ]),
        ),
        (
            "codes",
            or_template(vec![
                json!({ "type": "integer" }),
                json!({ "type": "string", "pattern": r"^\s*[+-]?\d+\s*$" }),
                json!({ "type": "array", "items": { "type": "integer" } }),
            ]),
        ),
        (
            "quantity",
            or_template(vec![
                json!({ "type": "number", "minimum": 0 }),
                json!({ "type": "string", "pattern": quantity, "title": quantity::ACCEPTED }),
            ]),
        ),
        (
            "texts",
            json!({ "anyOf": [
                { "type": "array", "items": { "type": ["string", "number", "boolean"] } },
                { "type": "string" }, { "type": "null" },
            ] }),
        ),
        ("texts-by-name", json!({ "type": ["object", "null"], "additionalProperties": reference("text") })),
        (
            "files",
            json!({ "anyOf": [
                { "type": "object", "additionalProperties": reference("text") },
                { "type": "string", "contentMediaType": "application/json", "pattern": r"^\s*\{" },
                { "type": "null" },
            ] }),
        ),
    ];
    pairs.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// The schema of a shape.
pub(super) fn schema(shape: Shape) -> Value {
    match shape {
        Shape::Text | Shape::Image => reference("text"),
        Shape::Words(words) => {
            json!({ "anyOf": [{ "enum": words }, reference("template"), { "type": "null" }] })
        }
        Shape::Spelled(words) => json!({ "anyOf": [
            { "enum": words }, { "type": "string", "pattern": spelled(words, true) }, reference("template"), { "type": "null" },
        ] }),
        Shape::Flag => reference("flag"),
        Shape::Count => reference("count"),
        Shape::Number => reference("number"),
        Shape::Duration => reference("duration"),
        Shape::Time => reference("time"),
        Shape::Quantity => reference("quantity"),
        Shape::Seconds => reference("seconds"),
        Shape::Codes => reference("codes"),
        Shape::SomeTexts => json!({ "$ref": "#/$defs/texts", "minItems": 1 }),
        Shape::Texts | Shape::Globs => reference("texts"),
        Shape::TextMap | Shape::Labels => reference("texts-by-name"),
        Shape::Environment => {
            json!({ "anyOf": [reference("texts-by-name"), { "type": "array", "items": { "type": "object" } }] })
        }
        Shape::Names => json!({ "anyOf": [
            { "type": "array", "items": { "type": ["string", "number", "boolean", "object"] } }, { "type": ["string", "null"] },
        ] }),
        Shape::Maps => json!({ "type": ["array", "null"], "items": { "type": "object" } }),
        Shape::Files => reference("files"),
        Shape::Map => json!({ "type": ["object", "null"] }),
        Shape::List => json!({ "type": ["array", "null"] }),
        Shape::Any => json!({}),
        Shape::Kubernetes(name) => kubernetes(name),
        Shape::Object(object) => json!({ "anyOf": [reference(object.name), { "type": "null" }] }),
        Shape::Objects(object) => json!({ "type": ["array", "null"], "items": reference(object.name) }),
        Shape::Variants(objects) => {
            let open = json!({ "type": "object", "required": ["type"], "properties": { "type": reference("template") } });
            json!({ "anyOf": [one_of(objects), open, { "type": "null" }] })
        }
        Shape::OneTask => {
            json!({ "type": "array", "minItems": 1, "maxItems": 1, "items": reference("Task") })
        }
        Shape::Document => json!({ "anyOf": [reference("Document"), { "type": "string" }] }),
    }
}

/// What is as good as absent: null, a text that is only white space.
pub(super) fn nothing(shape: Shape) -> Value {
    match shape {
        Shape::Text => json!({ "anyOf": [{ "type": "null" }, { "type": "string", "pattern": r"^\s*$" }] }),
        _ => json!({ "type": "null" }),
    }
}

/// The `type` that tells an object apart. A task is told apart before its templates are rendered.
pub(super) fn kind(object: &Object) -> Value {
    let types = object.types;
    // the kinds of retry are read in any letter case, names of plugins are not
    let is_word = types.iter().all(|name| !name.contains('.'));
    let mut choices = vec![json!({ "enum": types })];
    if is_word {
        choices.push(json!({ "type": "string", "pattern": spelled(types, false) }));
    }
    if !TASKS.iter().any(|task| task.name == object.name) {
        choices.push(reference("template"));
    }
    json!({ "anyOf": choices })
}

/// A default as a value.
pub(super) fn default(shape: Shape, written: &str) -> Value {
    match shape {
        Shape::Flag | Shape::Number | Shape::Count => {
            serde_json::from_str(written).unwrap_or_else(|_| written.into())
        }
        _ => written.into(),
    }
}

/// Loosely: the API server knows its objects best, and newer fields must pass.
fn kubernetes(name: &str) -> Value {
    match name {
        "Container" => json!({ "type": ["object", "null"], "propertyNames": { "enum": CONTAINER_FIELDS } }),
        _ => json!({ "type": ["object", "null"] }),
    }
}

/// A pattern for words in any letter case, with or without what is between their parts.
fn spelled(words: &[&str], joined: bool) -> String {
    let letter = |letter: char| match letter {
        '_' => "[^A-Za-z]*".to_owned(),
        letter => format!("[{}{}]", letter.to_ascii_lowercase(), letter.to_ascii_uppercase()),
    };
    let words: Vec<String> = words.iter().map(|word| word.chars().map(letter).collect()).collect();
    let edge = if joined { "[^A-Za-z]*" } else { "" };
    format!("^{edge}({}){edge}$", words.join("|"))
}
