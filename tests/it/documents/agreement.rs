//! What the readers accept, the schema accepts; what they refuse for its shape, it refuses.

use serde_json::{Value, json};
use shared::spec::catalogue::{Property, Shape};
use shared::spec::{read, schema, task};

use super::places::{self, Place};

/// Values of every shape, right and wrong.
fn samples() -> Vec<Value> {
    json!([
        null, true, false, 0, 1, 7, -1, 1.5, "", " ", "x", "words and more", "true", "FALSE", "yes", "0", "3", " 4 ", "-2", "1.5", "{{ inputs.x }}",
        "{% if a %}1{% endif %}", "PT5M", "pt30s", "P1D", "P1DT12H", "PT0S", "PT", "P", "-PT5S", "PT1H30", "P1M", "P2W", "1h", "500m", "128Mi", "1e3", ".5", "12 Gi",
        "1Ei", "+1", "Memory", "memory", "exec", "direct", "always", "IfNotPresent", "IF_NOT_PRESENT", "if-not-present", "Sometimes", "LINUX", "WINDOWS",
        "RETRY_FAILED_TASK", "{\"a\": \"b\"}", "[1]", [], ["a"], ["a", "b"], [1, true], [null], [{}], [["a"]], {}, {"a": "b"}, {"a": 1}, {"a": null}, {"a": {}}, {"a": ["b"]},
    ])
    .as_array()
    .unwrap()
    .clone()
}

/// What a reader refuses for another reason than its shape; the schema may let it pass.
fn is_judged_by_meaning(place: &Place, property: &Property, value: &Value) -> bool {
    match property.shape {
        // names, addresses, images, base64: any text has the shape
        Shape::Text | Shape::Image => !value.is_null() && !value.is_array() && !value.is_object(),
        Shape::Globs | Shape::Files | Shape::TextMap | Shape::Labels => true,
        // what stands in each of them is looked at more closely
        Shape::Environment | Shape::Names | Shape::Maps => value.is_array(),
        // an API server's objects are checked loosely
        Shape::Kubernetes(_) => value.is_object(),
        // zero is written as a duration, and 0.5 is no sensible factor
        Shape::Number => true,
        // several properties together, and what a nested object lacks, are seen by both; which texts are a document is not
        Shape::Document => value.is_string(),
        Shape::Duration if place.object == "RandomRetry" => true,
        // an envelope is no template, and says more of its numbers; names of folders
        _ => ["heartbeatSeconds", "formatVersion", "namespaces"].contains(&property.name),
    }
}

fn is_read(document: &Value) -> bool {
    read::submission(document.to_string().as_bytes())
        .and_then(|submission| task::parse(&submission.document, &submission.pointer_base))
        .is_ok()
}

#[test]
fn the_schema_is_one() {
    let schema = schema::document();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
}

#[test]
fn every_value_of_every_property_is_accepted_by_both_or_by_none() {
    let validator = jsonschema::draft202012::new(&schema::document()).unwrap();
    let samples = samples();
    let (mut compared, mut accepted, mut differing) = (0, 0, Vec::new());
    for place in places::all() {
        assert!(validator.is_valid(&place.document) && is_read(&place.document), "{}", place.object);
        for property in place.object().properties() {
            for value in &samples {
                let document = place.with(property.name, value);
                let (by_reader, by_schema) = (is_read(&document), validator.is_valid(&document));
                compared += 1;
                accepted += usize::from(by_reader);
                if by_reader != by_schema && (by_reader || !is_judged_by_meaning(&place, property, value)) {
                    differing.push(format!(
                        "{}.{} = {value}: reader {by_reader}, schema {by_schema}",
                        place.object, property.name
                    ));
                }
            }
            let document = place.without(property.name);
            if is_read(&document) != validator.is_valid(&document) {
                differing.push(format!(
                    "{} without {}: reader {}",
                    place.object,
                    property.name,
                    is_read(&document)
                ));
            }
        }
        let document = place.with("noSuchProperty", &json!("x"));
        assert!(!is_read(&document) && !validator.is_valid(&document), "{}", place.object);
    }
    println!("{compared} documents compared, {accepted} of them accepted");
    assert!(differing.is_empty(), "{} of {compared}:\n{}", differing.len(), differing.join("\n"));
    assert!(accepted > 300 && compared - accepted > 300, "{accepted} of {compared}");
}

#[test]
fn every_example_is_valid() {
    let validator = jsonschema::draft202012::new(&schema::document()).unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let document = read::tree(&std::fs::read(&path).unwrap()).unwrap();
            let errors: Vec<String> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen}");
}

#[test]
fn documents_with_mistakes_are_not_valid() {
    let validator = jsonschema::draft202012::new(&schema::document()).unwrap();
    let task = |extra: Value| {
        let mut task =
            json!({"id": "a", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["x"]});
        task.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        task
    };
    assert!(validator.is_valid(&task(json!({}))));
    for wrong in [
        json!("a text"),
        json!([]),
        json!({}),
        json!({"id": "a", "commands": ["x"]}),
        json!({"id": "a", "type": "io.kestra.plugin.scripts.shell.Commands"}),
        json!({"id": "a", "type": "io.kestra.plugin.scripts.ruby.Commands", "commands": ["x"]}),
        json!({"id": "a", "type": "io.kestra.plugin.scripts.shell.Script", "commands": ["x"]}),
        json!({"id": "f", "tasks": []}),
        json!({"id": "f", "tasks": [task(json!({})), task(json!({}))]}),
        json!({"task": task(json!({})), "input": {}}),
        json!({"task": task(json!({"comands": 1}))}),
        task(json!({"comands": ["x"]})),
        task(json!({"timeout": 300})),
        task(json!({"timeout": "5 minutes"})),
        task(json!({"retry": {"type": "constant"}})),
        task(json!({"retry": {"type": "linear", "interval": "PT1M", "maxAttempts": 2}})),
        task(json!({"env": ["A=1"]})),
        task(json!({"taskRunner": {"type": "io.kestra.plugin.core.runner.Process"}})),
        task(
            json!({"taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "resources": {"limits": {}}}}),
        ),
        task(
            json!({"taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "resources": {"limit": {"memory": "1 GB"}}}}),
        ),
        task(
            json!({"taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "containerSpec": {"volumeMount": []}}}),
        ),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
        assert!(!is_read(&wrong), "{wrong}");
    }
}
