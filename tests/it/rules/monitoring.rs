//! What `template.yaml` watches, and how it can be filled in.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::template::template;
use super::tree;

/// A dimension of a metric and the words that fill it.
fn dimension(alarm: &Value) -> Value {
    alarm["Properties"]["Dimensions"][0]["Value"].clone()
}

/// The resources, with the loops that the transform expands.
fn resources() -> BTreeMap<String, Value> {
    let mut resources = BTreeMap::new();
    for (name, resource) in template()["Resources"].as_object().unwrap() {
        if !name.starts_with("Fn::ForEach::") {
            resources.insert(name.clone(), resource.clone());
            continue;
        }
        let variable = format!("${{{}}}", resource[0].as_str().unwrap());
        for value in resource[1].as_array().unwrap() {
            let text = resource[2].to_string().replace(&variable, value.as_str().unwrap());
            let expanded: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
            resources.extend(expanded);
        }
    }
    resources
}

fn of_type(kind: &str) -> BTreeSet<String> {
    let resources = resources().into_iter();
    resources.filter(|(_, resource)| resource["Type"] == kind).map(|(name, _)| name).collect()
}

/// What the alarms of a metric look at.
fn watched(metric: &str) -> BTreeSet<String> {
    let alarms = resources().into_values().filter(|resource| {
        resource["Type"] == "AWS::CloudWatch::Alarm" && resource["Properties"]["MetricName"] == metric
    });
    let name = |alarm: Value| match dimension(&alarm) {
        Value::String(name) => name,
        // `!GetAtt [name, attribute]`, `{Ref: name}`
        Value::Array(parts) => format!("{}.{}", parts[0].as_str().unwrap(), parts[1].as_str().unwrap()),
        other => other["Ref"].as_str().unwrap().to_owned(),
    };
    alarms.map(name).collect()
}

#[test]
fn every_queue_and_every_function_has_its_alarms() {
    let (letters, queues): (BTreeSet<String>, _) =
        of_type("AWS::SQS::Queue").into_iter().partition(|name| name.ends_with("DeadLetters"));
    let named = |names: &BTreeSet<String>| -> BTreeSet<String> {
        names.iter().map(|name| format!("{name}.QueueName")).collect()
    };
    assert_eq!(watched("ApproximateNumberOfMessagesVisible"), named(&letters));
    assert_eq!(watched("ApproximateAgeOfOldestMessage"), named(&queues));
    for metric in ["Errors", "Throttles"] {
        assert_eq!(watched(metric), of_type("AWS::Serverless::Function"), "{metric}");
    }
}

#[test]
fn the_runbook_has_a_chapter_for_every_alarm() {
    let page = tree::read("docs/OPERATIONS.md");
    for alarm in of_type("AWS::CloudWatch::Alarm") {
        // Those of a loop share one: `…ErrorsAlarm`.
        let looped = ["DeadLetters", "Age", "Errors", "Throttles"]
            .map(|kind| format!("{kind}Alarm"))
            .into_iter()
            .find(|end| alarm.ends_with(end) && alarm != "WakeAgeAlarm");
        let name = looped.map_or(alarm, |end| format!("…{end}"));
        assert!(
            page.contains(&format!("### `{name}`")),
            "docs/OPERATIONS.md does not say what to do on `{name}`"
        );
    }
}

/// Names of the metrics that the functions tell.
fn metrics() -> BTreeSet<String> {
    let source = tree::read("shared/src/telemetry/metrics.rs");
    let (code, _) = source.split_once("#[cfg(test)]").unwrap();
    let names = ["count(\"", "milliseconds(\"", "name: \""].map(|call| {
        code.split(call).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    });
    names.into_iter().flatten().collect()
}

#[test]
fn every_metric_is_on_the_dashboard_and_in_the_documentation() {
    let (dashboard, page) = (dashboard(), tree::read("docs/LOGGING.md"));
    let metrics = metrics();
    assert!(metrics.len() >= 10, "{metrics:?}");
    for metric in metrics {
        assert!(dashboard.to_string().contains(&metric), "the dashboard lacks `{metric}`");
        assert!(page.contains(&format!("`{metric}`")), "docs/LOGGING.md lacks `{metric}`");
    }
}

/// The dashboard's body; the names that CloudFormation fills in stay as they are.
fn dashboard() -> Value {
    serde_json::from_str(resources()["Overview"]["Properties"]["DashboardBody"].as_str().unwrap()).unwrap()
}

#[test]
fn the_widgets_of_the_dashboard_do_not_overlap_and_show_every_queue_and_function() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    for widget in dashboard["widgets"].as_array().unwrap() {
        let number = |name: &str| widget[name].as_u64().unwrap();
        assert!(number("x") + number("width") <= 24, "{widget}");
        for x in number("x")..number("x") + number("width") {
            for y in number("y")..number("y") + number("height") {
                assert!(taken.insert((x, y)), "two widgets at {x}, {y}");
            }
        }
    }
    let text = dashboard.to_string();
    for name in of_type("AWS::SQS::Queue") {
        assert!(text.contains(&format!("${{{name}.QueueName}}")), "the dashboard lacks `{name}`");
    }
    for name in of_type("AWS::Serverless::Function").union(&of_type("AWS::Logs::LogGroup")) {
        assert!(text.contains(&format!("${{{name}}}")), "the dashboard lacks `{name}`");
    }
}

#[test]
fn every_parameter_is_grouped_described_and_bounded() {
    let template = template();
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let grouped: Vec<&str> = groups
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    let parameters = template["Parameters"].as_object().unwrap();
    let once: BTreeSet<&str> = grouped.iter().copied().collect();
    assert_eq!(once.len(), grouped.len(), "a parameter is in two groups");
    assert_eq!(once, parameters.keys().map(String::as_str).collect());
    for (name, parameter) in parameters {
        assert!(parameter["Description"].is_string() && !parameter["Default"].is_null(), "{name}");
        let bounded =
            ["AllowedValues", "AllowedPattern", "MinValue"].iter().any(|bound| !parameter[bound].is_null());
        assert!(bounded || parameter["Type"].as_str().unwrap().contains("AWS::"), "`{name}` takes anything");
        assert_eq!(
            parameter["AllowedPattern"].is_null(),
            parameter["ConstraintDescription"].is_null(),
            "`{name}`: a pattern is explained in words"
        );
    }
}

#[test]
fn everything_at_rest_is_encrypted_and_nothing_is_public() {
    for (name, resource) in resources() {
        let properties = &resource["Properties"];
        match resource["Type"].as_str().unwrap() {
            "AWS::SQS::Queue" => assert_eq!(properties["SqsManagedSseEnabled"], true, "{name}"),
            "AWS::S3::Bucket" => {
                assert!(!properties["BucketEncryption"].is_null(), "{name}");
                let block = properties["PublicAccessBlockConfiguration"].as_object().unwrap();
                assert!(block.len() == 4 && block.values().all(|value| value == true), "{name}");
            }
            "AWS::Logs::LogGroup" => assert_eq!(properties["RetentionInDays"], "LogRetentionDays", "{name}"),
            _ => {}
        }
    }
}
