//! The bucket's events of `done.json`, which come through the same queue as runs to look at.

use shared::store::{events, keys};

/// The runs whose helpers are done; `None` when the message is no event of a bucket. An output file may have the same name and does not count.
pub fn done(body: &str, bucket: &str) -> Option<Vec<String>> {
    events::runs(body, bucket, keys::parse_done).ok()?
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
