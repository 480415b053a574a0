//! Reading JSON field by field, so that every problem is told at once.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What is wrong, and what is accepted.
    pub message: String,
}

/// An object whose fields are taken out one after the other.
pub(super) struct Reader {
    pointer: String,
    left: Map<String, Value>,
    known: Vec<&'static str>,
    problems: Vec<Problem>,
}

impl Reader {
    /// The object at a pointer; absent is empty.
    pub fn open(value: Option<Value>, pointer: &str) -> Reader {
        let mut reader =
            Reader { pointer: pointer.to_owned(), left: Map::new(), known: Vec::new(), problems: Vec::new() };
        match value {
            None => {}
            Some(Value::Object(fields)) => reader.left = fields,
            Some(other) => reader.complain("", format!("an object is expected here, not {other}")),
        }
        reader
    }

    /// A field, if it is there and well-formed.
    pub fn take<T: DeserializeOwned>(&mut self, field: &'static str) -> Option<T> {
        self.known.push(field);
        match serde_json::from_value(self.left.shift_remove(field)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.complain(field, error.to_string());
                None
            }
        }
    }

    /// A field that must be there.
    pub fn need<T: DeserializeOwned>(&mut self, field: &'static str) -> Option<T> {
        if !self.left.contains_key(field) {
            self.complain(field, "this field is required".into());
        }
        self.take(field)
    }

    /// Something is wrong with a field, or, if it is empty, with the object.
    pub fn complain(&mut self, field: &str, message: String) {
        let separator = if field.is_empty() { "" } else { "/" };
        self.problems.push(Problem { pointer: format!("{}{separator}{field}", self.pointer), message });
    }

    /// Where a field is.
    pub fn pointer(&self, field: &str) -> String {
        format!("{}/{field}", self.pointer)
    }

    /// What another reader found.
    pub fn add(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// Every problem, the fields that nobody took among them.
    pub fn close(mut self) -> Vec<Problem> {
        let known = match self.known.as_slice() {
            [] => "none is accepted".to_owned(),
            known => format!("accepted are `{}`", known.join("`, `")),
        };
        for field in std::mem::take(&mut self.left).keys() {
            self.complain(field, format!("there is no such field here; {known}"));
        }
        self.problems
    }
}
