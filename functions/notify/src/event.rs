//! The bucket's events.

use shared::error::Error;
use shared::store::{events, keys};

/// The runs whose results were written. Everything else that may end with the same letters, such as an output file, is dropped.
///
/// # Errors
/// When the message is no event of a bucket.
pub fn results(body: &str, bucket: &str) -> Result<Vec<String>, Error> {
    let runs = events::runs(body, bucket, keys::parse_result);
    Ok(runs.map_err(|source| Error::Message { bytes: body.len(), source })?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::results;

    #[test]
    fn only_results_of_this_bucket_count() {
        let record =
            |bucket: &str, key: &str| json!({"s3": {"bucket": {"name": bucket}, "object": {"key": key}}});
        let event = json!({"Records": [
            record("ours", "runs/r.1/result.json"),
            record("ours", "runs/r.1/attempts/1/outputs/result.json"),
            record("other", "runs/r.2/result.json"),
        ]});
        assert_eq!(results(&event.to_string(), "ours").unwrap(), ["r.1"]);
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "ours"});
        assert_eq!(results(&test.to_string(), "ours").unwrap(), Vec::<String>::new());
        assert!(results("hello", "ours").is_err());
    }
}
