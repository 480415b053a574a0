//! A plan: which faults there are, what they are about, and how often they strike.

use super::kind::{self, Kind};
use super::reader::{Problem, Reader};
use super::tally::Rhythm;
use serde_json::Value;
use std::collections::BTreeMap;

/// What goes wrong.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Decides everything that has a probability.
    pub seed: u64,
    /// The faults; for a request the first one that strikes counts.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// Its name in reports: its own, or its kind and its place.
    pub name: String,
    /// The word of its kind.
    pub word: String,
    /// What it does.
    pub kind: Kind,
    /// What it is about.
    pub selection: Selection,
    /// How often it strikes.
    pub rhythm: Rhythm,
}

/// What a fault is about; what is not said does not matter. `*` in a text stands for anything.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    verbs: Vec<String>,
    resources: Vec<String>,
    namespace: Option<String>,
    name: Option<String>,
    labels: BTreeMap<String, String>,
    user_agent: Option<String>,
}

/// A request as a plan sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen<'a> {
    /// The verb of the authorizer.
    pub verb: &'a str,
    /// The resource, with its subresource: `pods/log`.
    pub resource: &'a str,
    /// The namespace; empty for the cluster scope.
    pub namespace: &'a str,
    /// The object; of a create the name in the body.
    pub name: &'a str,
    /// Labels of the object, if it is known.
    pub labels: Option<&'a Value>,
    /// The `User-Agent` header.
    pub user_agent: &'a str,
}

impl Plan {
    /// Read a plan.
    ///
    /// # Errors
    ///
    /// Every problem in it.
    pub fn read(written: &Value) -> Result<Plan, Vec<Problem>> {
        let mut reader = Reader::open(Some(written.clone()), "");
        let seed = reader.take("seed").unwrap_or(0);
        let written: Vec<Value> = reader.need("faults").unwrap_or_default();
        let mut faults: Vec<Fault> = Vec::new();
        for (place, fault) in written.into_iter().enumerate() {
            let pointer = format!("/faults/{place}");
            let (fault, problems) = Fault::read(fault, place, &pointer);
            reader.add(problems);
            if let Some(fault) = fault {
                if faults.iter().any(|other| other.name == fault.name) {
                    let message = format!("another fault has the name `{}` already", fault.name);
                    reader.add(vec![Problem { pointer: format!("{pointer}/name"), message }]);
                }
                faults.push(fault);
            }
        }
        let problems = reader.close();
        if problems.is_empty() { Ok(Plan { seed, faults }) } else { Err(problems) }
    }
}

impl Fault {
    fn read(written: Value, place: usize, pointer: &str) -> (Option<Fault>, Vec<Problem>) {
        let mut reader = Reader::open(Some(written), pointer);
        let word: Option<String> = reader.need("kind");
        let name: Option<String> = reader.take("name");
        let mut part = Reader::open(reader.take("with"), &reader.pointer("with"));
        let kind = word.as_deref().and_then(|word| kind::read(word, &mut part));
        match (&kind, &word) {
            (Some(_), _) => reader.add(part.close()),
            (None, Some(word)) => {
                let known = kind::NAMES.join("`, `");
                reader.complain("kind", format!("`{word}` is not known; accepted are `{known}`"));
            }
            (None, None) => {}
        }
        let mut part = Reader::open(reader.take("match"), &reader.pointer("match"));
        let selection = Selection::read(&mut part, kind.as_ref());
        reader.add(part.close());
        let mut part = Reader::open(reader.take("when"), &reader.pointer("when"));
        let rhythm = Rhythm::read(&mut part);
        reader.add(part.close());
        let fault = word.zip(kind).map(|(word, kind)| {
            let name = name.unwrap_or_else(|| format!("{word}-{place}"));
            Fault { name, word, kind, selection, rhythm }
        });
        (fault, reader.close())
    }
}

impl Selection {
    /// Read `match`. What is about pods themselves knows no requests.
    fn read(reader: &mut Reader, kind: Option<&Kind>) -> Selection {
        let mut selection = Selection {
            namespace: reader.take("namespace"),
            name: reader.take("name"),
            labels: reader.take("labels").unwrap_or_default(),
            ..Selection::default()
        };
        if !matches!(kind, Some(Kind::Pod(_))) {
            selection.verbs = reader.take("verbs").unwrap_or_default();
            selection.resources = reader.take("resources").unwrap_or_default();
            selection.user_agent = reader.take("userAgent");
        }
        selection
    }

    /// Whether a request is meant.
    pub fn takes(&self, seen: &Seen<'_>) -> bool {
        let one_of = |wanted: &[String], text: &str| {
            wanted.is_empty() || wanted.iter().any(|pattern| fits(pattern, text))
        };
        one_of(&self.verbs, seen.verb)
            && one_of(&self.resources, seen.resource)
            && self.user_agent.as_deref().is_none_or(|pattern| fits(pattern, seen.user_agent))
            && self.takes_object(seen.namespace, seen.name, seen.labels)
    }

    /// Whether an object is meant.
    pub fn takes_object(&self, namespace: &str, name: &str, labels: Option<&Value>) -> bool {
        let label = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
        self.namespace.as_deref().is_none_or(|pattern| fits(pattern, namespace))
            && self.name.as_deref().is_none_or(|pattern| fits(pattern, name))
            && self.labels.iter().all(|(key, value)| label(key) == Some(value))
    }
}

/// Whether a text is of a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| text.get(at..).is_some_and(|text| fits(rest, text)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_problem_of_a_plan_is_told_with_its_place() {
        let problems = Plan::read(&json!({"sed": 1, "faults": [
            {"kind": "Latency", "with": {"milliseconds": "many", "seconds": 1}},
            {"kind": "Flood", "when": {"every": 0, "probability": 2}},
            {"kind": "Deleted", "match": {"verbs": ["get"]}},
            {"match": []},
            7,
            {"kind": "Unauthorized", "name": "a"},
            {"kind": "Unauthorized", "name": "a"},
        ]}))
        .unwrap_err();
        let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/faults/0/with/milliseconds",
                "/faults/0/with/seconds",
                "/faults/1/kind",
                "/faults/1/when/every",
                "/faults/1/when/probability",
                "/faults/2/match/verbs",
                "/faults/3/kind",
                "/faults/3/match",
                "/faults/4",
                "/faults/4/kind",
                "/faults/6/name",
                "/sed",
            ]
        );
        assert!(problems.iter().any(|problem| problem.message.contains("`milliseconds`")), "{problems:#?}");
    }

    #[test]
    fn what_is_not_said_does_not_matter() {
        let selection = |written: Value| Selection::read(&mut Reader::open(Some(written), ""), None);
        let labels = json!({"app": "x"});
        let seen = Seen {
            verb: "create",
            resource: "pods",
            namespace: "default",
            name: "hello-1",
            labels: Some(&labels),
            user_agent: "kubectl/v1.36",
        };
        for (written, taken) in [
            (json!({}), true),
            (json!({"verbs": ["get", "create"]}), true),
            (json!({"verbs": ["get"]}), false),
            (json!({"resources": ["pods*"], "name": "hello-*", "userAgent": "kubectl/*"}), true),
            (json!({"resources": ["pods/log"]}), false),
            (json!({"namespace": "other"}), false),
            (json!({"labels": {"app": "x"}}), true),
            (json!({"labels": {"app": "y"}}), false),
        ] {
            assert_eq!(selection(written.clone()).takes(&seen), taken, "{written}");
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("*-x-*", "é-x-é", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
