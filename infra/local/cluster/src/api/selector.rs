//! Label and field selectors, parsed and refused in upstream's words.

use super::status::Status;
use crate::store::{Kind, Object, text};
use serde_json::Value;

/// What a list or a watch shows.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    labels: Vec<Label>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Label {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    pointer: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// Parse both selectors of a query.
    ///
    /// # Errors
    ///
    /// 400 for syntax and for fields that the kind cannot be selected by.
    pub fn parse(kind: Kind, labels: &str, fields: &str) -> Result<Selector, Status> {
        Ok(Selector { labels: parse_labels(labels)?, fields: parse_fields(kind, fields)? })
    }

    /// Whether nothing is selected away.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The object's name, when the fields ask for exactly one; the authorizer sees it as the request's name.
    pub fn exact_name(&self) -> Option<&str> {
        self.fields
            .iter()
            .find(|field| field.equal && field.pointer == "/metadata/name")
            .map(|field| field.value.as_str())
    }

    /// Whether a kept object is selected.
    pub fn selects(&self, object: &Object) -> bool {
        self.is_empty() || self.may_match(object.json()) && self.matches(&object.value())
    }

    /// Whether the object can be selected, by its text alone: what it must hold as a value is somewhere in it.
    fn may_match(&self, json: &str) -> bool {
        // Other characters may be written with a backslash.
        let is_plain =
            |word: &str| word.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        let is_there = |word: &str| !is_plain(word) || json.contains(word);
        self.labels.iter().all(|label| match &label.test {
            Test::Exists => is_there(&label.key),
            Test::In(values) => values.iter().any(|value| is_there(value)),
            Test::Absent | Test::NotIn(_) => true,
        }) && self.fields.iter().all(|field| !field.equal || is_there(&field.value))
    }

    /// Whether the object is selected.
    pub fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.labels.iter().all(|label| {
            let value = labels.and_then(|labels| labels.get(&label.key)).and_then(Value::as_str);
            match &label.test {
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|one| one != value)),
            }
        }) && self.fields.iter().all(|field| (text(object, &field.pointer) == field.value) == field.equal)
    }
}

fn selectable(kind: Kind, field: &str) -> bool {
    let own: &[&str] = match kind {
        Kind::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Kind::Namespace => &["status.phase"],
        Kind::Node => &["spec.unschedulable"],
        Kind::Secret => &["type"],
        _ => &[],
    };
    own.contains(&field) || matches!(field, "metadata.name" | "metadata.namespace")
}

