//! The name of a run's pod.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::resolve::plan::Plan;
use crate::spec::label::hex;

/// Characters of a pod name: a DNS-1123 label, so that it can be a host name too.
const MOST: usize = 63;
/// Hex digits at its end.
const HASH: usize = 10;

/// At most 63 of `a-z 0-9 -`: a readable part, then `-` and 10 hex digits of the SHA-256 of run id and attempt. The readable part comes from
/// `metadata.name` or `metadata.generateName`, else from the ids of flow and task.
pub fn name(plan: &Plan, run_id: &str, attempt: u32) -> String {
    let metadata = |key: &str| plan.pod.get("metadata")?.get(key).and_then(Value::as_str);
    let chosen = metadata("name").or_else(|| metadata("generateName")).map(str::to_owned);
    let readable = chosen.unwrap_or_else(|| match &plan.task.flow {
        Some(flow) => format!("{flow}-{}", plan.task.id),
        None => plan.task.id.clone(),
    });
    let hash = hex(&Sha256::digest(format!("{run_id}\0{attempt}").as_bytes()), HASH);
    let slug: String = slug(&readable).chars().take(MOST - HASH - 1).collect();
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { format!("run-{hash}") } else { format!("{slug}-{hash}") }
}

/// The plain letters of an accented one of Latin-1 (lower case, U+00DF to U+00FF) and of the ligature `œ`.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'à'..='å' => "a",
        'æ' => "ae",
        'ç' => "c",
        'è'..='ë' => "e",
        'ì'..='ï' => "i",
        'ñ' => "n",
        'ò'..='ö' | 'ø' => "o",
        'ù'..='ü' => "u",
        'ý' | 'ÿ' => "y",
        'œ' => "oe",
        _ => return None,
    })
}

/// Lower-case letters and digits, everything between them one `-`.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if let Some(plain) = plain(letter) {
            slug.push_str(plain);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_parts() {
        for (id, text, expected) in [
            ("A-NAME-01", "my_dag-my.task", "my-dag-my-task"),
            ("A-NAME-02", ".hi.-_09HI", "hi-09hi"),
            ("dots separate", "company.team", "company-team"),
            ("no double dash", "a - b", "a-b"),
            ("K-NAME-02: accents go", "Été-flow-task", "ete-flow-task"),
            ("other scripts vanish", "日本", ""),
        ] {
            assert_eq!(slug(text), expected, "{id}");
        }
    }
}
