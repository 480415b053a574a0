//! A submission as it may be kept: without what may be secret.

use serde_json::{Map, Value};

use crate::spec::catalogue::CONNECTION;
use crate::spec::read;

/// What stands in place of a secret.
const HIDDEN: &str = "[redacted]";

/// Words in the name of a property whose value may be secret, as [`plain`] has them.
const SECRET_WORDS: [&str; 9] = [
    "token",
    "password",
    "passphrase",
    "secret",
    "keydata",
    "certdata",
    "credential",
    "authorization",
    "correlationid",
];

/// Names of properties that hold environment values, as [`plain`] has them.
const ENVIRONMENTS: [&str; 2] = ["env", "envvars"];

/// Properties that hold a connection.
const CONNECTIONS: [&str; 2] = ["connection", "config"];

/// The property of an envelope under which the document may stand as a text.
const DOCUMENT: &str = "task";

/// A tree without the values of properties that may be secret, and without environment values.
pub fn tree(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if is_secret(name) && !value.is_null() {
                    *value = Value::from(HIDDEN);
                } else if ENVIRONMENTS.contains(&plain(name).as_str()) {
                    hide_leaves(value);
                } else if CONNECTIONS.contains(&name.as_str())
                    && let Value::Object(connection) = value
                {
                    self::connection(connection);
                } else if name == DOCUMENT
                    && let Value::String(document) = value
                {
                    *value = whole(document.as_bytes());
                } else {
                    tree(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tree),
        // Scripts, and documents inside of documents.
        Value::String(lines) if lines.contains('\n') => *lines = text(lines),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Of a connection only that stays which is known to be no secret: what is misspelt may be one.
fn connection(properties: &mut Map<String, Value>) {
    for (name, value) in properties.iter_mut().filter(|(_, value)| !value.is_null()) {
        match CONNECTION.property(name) {
            Some(property) if !property.secret => tree(value),
            Some(_) | None => *value = Value::from(HIDDEN),
        }
    }
}

/// A document that was sent, as it may be kept: as a tree where it can be read as one, else as a text.
pub fn whole(sent: &[u8]) -> Value {
    match read::tree(sent) {
        // A text alone is what remains of a document that was no document; it is treated as one that cannot be read.
        Ok(Value::String(_)) | Err(_) => Value::from(text(&String::from_utf8_lossy(sent))),
        Ok(mut value) => {
            tree(&mut value);
            value
        }
    }
}

/// A text that could not be read: every line that may hold a secret is left out, and so are the lines that belong to it.
pub fn text(text: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    // Indentation of the line whose value goes on.
    let mut hiding: Option<usize> = None;
    for line in text.split(['\n', '\r']) {
        let trimmed = line.trim_start_matches([' ', '\t']);
        let indentation = line.len() - trimmed.len();
        // A list may stand as far to the left as its name; a text in quotes may go on anywhere below.
        let goes_on = hiding.is_some_and(|above| {
            trimmed.is_empty() || indentation > above || (indentation == above && trimmed.starts_with('-'))
        });
        let begins = is_secret(line) || names_environment(line);
        if begins && !goes_on {
            hiding = Some(indentation);
        }
        if begins || goes_on {
            kept.push(HIDDEN);
        } else {
            hiding = None;
            kept.push(line);
        }
    }
    kept.dedup_by(|one, other| one == other && *one == HIDDEN);
    kept.join("\n")
}

/// Lower-case letters and digits alone.
fn plain(name: &str) -> String {
    name.to_lowercase().chars().filter(|character| !matches!(character, '_' | '-')).collect()
}

fn is_secret(name: &str) -> bool {
    let name = plain(name);
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// The line has `env:` or another of its names, in YAML or JSON.
fn names_environment(line: &str) -> bool {
    line.split(':').rev().skip(1).any(|before| {
        let name = before.trim_end_matches([' ', '"', '\'']);
        let name =
            name.rsplit(|letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')));
        name.map(plain).next().is_some_and(|name| ENVIRONMENTS.contains(&name.as_str()))
    })
}

/// Environment: a map of values, or a list of `{name, value}`.
fn hide_leaves(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if name != "name" {
                    hide_leaves(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_leaves),
        Value::Null => {}
        leaf => *leaf = Value::from(HIDDEN),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::catalogue;

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let mut value = json!({"task": {"connection": {"oauthToken": "t", "masterUrl": "https://a", "clientKeyData": "k"},
            "env": {"A": "x"}, "spec": {"containers": [{"env": [{"name": "B", "value": "y"}], "image": "i"}]}}});
        tree(&mut value);
        assert_eq!(
            value,
            json!({"task": {"connection": {"oauthToken": "[redacted]", "masterUrl": "https://a", "clientKeyData": "[redacted]"},
            "env": {"A": "[redacted]"}, "spec": {"containers": [{"env": [{"name": "B", "value": "[redacted]"}], "image": "i"}]}}})
        );
    }

    #[test]
    fn an_unreadable_text_loses_the_lines_that_may_hold_a_secret() {
        assert_eq!(text("a: 1\n  oauth_token: x\nb: ["), "a: 1\n[redacted]\nb: [");
    }

    #[test]
    fn what_a_secret_goes_on_with_in_further_lines_goes_too() {
        for broken in [
            "a: 1\nclientKeyData: |\n  canary\n\n  canary\nb: [",
            "a: 1\nenv:\n- name: A\n  value: canary\nb: [",
            "a: 1\nenv_vars:\n  A: canary\nb: [",
            "a: 1\n  \"env\": {\n    \"A\": \"canary\"\n  },\nb: [",
            "a: 1\r\npassword: >-\r\n  canary\r\nb: [",
            "a: 1\nx: {env: {A: canary}}\nb: [",
        ] {
            let kept = text(broken);
            assert!(!kept.contains("canary") && kept.contains("a: 1") && kept.ends_with("b: ["), "{kept}");
        }
        assert_eq!(text("environment: x\nseven: y"), "environment: x\nseven: y");
    }

    #[test]
    fn a_document_that_stands_as_a_text_in_its_envelope_is_looked_through() {
        let mut value =
            json!({"runId": "r", "task": "id: a\nenv:\n  A: canary\nconnection: {oauthToken: canary}\n"});
        tree(&mut value);
        assert_eq!(value["task"]["env"]["A"], "[redacted]");
        assert_eq!(value["task"]["connection"]["oauthToken"], "[redacted]");
        let mut value = json!({"task": "a: [\npassword: canary", "script": "echo 1\nexport TOKEN=canary\n"});
        tree(&mut value);
        assert!(!value.to_string().contains("canary"), "{value}");
        assert!(!whole(br#""{\"password\": \"canary\"}""#).to_string().contains("canary"));
    }

    #[test]
    fn what_is_misspelt_in_a_connection_may_be_a_secret() {
        let mut value = json!({"config": {"pasword": "canary", "username": "u", "namespace": "n"}});
        tree(&mut value);
        assert_eq!(value, json!({"config": {"pasword": HIDDEN, "username": "u", "namespace": "n"}}));
    }

    #[test]
    fn every_property_that_the_catalogue_calls_secret_goes() {
        let secret = catalogue::secrets();
        assert!(secret.len() >= 9, "{secret:?}");
        for (_, name) in secret {
            let mut value = json!({name: "canary"});
            tree(&mut value);
            assert_eq!(value[name], HIDDEN, "{name}");
            assert_eq!(text(&format!("{name}: canary")), HIDDEN, "{name}");
        }
    }
}