fn parse_fields(kind: Kind, selector: &str) -> Result<Vec<Field>, Status> {
    selector
        .split(',')
        .filter(|term| !term.is_empty())
        .map(|term| {
            let (name, value, equal) = if let Some((name, value)) = term.split_once("!=") {
                (name, value, false)
            } else if let Some((name, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (name, value, true)
            } else {
                let message = format!("invalid selector: '{selector}'; can't understand '{term}'");
                return Err(Status::bad_request(message));
            };
            if !selectable(kind, name) {
                return Err(Status::bad_request(format!("field label not supported: {name}")));
            }
            let pointer = match name {
                "source" => "/source/component".to_owned(),
                _ => format!("/{}", name.replace('.', "/")),
            };
            Ok(Field { pointer, value: value.into(), equal })
        })
        .collect()
}

/// The words of a label selector: names, operators, commas and parentheses.
fn tokens(selector: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut letters = selector.chars().peekable();
    while let Some(letter) = letters.next() {
        let symbol = matches!(letter, ',' | '(' | ')' | '=' | '!' | '<' | '>');
        if symbol || letter.is_whitespace() {
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            if symbol {
                let mut operator = letter.to_string();
                if matches!(letter, '=' | '!')
                    && let Some(next) = letters.next_if_eq(&'=')
                {
                    operator.push(next);
                }
                tokens.push(operator);
            }
        } else {
            word.push(letter);
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

fn is_word(token: &str) -> bool {
    !matches!(token, "" | "," | "(" | ")" | "=" | "==" | "!=" | "!" | "<" | ">")
}

fn parse_labels(selector: &str) -> Result<Vec<Label>, Status> {
    let tokens = tokens(selector);
    let mut tokens = tokens.iter().map(String::as_str).peekable();
    let mut labels = Vec::new();
    let refuse = |found: &str, expected: &str| {
        Err(Status::bad_request(format!(
            "unable to parse requirement: found '{found}', expected: {expected}"
        )))
    };
    while tokens.peek().is_some() {
        let absent = tokens.next_if_eq(&"!").is_some();
        let key = tokens.next().unwrap_or_default();
        if !is_word(key) {
            return refuse(key, "!, identifier, or 'end of string'");
        }
        let test = match tokens.peek().copied() {
            None | Some(",") if absent => Test::Absent,
            None | Some(",") => Test::Exists,
            Some("=" | "==") => {
                tokens.next();
                Test::In(vec![tokens.next_if(|token| is_word(token)).unwrap_or_default().into()])
            }
            Some("!=") => {
                tokens.next();
                Test::NotIn(vec![tokens.next_if(|token| is_word(token)).unwrap_or_default().into()])
            }
            Some(operator @ ("in" | "notin")) => {
                tokens.next();
                if tokens.next_if_eq(&"(").is_none() {
                    return refuse(tokens.next().unwrap_or_default(), "'('");
                }
                let mut values = Vec::new();
                loop {
                    values.push(tokens.next_if(|token| is_word(token)).unwrap_or_default().to_owned());
                    match tokens.next() {
                        Some(",") => {}
                        Some(")") => break,
                        other => return refuse(other.unwrap_or_default(), "',' or ')'"),
                    }
                }
                if operator == "in" { Test::In(values) } else { Test::NotIn(values) }
            }
            Some(">" | "<") => return Err(Status::unsupported("the label operators gt and lt")),
            Some(other) => return refuse(other, "in, notin, =, ==, !=, gt, lt"),
        };
        labels.push(Label { key: key.into(), test });
        match tokens.next() {
            None | Some(",") => {}
            Some(other) => {
                let message = format!("found '{other}', expected: ',' or 'end of string'");
                return Err(Status::bad_request(message));
            }
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod() -> Value {
        json!({"metadata": {"name": "l1", "labels": {"n": "1", "tier": "a"}},
               "spec": {"nodeName": "x"}, "status": {"phase": "Pending"}})
    }

    #[test]
    fn selectors_select() {
        for (labels, fields, expected) in [
            ("n in (1,3),tier=a", "", true),
            ("n in (2, 3)", "", false),
            ("n notin (2)", "", true),
            ("tier!=a", "", false),
            ("tier", "", true),
            ("!tier", "", false),
            ("!nope,tier==a", "", true),
            ("", "status.phase=Pending,metadata.name=l1", true),
            ("", "status.phase!=Succeeded,status.phase!=Failed", true),
            ("", "spec.nodeName=", false),
            ("", "status.phase=Bogus", false),
        ] {
            let selector = Selector::parse(Kind::Pod, labels, fields).unwrap();
            assert_eq!(selector.matches(&pod()), expected, "{labels} {fields}");
        }
    }

    #[test]
    fn bad_selectors_are_refused_in_the_recorded_words() {
        // http/14-selectors
        for (labels, fields, message) in [
            ("n in (1", "", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a b", "", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("n==1==2", "", "found '==', expected: ',' or 'end of string'"),
            ("n=not valid!", "", "found 'valid', expected: ',' or 'end of string'"),
            ("", "spec.foo=1", "field label not supported: spec.foo"),
            ("", "metadata.labels.tier=a", "field label not supported: metadata.labels.tier"),
            ("", "status.phase", "invalid selector: 'status.phase'; can't understand 'status.phase'"),
        ] {
            let refused = Selector::parse(Kind::Pod, labels, fields).unwrap_err();
            assert_eq!(refused.message, message);
        }
    }

    #[test]
    fn the_exact_name_is_known_to_the_authorizer() {
        let selector = Selector::parse(Kind::Pod, "", "metadata.name=x").unwrap();
        assert_eq!(selector.exact_name(), Some("x"));
    }
}
