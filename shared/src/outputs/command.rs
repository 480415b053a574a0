//! What one `::{…}::` line says: `outputs`, `metrics` and `logs`, each part on its own, so that a bad part does not spoil the good ones.

use std::collections::BTreeMap;

use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The parts of a line that are good, and a warning for each that is not. Warnings never repeat values: they may be secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Command {
    /// Variables, by name.
    pub outputs: Map<String, Value>,
    /// Measurements.
    pub metrics: Vec<Metric>,
    /// Log entries with a level.
    pub entries: Vec<LogEntry>,
    /// What could not be used.
    pub warnings: Vec<String>,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// What the value counts.
    #[serde(rename = "type")]
    pub kind: MetricKind,
    /// A number; seconds for a timer.
    pub value: f64,
    /// Tags, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Kinds of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// A number of things.
    Counter,
    /// A span of time.
    Timer,
}

/// A log entry with a level of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// How grave it is.
    pub level: Level,
    /// The text.
    pub message: String,
}

/// Levels of log entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Finest.
    Trace,
    /// For developers.
    Debug,
    /// Normal.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
}

impl Command {
    /// Take the object between the colons apart. Unknown members are ignored: newer libraries send more.
    pub fn new(body: Map<String, Value>) -> Self {
        let mut command = Command::default();
        for (name, part) in body {
            match (name.as_str(), part) {
                ("outputs", Value::Object(outputs)) => command.outputs = outputs,
                ("metrics", Value::Array(list)) => {
                    for (index, item) in list.iter().enumerate() {
                        match metric(item) {
                            Ok(metric) => command.metrics.push(metric),
                            Err(reason) => command.warnings.push(format!("`metrics[{index}]` {reason}")),
                        }
                    }
                }
                ("logs", Value::Array(list)) => {
                    for (index, item) in list.iter().enumerate() {
                        match entry(item) {
                            Ok(entry) => command.entries.push(entry),
                            Err(reason) => command.warnings.push(format!("`logs[{index}]` {reason}")),
                        }
                    }
                }
                ("outputs" | "metrics" | "logs", Value::Null) => {}
                ("outputs", _) => command.warnings.push("`outputs` is not an object".into()),
                ("metrics" | "logs", _) => command.warnings.push(format!("`{name}` is not a list")),
                _ => {}
            }
        }
        command
    }
}

fn metric(item: &Value) -> Result<Metric, &'static str> {
    let name =
        item.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()).ok_or("has no name")?;
    let value = item.get("value").ok_or("has no value")?;
    let (kind, value) = match item.get("type").and_then(Value::as_str) {
        Some("counter") => (MetricKind::Counter, value.as_f64().ok_or("has a value that is not a number")?),
        Some("timer") => (
            MetricKind::Timer,
            seconds(value).ok_or("has a value that is neither seconds nor an ISO 8601 duration")?,
        ),
        _ => return Err("has a type that is neither `counter` nor `timer`"),
    };
    let mut tags = BTreeMap::new();
    match item.get("tags") {
        None | Some(Value::Null) => {}
        Some(Value::Object(given)) => {
            for (tag, value) in given {
                let text = match value {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    Value::Bool(truth) => truth.to_string(),
                    Value::Null | Value::Array(_) | Value::Object(_) => {
                        return Err("has a tag that is not a text");
                    }
                };
                tags.insert(tag.clone(), text);
            }
        }
        Some(_) => return Err("has `tags` that are not an object"),
    }
    Ok(Metric { name: name.to_owned(), kind, value, tags })
}

/// Seconds as a number, or a duration as ISO 8601 writes it; a day has 24 hours.
fn seconds(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.starts_with(['P', '-']) => {
            let span: Span = text.parse().ok()?;
            span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().map(|duration| duration.as_secs_f64())
        }
        _ => None,
    }
}

fn entry(item: &Value) -> Result<LogEntry, &'static str> {
    let message = item.get("message").and_then(Value::as_str).ok_or("has no message")?;
    let level = match item.get("level").and_then(Value::as_str).map(str::to_ascii_uppercase).as_deref() {
        Some("TRACE") => Level::Trace,
        Some("DEBUG") => Level::Debug,
        Some("INFO") => Level::Info,
        Some("WARN") => Level::Warn,
        Some("ERROR") => Level::Error,
        _ => return Err("has a level that is none of TRACE, DEBUG, INFO, WARN, ERROR"),
    };
    Ok(LogEntry { level, message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(body: Value) -> Command {
        let Value::Object(body) = body else { panic!("not an object") };
        Command::new(body)
    }

    #[test]
    fn counters_and_timers_are_read_with_their_tags() {
        let found = command(json!({"metrics": [
            {"name": "rows", "type": "counter", "value": 3, "tags": {"table": "a", "part": 1}},
            {"name": "took", "type": "timer", "value": 1.5},
            {"name": "took", "type": "timer", "value": "PT1M0.25S"},
            {"name": "took", "type": "timer", "value": "P1DT1S", "tags": null},
        ]}));
        let values: Vec<f64> = found.metrics.iter().map(|metric| metric.value).collect();
        assert_eq!(values, [3.0, 1.5, 60.25, 86_401.0]);
        assert_eq!(
            found.metrics[0].tags,
            BTreeMap::from([("part".into(), "1".into()), ("table".into(), "a".into())])
        );
        assert!(found.warnings.is_empty());
    }

    #[test]
    fn each_bad_part_is_named_and_the_good_ones_stay() {
        let found = command(json!({
            "outputs": {"a": 1},
            "metrics": [{"type": "counter", "value": 1}, {"name": "n", "type": "gauge", "value": 1},
                {"name": "n", "type": "counter", "value": "1"}, {"name": "n", "type": "timer", "value": "1h"},
                {"name": "n", "type": "counter"}, {"name": "n", "type": "counter", "value": 1, "tags": {"t": []}}, {"name": "ok", "type": "counter", "value": 1}],
            "logs": [{"level": "LOUD", "message": "m"}, {"level": "INFO"}, {"level": "warn", "message": "m"}],
        }));
        assert_eq!(found.outputs, *json!({"a": 1}).as_object().unwrap());
        assert_eq!(found.metrics.len(), 1);
        assert_eq!(found.entries, [LogEntry { level: Level::Warn, message: "m".into() }]);
        assert_eq!(
            found.warnings,
            [
                "`metrics[0]` has no name",
                "`metrics[1]` has a type that is neither `counter` nor `timer`",
                "`metrics[2]` has a value that is not a number",
                "`metrics[3]` has a value that is neither seconds nor an ISO 8601 duration",
                "`metrics[4]` has no value",
                "`metrics[5]` has a tag that is not a text",
                "`logs[0]` has a level that is none of TRACE, DEBUG, INFO, WARN, ERROR",
                "`logs[1]` has no message",
            ]
        );
    }

    #[test]
    fn parts_of_the_wrong_shape_are_warnings_and_null_is_nothing() {
        assert_eq!(command(json!({"outputs": [1], "metrics": {}, "logs": "x"})).warnings.len(), 3);
        assert_eq!(
            command(json!({"outputs": null, "metrics": null, "logs": null, "assets": 1})),
            Command::default()
        );
    }
}
