//! The bucket's events, as it sends them to a queue.

use serde::Deserialize;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
    /// Of the test event that S3 sends when a notification is set up, which has no records.
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

/// The run ids that `of_key` finds in the keys of this bucket's objects; `None` when the message is something else than an event of a bucket.
///
/// # Errors
/// When the message is no JSON, or its records are not those of a bucket.
pub fn runs(
    body: &str,
    bucket: &str,
    of_key: impl Fn(&str) -> Option<&str>,
) -> Result<Option<Vec<String>>, serde_json::Error> {
    let event: Event = serde_json::from_str(body)?;
    if event.records.is_empty() && event.event.is_none() {
        return Ok(None);
    }
    let places = event.records.iter().map(|record| &record.s3).filter(|place| place.bucket.name == bucket);
    Ok(Some(places.filter_map(|place| of_key(&place.object.key).map(str::to_owned)).collect()))
}
