//! Metrics: what CloudWatch makes of lines in its embedded metric format among the logs of a function, see docs/LOGGING.md. Pure; the environment prints.
//!
//! The format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::run::diagnosis::Cause;
use crate::run::result::RunResult;

/// Something worth counting.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A submission became a run.
    Accepted,
    /// A submission cannot be carried out as written.
    Rejected,
    /// The pod of an attempt was created.
    PodCreated,
    /// The pod of an attempt cannot be created yet, for this reason.
    PodPostponed(Cause),
    /// Another attempt follows one that ended for this reason.
    Retried(Cause),
    /// A run has its result.
    Ended(&'a RunResult),
    /// A poll came to its end.
    Polled {
        /// How long it took.
        duration_ms: u64,
    },
}

/// One value, and the names of the members that tell it apart.
struct Measure {
    name: &'static str,
    unit: &'static str,
    value: u64,
    dimensions: &'static [&'static str],
}

/// The line that tells a fact: a JSON object with each value and each dimension as a member. `namespace` is CloudWatch's.
pub fn line(namespace: &str, at: Timestamp, fact: Fact<'_>) -> String {
    let (measures, properties) = told(fact);
    // One directive for all values of the same dimensions: what is logged is paid for by the byte.
    let mut metrics: BTreeMap<&[&str], Vec<Value>> = BTreeMap::new();
    for measure in &measures {
        let metric = json!({"Name": measure.name, "Unit": measure.unit});
        metrics.entry(measure.dimensions).or_default().push(metric);
    }
    let directive = |(dimensions, metrics)| json!({"Namespace": namespace, "Dimensions": [dimensions], "Metrics": metrics});
    let directives: Vec<Value> = metrics.into_iter().map(directive).collect();
    let mut members = Map::new();
    members.insert(
        "_aws".to_owned(),
        json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": directives}),
    );
    members.extend(properties.into_iter().map(|(name, value)| (name.to_owned(), value)));
    members.extend(measures.iter().map(|measure| (measure.name.to_owned(), json!(measure.value))));
    Value::Object(members).to_string()
}

/// The values of a fact, and what else the line says. Dimensions are few words each: every combination is a metric that is paid for.
fn told(fact: Fact<'_>) -> (Vec<Measure>, Vec<(&'static str, Value)>) {
    match fact {
        Fact::Accepted => (vec![count("RunsAccepted", &[])], Vec::new()),
        Fact::Rejected => (vec![count("SubmissionsRejected", &[])], Vec::new()),
        Fact::PodCreated => (vec![count("PodsCreated", &[])], Vec::new()),
        Fact::PodPostponed(cause) => {
            (vec![count("PodsPostponed", &["Cause"])], vec![("Cause", json!(cause))])
        }
        Fact::Retried(cause) => (vec![count("RunsRetried", &["Cause"])], vec![("Cause", json!(cause))]),
        Fact::Ended(result) => ended(result),
        Fact::Polled { duration_ms } => (vec![milliseconds("PollTime", duration_ms)], Vec::new()),
    }
}

