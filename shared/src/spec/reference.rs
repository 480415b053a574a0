//! The catalogue as a page for people: `docs/TASK-SPEC.md`.

use std::fmt::Write as _;

use super::catalogue::{
    AMOUNTS, CARRIER, COMMANDS, CONNECTION, EKS_TOKEN, ENVELOPE, EXECUTOR, FLOW, FLOW_INPUT, OPERATOR,
    Object, POD_CREATE, POD_METADATA, Property, REPLY_TO, RESOURCES, RETRIES, RUNNER, SCRIPT, STEP_FUNCTIONS,
    Shape, Status, TOKEN_PROVIDER,
};
use super::{duration, quantity};

const INTRODUCTION: &str = "# The task document

This page is written from the catalogue of properties that the readers use (`shared/src/spec/catalogue`): what stands
here is accepted, and nothing else is. `longshore schema` prints the same as a JSON Schema.

## In an editor

    longshore schema > longshore.schema.json

An editor with the YAML language server completes and checks a document that begins with

    # yaml-language-server: $schema=./longshore.schema.json

The schema accepts everything that the readers accept. Names, image references, addresses, globs and contradictions are
judged by `longshore render FILE`, which tells every problem at once, with line and column.

## Forms

A submission is a task, a flow with one task, or an envelope around either, in YAML or JSON:

