//! Reads the log of a task for lines that set variables: `::{"outputs":{"rows":3}}::`.
//!
//! A line is one when it begins with `::{` and, after trimming its end, ends with `}::`; what stands between the colons is one JSON object. A line
//! that looks like one and is not stays an ordinary line and is warned of.

use serde_json::{Map, Value};

use super::command::{Command, LogEntry, Metric};
use super::stamped::MAX_LINE_BYTES;

/// Most bytes of all variables of a run, as JSON.
pub const MAX_OUTPUT_BYTES: usize = 256 * 1024;

/// Most metrics, and most log entries, that are kept.
pub const MAX_ITEMS: usize = 1000;

/// Most warnings that are kept word for word; the others are counted.
pub const MAX_WARNINGS: usize = 50;

/// What the lines of a log said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Variables: merged by name, later lines win.
    pub outputs: Map<String, Value>,
    /// Measurements, in order.
    pub metrics: Vec<Metric>,
    /// Log entries with a level, in order.
    pub entries: Vec<LogEntry>,
    /// What could not be used, with container and line number; never values.
    pub warnings: Vec<String>,
}

/// What a line turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Ordinary text.
    Text,
    /// A line that said something to Longshore.
    Command,
    /// Meant to be one, but unreadable: an ordinary line, with a warning.
    Broken,
}

/// Reads the log of one container, or those of several, one after the other.
#[derive(Debug, Default)]
pub struct LineReader {
    said: Said,
    output_bytes: usize,
    container: String,
    line: u64,
    more_warnings: usize,
    more_items: usize,
}

impl LineReader {
    /// The lines that follow are those of this container; its line numbers begin at 1.
    pub fn begin(&mut self, container: &str) {
        container.clone_into(&mut self.container);
        self.line = 0;
    }

    /// One line without timestamp and line feed; one that was cut for its length counts as too long.
    pub fn line(&mut self, line: impl AsRef<[u8]>) -> Reading {
        self.line += 1;
        let line = line.as_ref();
        if line.len() > MAX_LINE_BYTES && line.starts_with(b"::{") {
            self.warn(format!("`::{{…}}::` is longer than {MAX_LINE_BYTES} bytes"));
            return Reading::Broken;
        }
        let line = line.trim_ascii_end();
        let Some(body) = line.strip_prefix(b"::").and_then(|rest| rest.strip_suffix(b"::")) else {
            return Reading::Text;
        };
        if !(body.starts_with(b"{") && body.ends_with(b"}")) {
            return Reading::Text;
        }
        match serde_json::from_slice::<Map<String, Value>>(body) {
            Ok(body) => {
                self.take(Command::new(body));
                Reading::Command
            }
            Err(error) => {
                self.warn(format!("`::{{…}}::` does not hold one JSON object ({error})"));
                Reading::Broken
            }
        }
    }

    /// The end of all logs.
    pub fn finish(self) -> Said {
        let mut said = self.said;
        if self.more_items > 0 {
            let dropped = self.more_items;
            said.warnings.push(format!(
                "{dropped} metrics and log entries were left out: {MAX_ITEMS} of each are kept"
            ));
        }
        if self.more_warnings > 0 {
            said.warnings.push(format!("{} more warnings about `::{{…}}::` lines", self.more_warnings));
        }
        said
    }

    fn take(&mut self, command: Command) {
        for warning in command.warnings {
            self.warn(warning);
        }
        for (name, value) in command.outputs {
            self.set(name, value);
        }
        for metric in command.metrics {
            if self.said.metrics.len() < MAX_ITEMS {
                self.said.metrics.push(metric)
            } else {
                self.more_items += 1
            }
        }
        for entry in command.entries {
            if self.said.entries.len() < MAX_ITEMS {
                self.said.entries.push(entry)
            } else {
                self.more_items += 1
            }
        }
    }

    fn set(&mut self, name: String, value: Value) {
        let earlier = self.said.outputs.get(&name).map_or(0, |earlier| weight(&name, earlier));
        let later = weight(&name, &value);
        let total = self.output_bytes - earlier + later;
        if total > MAX_OUTPUT_BYTES {
            let fate = if earlier > 0 { "its earlier value stays" } else { "it is left out" };
            let shown = super::paths::shown(name.as_bytes());
            self.warn(format!(
                "output `{shown}` takes {later} bytes and no longer fits into the {MAX_OUTPUT_BYTES} bytes of all outputs: {fate}; write big values to an output file"
            ));
            return;
        }
        self.output_bytes = total;
        self.said.outputs.insert(name, value);
    }

    fn warn(&mut self, words: String) {
        if self.said.warnings.len() < MAX_WARNINGS {
            let of =
                if self.container.is_empty() { String::new() } else { format!(" of `{}`", self.container) };
            self.said.warnings.push(format!("log line {}{of}: {words}", self.line));
        } else {
            self.more_warnings += 1;
        }
    }
}

/// Bytes of `"name":value,` as JSON.
fn weight(name: &str, value: &Value) -> usize {
    value.to_string().len() + name.len() + 4
}

#[cfg(test)]
mod tests;