fn ended(result: &RunResult) -> (Vec<Measure>, Vec<(&'static str, Value)>) {
    let mut properties = vec![
        ("State", json!(result.state)),
        ("run.id", json!(result.run_id)),
        ("run.attempt", json!(result.attempt)),
    ];
    let mut measures =
        vec![count("RunsEnded", &["State"]), milliseconds("AgeAtResult", result.timings.total_ms)];
    if let Some(diagnosis) = &result.diagnosis {
        properties.push(("Class", json!(diagnosis.class)));
        properties.push(("Cause", json!(diagnosis.cause)));
        measures.push(count("RunsDiagnosed", &["Class"]));
    }
    measures.extend(result.timings.running_ms.map(|millis| milliseconds("RunningTime", millis)));
    // Logs and files of a cached outcome were brought back for another run.
    if let Some(millis) = result.timings.collecting_ms.filter(|_| result.cached_from.is_none()) {
        let logs = result.logs.values().map(|log| log.size);
        let value = logs.chain(result.output_files.iter().map(|file| file.size)).sum();
        measures.push(milliseconds("CollectionTime", millis));
        measures.push(Measure { name: "CollectedBytes", unit: "Bytes", value, dimensions: &[] });
    }
    (measures, properties)
}

fn count(name: &'static str, dimensions: &'static [&'static str]) -> Measure {
    Measure { name, unit: "Count", value: 1, dimensions }
}

fn milliseconds(name: &'static str, value: u64) -> Measure {
    Measure { name, unit: "Milliseconds", value, dimensions: &[] }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Fact, line};
    use crate::run::diagnosis::{Cause, Diagnosis};
    use crate::run::result::{LogObject, OutputFile, RunResult};
    use crate::run::state::State;

    fn told(fact: Fact<'_>) -> Value {
        let at = "2026-01-01T00:00:00.5Z".parse().unwrap();
        let line = line("Longshore/blue", at, fact);
        assert!(!line.contains('\n'), "CloudWatch takes each line for one event");
        serde_json::from_str(&line).unwrap()
    }

    fn failed() -> RunResult {
        let diagnosis = Diagnosis::new(Cause::OomKilled, "killed");
        let mut result = RunResult::without_attempt(
            "r1",
            State::Failed,
            diagnosis,
            "2026-01-01T00:00:00Z".parse().unwrap(),
        );
        result.timings.total_ms = 9_000;
        result.timings.running_ms = Some(4_000);
        result.timings.collecting_ms = Some(250);
        result
            .logs
            .insert("main".to_owned(), LogObject { uri: "s3://b/l".into(), size: 100, complete: true });
        let file = OutputFile { path: "a".into(), uri: "s3://b/a".into(), size: 23, sha256: String::new() };
        result.output_files.push(file);
        result
    }

    #[test]
    fn a_count_is_a_line_of_the_embedded_metric_format() {
        assert_eq!(
            told(Fact::PodPostponed(Cause::QuotaExceeded)),
            json!({
                "_aws": {"Timestamp": 1_767_225_600_500_i64, "CloudWatchMetrics": [{
                    "Namespace": "Longshore/blue",
                    "Dimensions": [["Cause"]],
                    "Metrics": [{"Name": "PodsPostponed", "Unit": "Count"}],
                }]},
                "Cause": "QuotaExceeded",
                "PodsPostponed": 1,
            })
        );
    }

    #[test]
    fn an_ended_run_tells_its_state_its_class_its_times_and_its_bytes() {
        let line = told(Fact::Ended(&failed()));
        let values =
            ["RunsEnded", "RunsDiagnosed", "AgeAtResult", "RunningTime", "CollectionTime", "CollectedBytes"];
        assert_eq!(values.map(|name| line[name].as_u64().unwrap()), [1, 1, 9_000, 4_000, 250, 123]);
        assert_eq!([&line["State"], &line["Class"], &line["Cause"]], ["FAILED", "user", "OomKilled"]);
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let by: Vec<_> = directives.iter().map(|one| one["Dimensions"][0].to_string()).collect();
        let counted: Vec<_> = directives.iter().map(|one| one["Metrics"].as_array().map(Vec::len)).collect();
        assert_eq!(by, ["[]", r#"["Class"]"#, r#"["State"]"#], "each once");
        assert_eq!(counted, [Some(4), Some(1), Some(1)]);
    }

    #[test]
    fn every_value_and_every_dimension_is_a_member_and_no_run_is_a_dimension() {
        let result = failed();
        let facts = [
            Fact::Accepted,
            Fact::Rejected,
            Fact::PodCreated,
            Fact::PodPostponed(Cause::QuotaExceeded),
            Fact::Retried(Cause::Evicted),
            Fact::Ended(&result),
            Fact::Polled { duration_ms: 58_000 },
        ];
        for fact in facts {
            let line = told(fact);
            for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
                for metric in directive["Metrics"].as_array().unwrap() {
                    assert!(line[metric["Name"].as_str().unwrap()].is_u64(), "{metric}");
                }
                for dimension in directive["Dimensions"][0].as_array().unwrap() {
                    assert!(line[dimension.as_str().unwrap()].is_string(), "{directive} by {dimension}");
                    assert!(["State", "Class", "Cause"].contains(&dimension.as_str().unwrap()));
                }
            }
        }
    }

    #[test]
    fn a_cached_outcome_was_not_collected_again() {
        let result = RunResult { cached_from: Some("r0".to_owned()), ..failed() };
        let line = told(Fact::Ended(&result));
        assert_eq!((&line["CollectedBytes"], &line["CollectionTime"]), (&Value::Null, &Value::Null));
    }
}