- an object with `tasks` is a [Flow](#flow);
- an object with a `task` and without `type` and `tasks` is an [Envelope](#envelope);
- an object with `operator` or `executor` is Airflow's: [KubernetesPodOperator](#kubernetespodoperator),
  [KubernetesExecutor](#kubernetesexecutor);
- anything else is a task, told apart by its `type`: [Commands](#commands), [Script](#script), [PodCreate](#podcreate).

An unknown property is a problem. A property that is null counts as absent. Texts may be templates: `{{ inputs.name }}`.
A text may be written as a number or a boolean. YAML is read as 1.2 says, but `0644` is an octal number.

";

/// The whole page, in Markdown.
pub fn page() -> String {
    let objects: Vec<&Object> = [
        &COMMANDS,
        &SCRIPT,
        &RUNNER,
        &RESOURCES,
        &AMOUNTS,
        &POD_CREATE,
        &POD_METADATA,
        &OPERATOR,
        &EXECUTOR,
        &CARRIER,
    ]
    .into_iter()
    .chain(RETRIES)
    .chain([
        &CONNECTION,
        &TOKEN_PROVIDER,
        &EKS_TOKEN,
        &FLOW,
        &FLOW_INPUT,
        &ENVELOPE,
        &REPLY_TO,
        &STEP_FUNCTIONS,
    ])
    .collect();
    let mut page = INTRODUCTION.to_owned();
    page.push_str(&types());
    for object in objects {
        section(object, &mut page);
    }
    page
}

fn types() -> String {
    let rows = [
        ("text", "a text, a number or a boolean"),
        ("flag", "`true` or `false`, also as a text"),
        ("count", "a whole number of at least 1"),
        ("number", "a number"),
        ("duration", duration::ACCEPTED),
        ("time", "a duration above zero"),
        ("quantity", quantity::ACCEPTED),
        ("seconds", "a whole number of seconds, or a duration"),
        ("codes", "a whole number, or a list of them"),
        ("image", "an image reference: name, name:tag or name@digest"),
        ("texts", "a list of texts, or one text"),
        ("globs", "a list of globs, or one: `*` stops at `/`, `**` does not, `{a,b}`, `[ab]`, `?`"),
        ("map of texts", "a map with a text under each name"),
        ("labels", "a map of texts, in which null is an empty text"),
        ("environment", "a map of texts, or a list of `v1.EnvVar`"),
        ("names", "a list of names or of maps with a `name`; also one text with commas"),
        ("maps", "a list of objects of the Kubernetes API, in snake_case or camelCase"),
        ("files", "a map from path to content, or such a map as JSON"),
        ("`v1.Name`", "an object of the Kubernetes API; it is handed on, and the API server judges it"),
    ];
    let rows: String = rows.iter().map(|(name, meaning)| format!("| {name} | {meaning} |\n")).collect();
    format!("## Types\n\n| type | what is written |\n| --- | --- |\n{rows}")
}

fn section(object: &Object, page: &mut String) {
    // writing into a text cannot fail
    let _ = write!(page, "\n## {}\n\n{}\n", object.name, object.about);
    if !object.types.is_empty() {
        let types: Vec<String> = object.types.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(page, "\n`type` is {}.\n", types.join(" or "));
    }
    if let [first, rest @ ..] = object.needs_one_of {
        let rest: String = rest.iter().map(|name| format!(" or `{name}`")).collect();
        let _ = write!(page, "\nThere must be `{first}`{rest}.\n");
    }
    page.push_str("\n| property | type | default | meaning |\n| --- | --- | --- | --- |\n");
    for property in object.properties().filter(|property| property.is_accepted()) {
        page.push_str(&row(property));
    }
    let refused: String = object.properties().filter_map(refusal).collect();
    if !refused.is_empty() {
        let _ = write!(page, "\nNot supported yet:\n\n{refused}");
    }
}

fn row(property: &Property) -> String {
    let default = match property.default {
        _ if property.required => "required".to_owned(),
        Some(written) => format!("`{written}`"),
        None => String::new(),
    };
    let meaning = match property.status {
        Status::Older(of) => format!("Older spelling of `{of}`."),
        Status::Ignored(reason) => format!("No effect, and the result warns of that: {reason}."),
        Status::Inert if !property.about.contains("nothing reads") => {
            format!("{} Nothing reads it.", property.about)
        }
        _ => property.about.to_owned(),
    };
    let secret = if property.secret { " Never shown." } else { "" };
    format!("| `{}` | {} | {default} | {meaning}{secret} |\n", property.name, shape(property.shape))
}

fn refusal(property: &Property) -> Option<String> {
    match property.status {
        Status::Refused("") => Some(format!("- `{}`\n", property.name)),
        Status::Refused(instead) => Some(format!("- `{}`: {instead}\n", property.name)),
        Status::Read | Status::Inert | Status::Ignored(_) | Status::Older(_) => None,
    }
}

fn shape(shape: Shape) -> String {
    let words = |words: &[&str]| {
        let quoted: Vec<String> =
            words.iter().filter(|word| !word.is_empty()).map(|word| format!("`{word}`")).collect();
        quoted.join(", ")
    };
    let link = |object: &Object| format!("[{}](#{})", object.name, object.name.to_ascii_lowercase());
    match shape {
        Shape::Text => "text".to_owned(),
        Shape::Words(accepted) => words(accepted),
        Shape::Spelled(accepted) => format!("{} in any spelling", words(accepted)),
        Shape::Flag => "flag".to_owned(),
        Shape::Count => "count".to_owned(),
        Shape::Number => "number".to_owned(),
        Shape::Duration => "duration".to_owned(),
        Shape::Time => "time".to_owned(),
        Shape::Quantity => "quantity".to_owned(),
        Shape::Image => "image".to_owned(),
        Shape::Texts => "texts".to_owned(),
        Shape::SomeTexts => "texts, at least one".to_owned(),
        Shape::Globs => "globs".to_owned(),
        Shape::TextMap => "map of texts".to_owned(),
        Shape::Seconds => "seconds".to_owned(),
        Shape::Codes => "codes".to_owned(),
        Shape::Labels => "labels".to_owned(),
        Shape::Environment => "environment".to_owned(),
        Shape::Names => "names".to_owned(),
        Shape::Maps => "maps".to_owned(),
        Shape::Files => "files".to_owned(),
        Shape::Map => "map".to_owned(),
        Shape::List => "list".to_owned(),
        Shape::Any => "anything".to_owned(),
        Shape::Kubernetes(name) => format!("`v1.{name}`"),
        Shape::Object(object) => link(object),
        Shape::Objects(object) => format!("list of {}", link(object)),
        Shape::Variants(objects) => objects.iter().map(|object| link(object)).collect::<Vec<_>>().join(", "),
        Shape::OneTask => "list of one task".to_owned(),
        Shape::Document => "task, [Flow](#flow), or a text of YAML or JSON".to_owned(),
    }
}
