//! The catalogue as a JSON Schema (draft 2020-12), for editors and other checkers.
//!
//! What the schema accepts is a little more than what the readers do: names, addresses and what two properties say together are theirs to judge.
//! What the readers accept, the schema accepts as well.

mod shapes;

use serde_json::{Map, Value, json};

use super::catalogue::{ENVELOPE, FLOW, Object, Property, SUBMISSIONS, Shape, Status, TASKS};

/// The schema of everything that can be submitted.
pub fn document() -> Value {
    let mut definitions = Map::new();
    for object in SUBMISSIONS.into_iter().chain(TASKS) {
        define(object, &mut definitions);
    }
    definitions.insert("Task".to_owned(), one_of(&TASKS));
    let bare =
        json!({ "if": { "required": ["tasks"] }, "then": reference(FLOW.name), "else": reference("Task") });
    definitions.insert("Document".to_owned(), bare);
    definitions.extend(shapes::definitions());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Longshore task document",
        "description": "A task, a flow with one task, or an envelope around either.",
        "type": "object",
        "if": { "required": ["task"], "properties": { "type": false, "tasks": false } },
        "then": reference(ENVELOPE.name),
        "else": reference("Document"),
        "$defs": definitions,
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// Add an object and everything below it.
fn define(object: &Object, definitions: &mut Map<String, Value>) {
    if definitions.contains_key(object.name) {
        return;
    }
    let properties: Map<String, Value> = object
        .properties()
        .map(|property| (property.name.to_owned(), property_schema(object, property)))
        .collect();
    let required: Vec<&str> =
        object.properties().filter(|property| property.required).map(|property| property.name).collect();
    let mut schema = json!({
        "type": "object",
        "title": object.name,
        "description": object.about,
        "properties": properties,
        "additionalProperties": false,
    });
    if let Some(fields) = schema.as_object_mut().filter(|_| !required.is_empty()) {
        fields.insert("required".to_owned(), required.into());
    }
    if let Some(fields) = schema.as_object_mut().filter(|_| !object.needs_one_of.is_empty()) {
        let choices = object.needs_one_of.iter().map(
            |name| json!({ "required": [name], "properties": { *name: { "not": { "type": "null" } } } }),
        );
        fields.insert("anyOf".to_owned(), choices.collect());
    }
    definitions.insert(object.name.to_owned(), schema);
    for property in object.properties() {
        for nested in property.shape.objects() {
            define(nested, definitions);
        }
    }
}

fn property_schema(object: &Object, property: &Property) -> Value {
    if let Status::Refused(instead) = property.status {
        let separator = if instead.is_empty() { "" } else { "; " };
        return json!({ "enum": [false, null], "deprecated": true, "description": format!("Not supported{separator}{instead}.") });
    }
    let is_kind = property.name == object.tag() && !object.types.is_empty();
    let mut schema = match if is_kind { shapes::kind(object) } else { shapes::schema(property.shape) } {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    let about = match property.status {
        Status::Older(of) => {
            schema.insert("deprecated".to_owned(), true.into());
            format!("Older spelling of `{of}`.")
        }
        Status::Ignored(reason) => format!("No effect: {reason}."),
        _ => property.about.to_owned(),
    };
    schema.insert("description".to_owned(), about.into());
    if let Some(default) = property.default {
        schema.insert("default".to_owned(), shapes::default(property.shape, default));
    }
    if property.secret {
        schema.insert("writeOnly".to_owned(), true.into());
    }
    if property.required {
        schema.insert("not".to_owned(), shapes::nothing(property.shape));
    }
    Value::Object(schema)
}

/// One of several objects that their tags tell apart.
fn one_of(objects: &[&Object]) -> Value {
    let choices: Vec<Value> = objects.iter().map(|object| reference(object.name)).collect();
    let mut tags: Vec<&str> = objects.iter().map(|object| object.tag()).collect();
    tags.dedup();
    let tagged: Vec<Value> = tags.iter().map(|tag| json!({ "required": [tag] })).collect();
    json!({ "type": "object", "anyOf": tagged, "oneOf": choices })
}

impl Shape {
    /// The objects declared in the catalogue that a value of this shape holds.
    pub fn objects(self) -> Vec<&'static Object> {
        match self {
            Shape::Object(one) | Shape::Objects(one) => vec![one],
            Shape::Variants(several) => several.to_vec(),
            Shape::OneTask | Shape::Document => TASKS.to_vec(),
            _ => Vec::new(),
        }
    }
}
