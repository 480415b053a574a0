//! Volumes of a pod.

use super::{Problems, array, quantity, words};
use crate::store::text;
use serde_json::{Value, json};

/// Check the volumes; gives their names for the mounts.
pub(super) fn check<'a>(pod: &'a Value, problems: &mut Problems) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for (index, volume) in array(pod, "/spec/volumes").iter().enumerate() {
        let path = format!("spec.volumes[{index}]");
        let name = text(volume, "/name");
        if name.is_empty() {
            problems.required(format!("{path}.name"), "");
        } else if let Some(complaint) = words::label(name) {
            problems.invalid(format!("{path}.name"), &json!(name), &complaint);
        } else if names.contains(&name) {
            problems.duplicate(format!("{path}.name"), name);
        }
        names.push(name);
        let sources =
            volume.as_object().into_iter().flatten().map(|(field, _)| field).filter(|field| *field != "name");
        for source in sources.skip(1) {
            problems.forbidden(format!("{path}.{source}"), "may not specify more than 1 volume type");
        }
        source(volume, &path, problems);
    }
    names
}

fn source(volume: &Value, path: &str, problems: &mut Problems) {
    let size = text(volume, "/emptyDir/sizeLimit");
    if !size.is_empty() && quantity::parse(size).is_none_or(|size| size < 0) {
        let complaint = "SizeLimit field must be a valid resource quantity";
        problems.forbidden(format!("{path}.emptyDir.sizeLimit"), complaint);
    }
    let medium = text(volume, "/emptyDir/medium");
    if !matches!(medium, "" | "Memory") && !medium.starts_with("HugePages") {
        problems.unsupported(format!("{path}.emptyDir.medium"), medium, &["", "HugePages", "Memory"]);
    }
    for (kind, field) in
        [("secret", "secretName"), ("configMap", "name"), ("persistentVolumeClaim", "claimName")]
    {
        let Some(source) = volume.get(kind) else { continue };
        if text(source, &format!("/{field}")).is_empty() {
            problems.required(format!("{path}.{kind}.{field}"), "");
        }
        for (index, item) in array(source, "/items").iter().enumerate() {
            for field in
                ["key", "path"].into_iter().filter(|field| text(item, &format!("/{field}")).is_empty())
            {
                problems.required(format!("{path}.{kind}.items[{index}].{field}"), "");
            }
        }
    }
    if volume.get("hostPath").is_some() && text(volume, "/hostPath/path").is_empty() {
        problems.required(format!("{path}.hostPath.path"), "");
    }
}
