//! Which runs compute the same, and whose outcome stands for others.

use serde_json::{Value, json};

use super::{at, plan};
use crate::resolve::plan::Plan;
use crate::run::cached::{CacheEntry, InputVersion, is_reusable, key};
use crate::run::record::Record;
use crate::run::result::RunResult;
use crate::run::state::State;
use crate::spec::cache::TaskCache;

fn versions(pairs: &[(&str, &str)]) -> Vec<InputVersion> {
    let own =
        |(path, version): &(&str, &str)| InputVersion { path: (*path).into(), version: (*version).into() };
    pairs.iter().map(own).collect()
}

#[test]
fn what_changes_the_outcome_changes_the_key() {
    let base = key(&plan(), "group", &versions(&[("a", "etag:1")]));
    assert!(base.len() == 64 && base.bytes().all(|byte| byte.is_ascii_hexdigit()));
    type Change = (&'static str, fn(&mut Plan));
    let changes: [Change; 10] = [
        ("id", |plan| plan.task.id = "other".into()),
        ("flow", |plan| plan.task.flow = Some("f".into())),
        ("namespace", |plan| plan.task.namespace = Some("n".into())),
        ("kind", |plan| plan.task.kind = "k".into()),
        ("pod", |plan| plan.pod = json!({"spec": {"containers": [{"name": "main", "image": "b"}]}})),
        ("outputs", |plan| plan.files.outputs = vec!["*".into()]),
        ("output directory", |plan| plan.files.output_dir = Some("outputs".into())),
        ("carrier", |plan| plan.files.carrier = json!({"image": "b"})),
        ("missing outputs", |plan| plan.fail_on_missing_outputs = true),
        ("where", |plan| plan.target.namespace = Some("elsewhere".into())),
    ];
    for (what, change) in changes {
        let mut changed = plan();
        change(&mut changed);
        assert_ne!(key(&changed, "group", &versions(&[("a", "etag:1")])), base, "{what}");
    }
    for inputs in [versions(&[("a", "etag:2")]), versions(&[("b", "etag:1")]), versions(&[])] {
        assert_ne!(key(&plan(), "group", &inputs), base, "{inputs:?}");
    }
    assert_ne!(key(&plan(), "other", &versions(&[("a", "etag:1")])), base);
}

#[test]
fn limits_retries_and_the_order_of_keys_change_nothing() {
    let base = key(&plan(), "group", &[]);
    let mut other = plan();
    other.limits.running_seconds = 1;
    other.retry.max_attempts = 9;
    other.delete = false;
    other.resume = false;
    other.warnings = vec!["w".into()];
    other.cache = Some(TaskCache { ttl_seconds: Some(1) });
    other.allow_failure = true;
    assert_eq!(key(&other, "group", &[]), base);
    let ordered = |text: &str| Plan { pod: serde_json::from_str::<Value>(text).unwrap(), ..plan() };
    assert_eq!(
        key(&ordered(r#"{"spec": {"a": 1, "b": [{"x": 1, "y": 2}]}}"#), "group", &[]),
        key(&ordered(r#"{"spec": {"b": [{"y": 2, "x": 1}], "a": 1}}"#), "group", &[])
    );
}

#[test]
fn a_success_is_fresh_until_its_time_is_over() {
    let entry = CacheEntry { format_version: 1, run_id: "r".into(), ended_at: at(100) };
    for (ttl_seconds, now, expected) in
        [(None, 1_000_000, true), (Some(10), 109, true), (Some(10), 110, false), (Some(10), 50, true)]
    {
        assert_eq!(entry.is_fresh(&TaskCache { ttl_seconds }, at(now)), expected, "{ttl_seconds:?} at {now}");
    }
}

#[test]
fn only_a_plain_success_of_its_own_stands_for_others() {
    let record = |change: fn(&mut Record)| {
        let mut record = super::created();
        change(&mut record);
        record
    };
    let result = |change: fn(&mut RunResult)| {
        let mut result: RunResult = serde_json::from_value(json!({
            "formatVersion": 1, "runId": "run", "state": "SUCCEEDED", "attempt": 1,
            "timings": {"endedAt": at(60), "totalMs": 60_000}}))
        .unwrap();
        change(&mut result);
        result
    };
    let plain = record(|_| {});
    let lenient = record(|record| record.plan.allow_warning = true);
    let warned = record(|record| record.plan.warnings = vec!["of the document".into()]);
    for (case, record, result, expected) in [
        ("a success", &plain, result(|_| {}), true),
        ("a failure", &plain, result(|result| result.state = State::Failed), false),
        ("a failure let pass", &lenient, result(|result| result.tolerated = Some(State::Failed)), false),
        ("skipped", &plain, result(|result| result.state = State::Skipped), false),
        ("itself from the cache", &plain, result(|result| result.cached_from = Some("r".into())), false),
        ("with a warning", &plain, result(|result| result.warnings = vec!["w".into()]), false),
        ("with a warning let pass", &lenient, result(|result| result.warnings = vec!["w".into()]), true),
        ("with the document's", &warned, result(|result| result.warnings = vec!["of it".into()]), true),
    ] {
        assert_eq!(is_reusable(record, &result), expected, "{case}");
    }
}
