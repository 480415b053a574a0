//! Pod templates that lie in the bucket: which one a document names, and putting it into the document.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::super::place::{Place, has_template};

/// Pod templates lie below this prefix of Longshore's bucket.
pub const TEMPLATES: &str = "config/templates/";

/// The arguments that name one; the first that is there counts.
const ARGUMENTS: [&str; 2] = ["podTemplate", "pod_template_file"];

/// The template that a rendered document names, and the argument that does. `s3://<bucket>/` before the key is left out where it is Longshore's own.
pub(crate) fn address<'a>(document: &'a Value, bucket: &str) -> Option<(&'static str, &'a str)> {
    ARGUMENTS.into_iter().find_map(|argument| {
        let written = document.get(argument)?.as_str()?;
        let key = written.strip_prefix("s3://").and_then(|rest| rest.strip_prefix(bucket)?.strip_prefix('/'));
        Some((argument, key.unwrap_or(written)))
    })
}

/// Put the template into the rendered document, in the place of one that it spells out.
pub(crate) fn attach(
    document: &mut Value,
    bucket: &str,
    templates: &BTreeMap<String, Value>,
    place: &Place<'_>,
) {
    let Some((argument, key)) = address(document, bucket) else { return };
    // a template of the text that failed is told where it stands
    if has_template(key) {
        return;
    }
    let place = place.at(argument);
    if !key.starts_with(TEMPLATES) {
        place.refuse(
            &key.into(),
            "is no pod template",
            format!("a key below `{TEMPLATES}` of Longshore's bucket"),
        );
        return;
    }
    let Some(template) = templates.get(key) else {
        place.refuse(
            &key.into(),
            "cannot be read here",
            "an object that is there when the task is submitted",
        );
        return;
    };
    if let Some(members) = document.as_object_mut() {
        members.insert("pod_template_dict".to_owned(), template.clone());
    }
}
