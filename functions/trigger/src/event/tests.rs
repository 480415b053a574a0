use serde_json::{Value, json};

use super::*;

fn record(key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "s3": {"bucket": {"name": "data"}, "object": {"key": key, "size": 7, "eTag": "e1", "sequencer": "0A"}},
    })
}

fn eventbridge(key: &str) -> Value {
    json!({
        "source": "aws.s3", "detail-type": "Object Created", "time": "2026-01-01T00:00:00Z",
        "detail": {"bucket": {"name": "data"}, "object": {"key": key, "size": 7, "etag": "e1", "sequencer": "0A"}},
    })
}

fn only(event: &Value) -> Upload {
    let mut uploads = uploads(event).unwrap();
    assert_eq!(uploads.len(), 1);
    uploads.remove(0)
}

#[test]
fn a_notification_and_an_event_of_eventbridge_tell_of_the_same_upload() {
    let one = only(&json!({"Records": [record("in/a+b%2Bc%C3%A9%3D.csv")]}));
    let other = only(&eventbridge("in/a b+cé=.csv"));
    assert_eq!(one.key, "in/a b+cé=.csv");
    assert_eq!((one.size, one.e_tag.as_str(), one.sequencer.as_str()), (7, "e1", "0A"));
    assert_eq!(Upload { time: other.time.clone(), ..one }, other);
}

#[test]
fn a_key_of_eventbridge_is_not_decoded() {
    assert_eq!(only(&eventbridge("a+b%20c")).key, "a+b%20c");
}

#[test]
fn versions_are_kept_and_the_null_version_is_none() {
    let mut event = json!({"Records": [record("a")]});
    event["Records"][0]["s3"]["object"]["versionId"] = "v1".into();
    assert_eq!(only(&event).version_id.as_deref(), Some("v1"));
    event["Records"][0]["s3"]["object"]["versionId"] = "null".into();
    assert_eq!(only(&event).version_id, None);
}

#[test]
fn what_is_no_upload_is_nothing() {
    let mut removed = record("a");
    removed["eventName"] = "ObjectRemoved:Delete".into();
    let mut deleted = eventbridge("a");
    deleted["detail-type"] = "Object Deleted".into();
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b", "RequestId": "r"});
    for event in [json!({"Records": [removed, record("folder/")]}), deleted, test, json!({"Records": []})] {
        assert_eq!(uploads(&event), Ok(Vec::new()), "{event}");
    }
}

#[test]
fn every_problem_of_an_event_is_told() {
    let mut broken = record("%ff");
    broken["s3"]["bucket"] = Value::Null;
    let mut nameless = record("a");
    nameless["s3"]["object"] = json!({"key": "a"});
    let event = json!({"Records": [record("good"), broken, nameless, {"eventSource": "aws:sns"}]});
    let problems = uploads(&event).unwrap_err();
    let pointers: Vec<&str> = problems.0.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/Records/1/s3/bucket/name", "/Records/1/s3/object/key", "/Records/2/s3/object", "/Records/3"]
    );
    for event in [json!({}), json!([]), json!("text"), json!({"source": "aws.ec2"})] {
        assert_eq!(uploads(&event).unwrap_err().0[0].message, "is no event of S3", "{event}");
    }
}
