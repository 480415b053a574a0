//! The bucket's events of `done.json`, which come through the same queue as runs to look at.

use serde::Deserialize;
use shared::store::keys;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
    /// Of the test event that S3 sends when a notification is set up.
    #[serde(rename = "Event", default)]
    event: Option<String>,
}

#[derive(Deserialize)]
struct Record {
    s3: Place,
}

#[derive(Deserialize)]
struct Place {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    /// URL-encoded; run ids have no letter that this changes.
    key: String,
}

/// The runs whose helpers are done; `None` when the message is no event of a bucket. An output file may have the same name and does not count.
pub fn done(body: &str, bucket: &str) -> Option<Vec<String>> {
    let event: Event = serde_json::from_str(body).ok()?;
    if event.records.is_empty() && event.event.is_none() {
        return None;
    }
    let places = event.records.iter().map(|record| &record.s3).filter(|place| place.bucket.name == bucket);
    Some(places.filter_map(|place| keys::parse_done(&place.object.key).map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::done;

    #[test]
    fn only_what_helpers_of_this_bucket_say_counts() {
        let record =
            |bucket: &str, key: &str| json!({"s3": {"bucket": {"name": bucket}, "object": {"key": key}}});
        let event = json!({"Records": [
            record("ours", "runs/r.1/attempts/2/done.json"),
            record("ours", "runs/r.1/attempts/2/outputs/done.json"),
            record("other", "runs/r.2/attempts/1/done.json"),
        ]});
        assert_eq!(done(&event.to_string(), "ours").unwrap(), ["r.1"]);
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "ours"});
        assert_eq!(done(&test.to_string(), "ours").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_run_to_look_at_is_no_event() {
        assert_eq!(done(r#"{"group":"g","runId":"r","hops":2}"#, "ours"), None);
        assert_eq!(done("hello", "ours"), None);
    }
}
