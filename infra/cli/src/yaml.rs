//! YAML for people and for every reader: block style, and quotes around each string that some YAML version would take for something else.

use serde_json::Value;

/// A tree as YAML. Strings such as `yes`, `0644`, `1e3` or `12:30` are quoted, so that YAML 1.1 and 1.2 readers agree.
pub fn to_string(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut text),
        Value::Array(list) if !list.is_empty() => block(value, 0, &mut text),
        leaf => {
            scalar(leaf, 0, &mut text);
            text.push('\n');
        }
    }
    text
}

/// A map or list that is not empty, each line indented by `indent` spaces.
fn block(value: &Value, indent: usize, text: &mut String) {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                text.push_str(&margin);
                text.push_str(&plain_or_quoted(key));
                text.push(':');
                entry(value, indent, text);
            }
        }
        Value::Array(list) => {
            for value in list {
                text.push_str(&margin);
                text.push('-');
                if is_block(value) && value.is_object() {
                    // The first key stands on the line of the dash.
                    let mut inner = String::new();
                    block(value, indent + 2, &mut inner);
                    text.push(' ');
                    text.push_str(inner.trim_start_matches(' '));
                } else {
                    item(value, indent, text);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value, indent, text),
    }
}

/// What follows `key:`; lists are not indented further than their key, as kubectl writes them.
fn entry(value: &Value, indent: usize, text: &mut String) {
    if is_block(value) {
        text.push('\n');
        block(value, if value.is_array() { indent } else { indent + 2 }, text);
    } else {
        text.push(' ');
        scalar(value, indent + 2, text);
        text.push('\n');
    }
}

/// What follows the `-` of a list, unless it is a map.
fn item(value: &Value, indent: usize, text: &mut String) {
    if is_block(value) {
        text.push('\n');
        block(value, indent + 2, text);
    } else {
        text.push(' ');
        scalar(value, indent + 2, text);
        text.push('\n');
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A leaf, without the line break behind it.
fn scalar(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::String(string) if is_literal(string) => literal(string, indent, text),
        Value::String(string) => text.push_str(&plain_or_quoted(string)),
        // Numbers, booleans, null and empty collections are the same in JSON and YAML.
        other => text.push_str(&other.to_string()),
    }
}

/// Several lines that need no escapes: written as a `|` block. A first line with leading white space would need an indentation
/// indicator, trailing blanks are invisible, and both are better quoted.
fn is_literal(string: &str) -> bool {
    let body = string.strip_suffix('\n').unwrap_or(string);
    body.contains('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && !body.ends_with('\n')
        && body.lines().all(|line| !line.ends_with([' ', '\t']))
        && body.chars().all(|letter| letter == '\n' || letter == '\t' || is_printable(letter))
}

fn literal(string: &str, indent: usize, text: &mut String) {
    text.push_str(if string.ends_with('\n') { "|" } else { "|-" });
    for line in string.lines() {
        text.push('\n');
        if !line.is_empty() {
            text.push_str(&" ".repeat(indent));
            text.push_str(line);
        }
    }
}

fn plain_or_quoted(string: &str) -> String {
    if is_plain(string) { string.to_owned() } else { quoted(string) }
}

/// Safe without quotes for every reader: it begins like a word or a path, holds nothing that structures YAML, and is no reserved word.
fn is_plain(string: &str) -> bool {
    const RESERVED: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let first_is_safe =
        string.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/' || letter == '_');
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "_-./@+".contains(letter);
    let structure_is_safe = string
        .chars()
        .enumerate()
        .all(|(index, letter)| safe(letter) || (letter == ' ' || letter == ':') && index > 0);
    first_is_safe
        && structure_is_safe
        && !string.contains(": ")
        && !string.ends_with([':', ' '])
        && !RESERVED.contains(&string.to_ascii_lowercase().as_str())
}

/// A double-quoted string: JSON's, with the characters that YAML calls unprintable escaped as well.
fn quoted(string: &str) -> String {
    let mut text = String::from("\"");
    for letter in string.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            letter if is_printable(letter) => text.push(letter),
            letter => text.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    text.push('"');
    text
}

/// YAML's printable characters, without line and paragraph separators and the byte order mark.
fn is_printable(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_looks_as_people_write_it() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "x", "annotations": {"a/b": "yes", "empty": ""}},
            "spec": {"containers": [
                {"name": "main", "image": "alpine:3.22", "command": ["/bin/sh", "-c", "set -e\necho one\n\necho two\n"],
                 "env": [{"name": "MODE", "value": "0644"}], "args": [], "resources": {}},
            ], "volumes": [{"name": "v", "emptyDir": {}}], "activeDeadlineSeconds": 4260, "nested": [[1, [2]], null]},
        });
        insta::assert_snapshot!(to_string(&pod), @r#"
        apiVersion: v1
        kind: Pod
        metadata:
          name: x
          annotations:
            a/b: "yes"
            empty: ""
        spec:
          containers:
          - name: main
            image: alpine:3.22
            command:
            - /bin/sh
            - "-c"
            - |
              set -e
              echo one

              echo two
            env:
            - name: MODE
              value: "0644"
            args: []
            resources: {}
          volumes:
          - name: v
            emptyDir: {}
          activeDeadlineSeconds: 4260
          nested:
          -
            - 1
            -
              - 2
          - null
        "#);
    }

    #[test]
    fn strings_that_look_like_something_else_are_quoted() {
        let traps = [
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "N",
            "true",
            "null",
            "~",
            "0644",
            "0o17",
            "1e3",
            "1_000",
            ".inf",
            "NaN",
            "12:30",
            "1:2:3",
            "2026-11-21",
            "-",
            "- a",
            "? a",
            "a: b",
            "a:",
            "#x",
            "a #b",
            "!t",
            "&a",
            "*a",
            "@a",
            "`a",
            "%a",
            "{a}",
            "[a]",
            " a",
            "a ",
            "",
            "a\tb",
            "\u{7f}",
            "\u{2028}",
            "\u{feff}",
            "=",
            "<<",
            "|",
            ">",
            "'",
            "\"",
            "\\",
            "...",
            "---",
            "0x1F",
            "+1",
            "-1",
            ",",
        ];
        for trap in traps {
            assert!(!is_plain(trap), "{trap:?}");
        }
        for word in ["alpine:3.22", "/bin/sh", "a b", "docker.io/x/y@sha256:ab", "_x", "s3://b/k"] {
            assert!(is_plain(word), "{word:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let tree = json!({
            "yes": "no", "0644": "0644", "x y": ["1e3", "a\nb", "a\nb\n", "a\n\nb\n\n", " lead\nb", "trail \nb", "\ttab\nb", "tab\there\nb"],
            "deep": [[["x"], {}], {"a": [], "b": {"c": null, "d": [{"e": 1.5}, {"f": true}]}}],
            "odd": "\u{7f}\u{85}\u{2028}\u{feff}😀ü\r\n\0\u{1b}", "": "", "# a": "#b", "multi\nkey": "x\ny",
        });
        let options = serde_saphyr::options! { strict_booleans: true, legacy_octal_numbers: true };
        let back: Value = serde_saphyr::from_str_with_options(&to_string(&tree), options).unwrap();
        assert_eq!(back, tree);
        for leaf in [json!("x"), json!({}), json!([]), json!(7)] {
            assert_eq!(serde_saphyr::from_str::<Value>(&to_string(&leaf)).unwrap(), leaf);
        }
    }
}
