//! A place in a document: its JSON pointer, and where to note what is wrong there.

use std::cell::RefCell;

use serde_json::Value;

use super::problem::{Problem, Problems};

/// Which reading of a document it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As the author wrote it: a text with a template in it can turn out to be anything.
    Written,
    /// After rendering: every text is final.
    Rendered,
}

/// The problems of one reading.
#[derive(Debug)]
pub struct Notes {
    reading: Reading,
    problems: RefCell<Problems>,
}

impl Notes {
    /// No problems yet.
    pub fn new(reading: Reading) -> Self {
        Notes { reading, problems: RefCell::default() }
    }

    /// What was noted, in the order of reading.
    pub fn into_problems(self) -> Problems {
        self.problems.into_inner()
    }
}

/// A JSON pointer that knows where to note problems.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    notes: &'a Notes,
    pointer: String,
    /// The value at this place is never shown.
    secret: bool,
}

impl<'a> Place<'a> {
    /// The place with that pointer.
    pub fn new(notes: &'a Notes, pointer: &str) -> Self {
        Place { notes, pointer: pointer.to_owned(), secret: false }
    }

    /// A member of the object here.
    #[must_use]
    pub fn at(&self, key: &str) -> Self {
        Place { notes: self.notes, pointer: join(&self.pointer, key), secret: self.secret }
    }

    /// An element of the list here.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.at(&index.to_string())
    }

    /// The same place, whose values never show up in problems.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The JSON pointer.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Which reading of the document it is.
    pub(crate) fn reading(&self) -> Reading {
        self.notes.reading
    }

    /// The text is not final: it has a template that has not been rendered yet.
    pub fn is_open(&self, text: &str) -> bool {
        self.notes.reading == Reading::Written && has_template(text)
    }

    /// Note that something is wrong here.
    pub fn wrong(&self, message: impl Into<String>) {
        self.note(Problem::new(self.pointer.as_str(), message));
    }

    /// Note that the value here is wrong, and what is accepted.
    pub fn refuse(&self, value: &Value, message: impl Into<String>, accepted: impl Into<String>) {
        let problem = Problem::new(self.pointer.as_str(), message).accepted(accepted);
        self.note(if self.secret { problem } else { problem.found(shortened(value)) });
    }

    /// Note a problem that was made elsewhere.
    pub fn note(&self, problem: Problem) {
        self.notes.problems.borrow_mut().add(problem);
    }
}

/// The text holds a template expression or statement.
pub fn has_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// A JSON pointer one step further (RFC 6901: `~` is `~0`, `/` is `~1`).
pub fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The value as a problem shows it: at most 200 characters.
pub fn shortened(value: &Value) -> Value {
    const MOST: usize = 200;
    let cut = |text: &str| -> Option<String> {
        (text.chars().count() > MOST).then(|| text.chars().take(MOST - 1).chain(['…']).collect())
    };
    match value {
        Value::String(text) => cut(text).map_or_else(|| value.clone(), Value::String),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::Array(_) | Value::Object(_) => {
            cut(&value.to_string()).map_or_else(|| value.clone(), Value::String)
        }
    }
}

/// What kind of value it is, in the words of JSON.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
