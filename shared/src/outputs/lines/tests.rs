use proptest::prelude::*;
use serde_json::json;

use super::super::command::Level;
use super::*;

fn read(lines: &[&str]) -> (Vec<Reading>, Said) {
    let mut reader = LineReader::default();
    let readings = lines.iter().map(|line| reader.line(line)).collect();
    (readings, reader.finish())
}

#[test]
fn lines_mean_what_was_decided() {
    use Reading::{Broken, Command, Text};
    for (id, line, reading, outputs) in [
        ("K-OUT-01", r#"::{"outputs":{"a":1}}::"#, Command, json!({"a": 1})),
        ("K-OUT-02", r#"x ::{"outputs":{"a":1}}::"#, Text, json!({})),
        ("K-OUT-03", r#"::{"outputs":{"a":1}}::::{"outputs":{"b":2}}::"#, Broken, json!({})),
        ("K-OUT-05", "::[1]::", Text, json!({})),
        ("K-OUT-07", r#"::{"outputs":{"a":"x::y"}}::"#, Command, json!({"a": "x::y"})),
        ("K-OUT-08", r#"::{"outputs":{"a":}}::"#, Broken, json!({})),
        ("K-OUT-14", r#"::{"future":1,"outputs":{"a":1}}::"#, Command, json!({"a": 1})),
        ("end is trimmed", "::{\"outputs\":{\"a\":1}}:: \t\r", Command, json!({"a": 1})),
        ("beginning is not", r#" ::{"outputs":{"a":1}}::"#, Text, json!({})),
        ("verbatim spaces", "::{\"outputs\":{\"a\":\"x  y\\t\"}}::", Command, json!({"a": "x  y\t"})),
        ("nothing said", "::{}::", Command, json!({})),
        ("not closed", r#"::{"outputs":{"a":1}}"#, Text, json!({})),
        ("shared colons", "::{}:", Text, json!({})),
        ("only colons", "::::", Text, json!({})),
        ("three", ":::", Text, json!({})),
        ("empty", "", Text, json!({})),
        (
            "any value",
            r#"::{"outputs":{"n":null,"l":[1,"é"],"f":0.5}}::"#,
            Command,
            json!({"n": null, "l": [1, "é"], "f": 0.5}),
        ),
    ] {
        let (readings, said) = read(&[line]);
        assert_eq!(readings, [reading], "{id}");
        assert_eq!(Value::Object(said.outputs), outputs, "{id}");
        assert_eq!(said.warnings.len(), usize::from(reading == Broken), "{id}: {:?}", said.warnings);
    }
}

#[test]
fn outputs_merge_shallow_and_later_lines_win() {
    // K-OUT-09
    let (_, said) = read(&[r#"::{"outputs":{"a":1,"b":{"x":1}}}::"#, r#"::{"outputs":{"b":{"y":2}}}::"#]);
    assert_eq!(Value::Object(said.outputs), json!({"a": 1, "b": {"y": 2}}));
}

#[test]
fn log_entries_carry_their_level() {
    // K-OUT-13
    let (_, said) = read(&[r#"::{"logs":[{"level":"WARN","message":"m"}]}::"#]);
    assert_eq!(said.entries, [LogEntry { level: Level::Warn, message: "m".into() }]);
}

#[test]
fn a_warning_names_container_and_line_and_no_value() {
    let mut reader = LineReader::default();
    reader.begin("main");
    reader.line("hello");
    reader.line(r#"::{"outputs":"secret","metrics":[{"name":"n"}]}::"#);
    reader.begin("side");
    reader.line(r#"::{"outputs":{"a":"secret}::"#);
    let warnings = reader.finish().warnings;
    assert_eq!(warnings[0], "log line 2 of `main`: `outputs` is not an object");
    assert_eq!(warnings[1], "log line 2 of `main`: `metrics[0]` has no value");
    assert!(
        warnings[2].starts_with("log line 1 of `side`: `::{…}::` does not hold one JSON object (EOF"),
        "{}",
        warnings[2]
    );
    assert!(!warnings.iter().any(|warning| warning.contains("secret")));
}

#[test]
fn bytes_that_are_no_text_break_the_line_only() {
    let mut reader = LineReader::default();
    assert_eq!(reader.line(b"::{\"outputs\":{\"a\":\"\xff\"}}::"), Reading::Broken);
    assert_eq!(reader.line(b"\xff\xfe"), Reading::Text);
    assert_eq!(reader.finish().warnings.len(), 1);
}

#[test]
fn outputs_stop_at_their_limit_and_say_so() {
    let half = "x".repeat(MAX_OUTPUT_BYTES / 2);
    let set = |name: &str, text: &str| format!("::{}::", json!({"outputs": {name: text}}));
    let (_, said) = read(&[
        &set("a", &half),
        &set("b", &half),
        &set("a", "small"),
        &set("b", &half),
        &set("a", &half),
        &set("c", "c"),
    ]);
    let kept: Vec<(&str, usize)> =
        said.outputs.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().len())).collect();
    assert_eq!(kept, [("a", 5), ("b", half.len()), ("c", 1)]);
    assert_eq!(said.warnings.len(), 2);
    assert!(said.warnings[0].contains("output `b`") && said.warnings[0].contains("left out"));
    assert!(said.warnings[1].contains("output `a`") && said.warnings[1].contains("its earlier value stays"));
}

#[test]
fn a_line_over_the_limit_is_an_ordinary_line_with_a_warning() {
    let long = format!("::{}::", json!({"outputs": {"a": "x".repeat(MAX_LINE_BYTES)}}));
    let (readings, said) = read(&[&long]);
    assert_eq!(readings, [Reading::Broken]);
    assert_eq!(said.warnings, ["log line 1: `::{…}::` is longer than 1048576 bytes"]);
    let cut: String = long.chars().take(MAX_LINE_BYTES + 1).collect();
    assert_eq!(read(&[&cut]).0, [Reading::Broken]);
    assert_eq!(read(&[&"x".repeat(MAX_LINE_BYTES + 1)]).0, [Reading::Text]);
}

#[test]
fn floods_are_bounded_and_counted() {
    let metric = r#"::{"metrics":[{"name":"n","type":"counter","value":1}]}::"#;
    let mut lines = vec![metric; MAX_ITEMS + 7];
    lines.extend(vec!["::{x}::"; MAX_WARNINGS + 5]);
    let (_, said) = read(&lines);
    assert_eq!(said.metrics.len(), MAX_ITEMS);
    assert_eq!(said.warnings.len(), MAX_WARNINGS + 2);
    assert!(said.warnings[MAX_WARNINGS].starts_with("7 metrics and log entries were left out"));
    assert!(said.warnings[MAX_WARNINGS + 1].starts_with("5 more warnings"));
}

proptest! {
    #[test]
    fn what_a_task_sets_comes_back(name in "[^\u{0}]{1,12}", text in ".{0,40}", number in any::<i64>()) {
        let body = json!({"outputs": {name.clone(): [text, number]}});
        let (readings, said) = read(&[&format!("::{body}::")]);
        prop_assert_eq!(readings, [Reading::Command]);
        prop_assert_eq!(said.outputs.get(&name), body.pointer("/outputs").and_then(|outputs| outputs.get(&name)));
    }

    #[test]
    fn any_line_is_read_without_panic(line in "(::)?\\{?.{0,30}\\}?(::)?") {
        read(&[&line]);
    }
}
