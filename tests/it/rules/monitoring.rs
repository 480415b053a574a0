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

/// The name of an alarm's chapter in the runbook: those of a loop share one.
fn chapter(alarm: &str) -> String {
    ["DeadLetters", "Age", "Errors", "Throttles"]
        .map(|kind| format!("{kind}Alarm"))
        .into_iter()
        .find(|end| alarm.ends_with(end) && alarm != "WakeAgeAlarm")
        .unwrap_or_else(|| alarm.to_owned())
}

#[test]
fn every_alarm_names_its_chapter_of_the_runbook_which_says_what_it_means_where_to_look_and_what_to_do() {
    let page = tree::read("docs/OPERATIONS.md");
    let resources = resources();
    for alarm in of_type("AWS::CloudWatch::Alarm") {
        let name = chapter(&alarm);
        let told = resources[&alarm]["Properties"]["AlarmDescription"].as_str().unwrap();
        assert!(told.ends_with(&format!(" docs/OPERATIONS.md at {name}")), "{alarm}: {told}");
        let (_, text) = page.split_once(&format!("### `{name}`\n")).unwrap_or_else(|| {
            panic!("docs/OPERATIONS.md has no chapter `{name}` for `{alarm}`");
        });
        let text = text.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
        let parts = ["**Means**", "**Look**", "**Do**"].map(|part| text.find(part));
        assert!(
            parts.iter().all(Option::is_some) && parts.is_sorted(),
            "`{name}` lacks one of its three parts"
        );
    }
}

/// A row of the table of what an idle deployment costs.
fn row<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let line = page.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap();
    line.split('|').map(str::trim).collect()
}

#[test]
fn the_bill_of_an_idle_deployment_counts_the_alarms_and_the_queues_that_are_read() {
    let page = tree::read("docs/OPERATIONS.md");
    let alarms = of_type("AWS::CloudWatch::Alarm").len();
    let cells = row(&page, "alarms");
    assert_eq!(cells[2].parse::<usize>().unwrap(), alarms);
    assert_eq!(cells[4], format!("{:.2}", alarms as f64 * 0.10));
    let events: Vec<Value> = of_type("AWS::Serverless::Function")
        .iter()
        .flat_map(|name| resources()[name]["Properties"]["Events"].as_object().unwrap().clone())
        .map(|(_, event)| event)
        .collect();
    let (fifo, standard): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event["Properties"]["Queue"] == "WakeQueue.Arn");
    // Five pollers, each asking for 20 s at a time, in a month of 730 hours.
    let requests = 5.0 * 730.0 * 3600.0 / 20.0 / 1e6;
    let dollars = requests * (standard.len() as f64 * 0.40 + fifo.len() as f64 * 0.50);
    let cells = row(&page, "looks at the queues");
    assert_eq!(cells[2], format!("{} + {} × {requests:.3} million", standard.len(), fifo.len()));
    assert_eq!(cells[4], format!("{dollars:.2}"));
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
fn the_widgets_of_the_dashboard_do_not_overlap_find_their_metrics_and_show_every_queue_and_function() {
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
    // A namespace with other characters than letters and digits, as names of stacks have them, is quoted in a search:
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    let searches =
        dashboard["widgets"].as_array().unwrap().iter().filter_map(|widget| {
            widget["properties"]["metrics"][0][0]["expression"].as_str().map(str::to_owned)
        });
    let searches: Vec<String> = searches.collect();
    assert_eq!(searches.len(), 3);
    for search in searches {
        assert!(search.starts_with("SEARCH('{\"Longshore/${AWS::StackName}\","), "{search}");
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
