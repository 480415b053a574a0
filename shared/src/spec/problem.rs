//! What is wrong with a document: every problem at once, each with its place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// JSON pointer into the document as submitted (`/tasks/0/outputFiles/1`), empty for the whole.
    pub pointer: String,
    /// Line in the text that was sent, from 1; in that of the task when an envelope holds it as a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Column in that line, in characters from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What is wrong: a lowercase fragment that names the thing in backticks.
    pub message: String,
    /// The value found, cut to 200 characters; never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// What is accepted there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Problem {
            pointer: pointer.into(),
            line: None,
            column: None,
            message: message.into(),
            found: None,
            accepted: None,
        }
    }

    /// … with the value that was found there.
    #[must_use]
    pub fn found(mut self, value: impl Into<Value>) -> Self {
        self.found = Some(value.into());
        self
    }

    /// … and what is accepted instead.
    #[must_use]
    pub fn accepted(mut self, words: impl Into<String>) -> Self {
        self.accepted = Some(words.into());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        match (self.line, self.column) {
            (Some(line), Some(column)) => {
                write!(formatter, "{place} (line {line}, column {column}): {}", self.message)?
            }
            _ => write!(formatter, "{place}: {}", self.message)?,
        }
        if let Some(found) = &self.found {
            write!(formatter, ", found `{found}`")?;
        }
        match &self.accepted {
            Some(accepted) => write!(formatter, "; accepted: {accepted}"),
            None => Ok(()),
        }
    }
}

/// The problems found so far; reading goes on after the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Note one problem.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
