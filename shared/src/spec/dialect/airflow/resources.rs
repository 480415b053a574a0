//! `container_resources`, also in the words that came before `v1.ResourceRequirements`.

use serde_json::{Map, Value};

use super::super::super::fields::Fields;
use super::spelling;

/// Older words, and what they are: the side and the resource.
const OLDER: [(&str, &str, &str); 5] = [
    ("request_memory", "requests", "memory"),
    ("request_cpu", "requests", "cpu"),
    ("limit_memory", "limits", "memory"),
    ("limit_cpu", "limits", "cpu"),
    ("limit_gpu", "limits", "nvidia.com/gpu"),
];

/// Requests and limits of the base container. `container_resources` goes before `resources`.
pub(super) fn read(fields: &Fields<'_>) -> Option<Value> {
    let key = if fields.value("container_resources").is_some() { "container_resources" } else { "resources" };
    let written = fields.object(key)?;
    let place = fields.place.at(key);
    let (older, newer): (Map<_, _>, Map<_, _>) =
        written.into_iter().partition(|(name, _)| OLDER.iter().any(|(word, ..)| word == name));
    let mut resources = spelling::kubernetes(&Value::Object(newer), &place);
    for (word, side, resource) in OLDER {
        let Some(amount) = older.get(word).filter(|amount| !amount.is_null()) else { continue };
        let Some(sides) = resources.as_object_mut() else { continue };
        let amounts = sides.entry(side).or_insert_with(|| Map::new().into());
        if let Value::Object(amounts) = amounts {
            if amounts.contains_key(resource) {
                place.at(word).wrong(format!("`{word}` is `{side}.{resource}`, which is there already"));
            }
            amounts.insert(resource.to_owned(), amount.clone());
        }
    }
    Some(resources)
}
