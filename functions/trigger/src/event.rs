//! Events of S3, told apart by their shape.

use serde_json::Value;
use shared::spec::batch::form_decoded;
use shared::spec::place::{join, kind, shortened};
use shared::spec::problem::{Problem, Problems};
use shared::spec::upload::Upload;

/// Words for what is accepted.
pub const ACCEPTED: &str = "a notification of S3, or its event `Object Created` of EventBridge";

/// The uploads that an event tells of: a notification of S3 (`Records`), or an event of EventBridge. None for the test event that S3 sends
/// when a notification is configured, for deletions and other things that are no uploads, and for folders made by hand (keys that end
/// with `/`).
///
/// # Errors
/// Everything that is missing, when it is neither.
pub fn uploads(event: &Value) -> Result<Vec<Upload>, Problems> {
    let mut problems = Problems::default();
    let mut uploads = Vec::new();
    if let Some(records) = event.get("Records").and_then(Value::as_array) {
        for (index, record) in records.iter().enumerate() {
            let reader = Reader { event: record, pointer: format!("/Records/{index}") };
            uploads.extend(reader.notification(&mut problems));
        }
    } else if event.get("source").and_then(Value::as_str) == Some("aws.s3") {
        uploads.extend(Reader { event, pointer: String::new() }.of_eventbridge(&mut problems));
    } else if event.get("Event").and_then(Value::as_str) != Some("s3:TestEvent") {
        problems.add(Problem::new("", "is no event of S3").accepted(ACCEPTED));
    }
    uploads.retain(|upload| !upload.key.ends_with('/'));
    if problems.is_empty() { Ok(uploads) } else { Err(problems) }
}

struct Reader<'a> {
    event: &'a Value,
    pointer: String,
}

impl Reader<'_> {
    /// One record of a notification; its key is URL-encoded as a form is.
    fn notification(&self, problems: &mut Problems) -> Option<Upload> {
        if self.event.get("eventSource").and_then(Value::as_str) != Some("aws:s3") {
            problems.add(Problem::new(self.pointer.as_str(), "is no record of S3").accepted(ACCEPTED));
            return None;
        }
        let name = self.text(&["eventName"], problems)?;
        if !name.starts_with("ObjectCreated:") {
            return None;
        }
        let bucket = self.text(&["s3", "bucket", "name"], problems);
        let key = self.text(&["s3", "object", "key"], problems);
        let key = key.and_then(|key| {
            let decoded = form_decoded(key);
            if decoded.is_none() {
                let place = self.place(&["s3", "object", "key"]);
                let problem = Problem::new(place, "the key is not UTF-8").found(shortened(&key.into()));
                problems.add(problem.accepted("UTF-8, URL-encoded as the values of a form are"));
            }
            decoded
        });
        let upload = Upload {
            bucket: bucket?.to_owned(),
            key: key?,
            size: self.size(&["s3", "object", "size"]),
            e_tag: self.perhaps(&["s3", "object", "eTag"]).unwrap_or_default(),
            version_id: self.version(&["s3", "object", "versionId"]),
            sequencer: self.perhaps(&["s3", "object", "sequencer"]).unwrap_or_default(),
            time: self.perhaps(&["eventTime"]).unwrap_or_default(),
        };
        self.told_apart(upload, &["s3", "object"], problems)
    }

    /// An event of EventBridge; its key is as it is.
    fn of_eventbridge(&self, problems: &mut Problems) -> Option<Upload> {
        if self.text(&["detail-type"], problems)? != "Object Created" {
            return None;
        }
        let bucket = self.text(&["detail", "bucket", "name"], problems);
        let key = self.text(&["detail", "object", "key"], problems);
        let upload = Upload {
            bucket: bucket?.to_owned(),
            key: key?.to_owned(),
            size: self.size(&["detail", "object", "size"]),
            e_tag: self.perhaps(&["detail", "object", "etag"]).unwrap_or_default(),
            version_id: self.version(&["detail", "object", "version-id"]),
            sequencer: self.perhaps(&["detail", "object", "sequencer"]).unwrap_or_default(),
            time: self.perhaps(&["time"]).unwrap_or_default(),
        };
        self.told_apart(upload, &["detail", "object"], problems)
    }

    /// Without version, etag and sequencer two uploads of a key would be one.
    fn told_apart(&self, upload: Upload, object: &[&str], problems: &mut Problems) -> Option<Upload> {
        if upload.version_id.is_none() && upload.e_tag.is_empty() && upload.sequencer.is_empty() {
            let problem = Problem::new(self.place(object), "has neither version nor etag nor sequencer");
            problems.add(problem.accepted(ACCEPTED));
            return None;
        }
        Some(upload)
    }

    fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self.event, |value, name| value.get(name))
    }

    fn place(&self, path: &[&str]) -> String {
        path.iter().fold(self.pointer.clone(), |pointer, name| join(&pointer, name))
    }

    fn text(&self, path: &[&str], problems: &mut Problems) -> Option<&str> {
        let text = self.at(path).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text.is_none() {
            let name = path.last().copied().unwrap_or_default();
            let mut problem = Problem::new(self.place(path), format!("has no `{name}`")).accepted(ACCEPTED);
            if let Some(found) = self.at(path) {
                problem.message = format!("`{name}` is {}", kind(found));
                problem = problem.found(shortened(found));
            }
            problems.add(problem);
        }
        text
    }

    fn perhaps(&self, path: &[&str]) -> Option<String> {
        self.at(path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// `null` is the version of what was uploaded while a bucket had no versions.
    fn version(&self, path: &[&str]) -> Option<String> {
        self.perhaps(path).filter(|version| version != "null")
    }

    fn size(&self, path: &[&str]) -> u64 {
        self.at(path).and_then(Value::as_u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
