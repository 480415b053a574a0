//! A submission as it may be kept: without what may be secret.

use serde_json::Value;

/// What stands in place of a secret.
const HIDDEN: &str = "[redacted]";

/// Words in the name of a property whose value may be secret.
const SECRET_WORDS: [&str; 8] =
    ["token", "password", "passphrase", "secret", "keydata", "certdata", "credential", "authorization"];

/// A tree without the values of properties that may be secret, and without environment values.
pub fn tree(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                if is_secret(name) && !value.is_null() {
                    *value = Value::from(HIDDEN);
                } else if name == "env" {
                    hide_leaves(value);
                } else {
                    tree(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tree),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A text that could not be read: every line that may hold a secret is left out.
pub fn text(text: &str) -> String {
    let lines = text.lines().map(|line| if is_secret(line) { HIDDEN } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_secret(name: &str) -> bool {
    let name: String =
        name.to_lowercase().chars().filter(|character| !matches!(character, '_' | '-')).collect();
    SECRET_WORDS.iter().any(|word| name.contains(word))
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

    #[test]
    fn secrets_go_and_the_rest_stays() {
        let mut value = json!({"task": {"connection": {"oauthToken": "t", "masterUrl": "https://a", "clientKeyData": "k"},
            "env": {"A": "x"}, "spec": {"containers": [{"env": [{"name": "B", "value": "y"}], "image": "i"}]}}});
        super::tree(&mut value);
        assert_eq!(
            value,
            json!({"task": {"connection": {"oauthToken": "[redacted]", "masterUrl": "https://a", "clientKeyData": "[redacted]"},
            "env": {"A": "[redacted]"}, "spec": {"containers": [{"env": [{"name": "B", "value": "[redacted]"}], "image": "i"}]}}})
        );
    }

    #[test]
    fn an_unreadable_text_loses_the_lines_that_may_hold_a_secret() {
        assert_eq!(super::text("a: 1\n  oauth_token: x\nb: ["), "a: 1\n[redacted]\nb: [");
    }
}
