//! One bucket: objects with conditional writes, listings and multipart uploads, as much of S3 as the functions speak.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::Full;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use shared::clock::{Clock as _, SystemClock};

use super::cloud::{Answer, State, status};
use super::now;

/// Name of the bucket.
pub const BUCKET: &str = "bucket";

/// Larger objects are not kept: nobody reads output files here.
const KEPT_BYTES: usize = 1024 * 1024;

/// An object; `bytes` is empty for one that was too large to keep.
#[derive(Clone, Debug)]
struct Object {
    bytes: Bytes,
    size: u64,
    version: u64,
    modified: Timestamp,
}

/// The bucket.
#[derive(Debug, Default)]
pub struct Objects {
    held: Mutex<BTreeMap<String, Object>>,
    /// Bytes of the parts of uploads under way, by number.
    uploads: Mutex<Vec<u64>>,
    /// When results were written, by run.
    results: Mutex<BTreeMap<String, Instant>>,
}

impl Objects {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn uploads(&self) -> MutexGuard<'_, Vec<u64>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes of an object.
    pub fn read(&self, key: &str) -> Option<Bytes> {
        self.held().get(key).map(|object| object.bytes.clone())
    }

    /// When the result of a run was written.
    pub fn result_at(&self, run_id: &str) -> Option<Instant> {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).get(run_id).copied()
    }

    /// How many results were written.
    pub fn results(&self) -> usize {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many objects lie below a prefix, and their bytes.
    pub fn below(&self, prefix: &str) -> (u64, u64) {
        let held = self.held();
        let below = held.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        below.fold((0, 0), |(count, bytes), (_, object)| (count + 1, bytes + object.size))
    }

    /// Write an object that is that old.
    pub fn put(&self, key: String, bytes: Bytes, age: Duration) {
        let modified = SystemClock.now();
        let modified = modified.checked_sub(age).unwrap_or(modified);
        self.held().insert(key, Object { size: bytes.len() as u64, bytes, version: 1, modified });
    }

    fn write(&self, key: &str, bytes: Bytes, size: u64, head: &Parts) -> Answer {
        let mut held = self.held();
        let version = held.get(key).map(|object| object.version);
        let condition = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        if condition("if-none-match").is_some() && version.is_some() {
            return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        match (condition("if-match"), version) {
            (Some(_), None) => return refusal(StatusCode::NOT_FOUND, "NoSuchKey"),
            (Some(wanted), Some(version)) if wanted.trim_matches('"') != version.to_string() => {
                return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
            }
            _ => {}
        }
        let version = version.unwrap_or(0) + 1;
        let bytes = if bytes.len() > KEPT_BYTES { Bytes::new() } else { bytes };
        held.insert(key.to_owned(), Object { bytes, size, version, modified: SystemClock.now() });
        tagged(status(StatusCode::OK), version)
    }
}

/// The operation of a request and its answer.
pub(super) fn answer(state: &State, head: &Parts, body: Bytes) -> (&'static str, Answer) {
    let objects = &state.objects;
    let path = percent_decode_str(head.uri.path()).decode_utf8_lossy().into_owned();
    let path = path.trim_start_matches('/');
    let key = path.strip_prefix(BUCKET).unwrap_or(path).trim_start_matches('/');
    let query = Query::of(head.uri.query().unwrap_or_default());
    let upload = query.get("uploadId").and_then(|id| id.parse::<usize>().ok());
    match (&head.method, upload) {
        (&Method::GET, _) if key.is_empty() => ("ListObjectsV2", list(objects, &query)),
        (&Method::GET, _) => ("GetObject", get(objects, key, true)),
        (&Method::HEAD, _) => ("HeadObject", get(objects, key, false)),
        (&Method::PUT, Some(upload)) => {
            if let Some(bytes) = objects.uploads().get_mut(upload) {
                *bytes += body.len() as u64;
            }
            ("UploadPart", tagged(status(StatusCode::OK), 1))
        }
        (&Method::PUT, None) => {
            let size = body.len() as u64;
            let written = objects.write(key, body, size, head);
            let run_id = key.strip_prefix("runs/").and_then(|rest| rest.strip_suffix("/result.json"));
            if let Some(run_id) = run_id.filter(|_| written.status() == StatusCode::OK) {
                let mut results = objects.results.lock().unwrap_or_else(PoisonError::into_inner);
                results.insert(run_id.to_owned(), now());
            }
            ("PutObject", written)
        }
        (&Method::POST, Some(upload)) => {
            let size = objects.uploads().get(upload).copied().unwrap_or(0);
            objects.write(key, Bytes::new(), size, head);
            ("CompleteMultipartUpload", xml("<CompleteMultipartUploadResult/>".to_owned()))
        }
        (&Method::POST, None) => {
            let mut uploads = objects.uploads();
            uploads.push(0);
            let id = uploads.len() - 1;
            let told = format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            );
            ("CreateMultipartUpload", xml(told))
        }
        (&Method::DELETE, Some(_)) => ("AbortMultipartUpload", status(StatusCode::NO_CONTENT)),
        (&Method::DELETE, None) => {
            objects.held().remove(key);
            ("DeleteObject", status(StatusCode::NO_CONTENT))
        }
        _ => ("Other", status(StatusCode::METHOD_NOT_ALLOWED)),
    }
}

fn get(objects: &Objects, key: &str, with_body: bool) -> Answer {
    let Some(object) = objects.held().get(key).cloned() else {
        return refusal(StatusCode::NOT_FOUND, "NoSuchKey");
    };
    let mut answer = tagged(status(StatusCode::OK), object.version);
    let modified = object.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    put_header(&mut answer, "last-modified", &modified);
    if with_body {
        *answer.body_mut() = Full::new(object.bytes);
    } else {
        put_header(&mut answer, "content-length", &object.size.to_string());
    }
    answer
}

fn list(objects: &Objects, query: &Query) -> Answer {
    let (prefix, after) = (query.text("prefix"), query.text("start-after"));
    let limit = query.get("max-keys").and_then(|keys| keys.parse().ok()).unwrap_or(1000usize).min(1000);
    let held = objects.held();
    let from = prefix.clone().max(after.clone());
    let below = held.range(from..).take_while(|(key, _)| key.starts_with(&prefix));
    let below = below.filter(|(key, _)| **key > after || after.is_empty());
    let mut text = "<ListBucketResult>".to_owned();
    if query.get("delimiter").is_some() {
        let mut folders: Vec<&str> = below
            .filter_map(|(key, _)| Some(key.strip_prefix(prefix.as_str())?.split_once('/')?.0))
            .collect();
        folders.dedup();
        for folder in folders {
            text.push_str(&format!("<CommonPrefixes><Prefix>{prefix}{folder}/</Prefix></CommonPrefixes>"));
        }
    } else {
        for (key, object) in below.take(limit) {
            let Object { size, version, modified, .. } = object;
            text.push_str(&format!(
                "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>\"{version}\"</ETag>\
                 <Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            ));
        }
    }
    text.push_str("</ListBucketResult>");
    xml(text)
}

fn tagged(mut answer: Answer, version: u64) -> Answer {
    put_header(&mut answer, "etag", &format!("\"{version}\""));
    answer
}

fn refusal(code: StatusCode, name: &str) -> Answer {
    let mut answer = xml(format!("<Error><Code>{name}</Code><Message>{name}</Message></Error>"));
    *answer.status_mut() = code;
    answer
}

fn xml(text: String) -> Answer {
    let mut answer = Answer::new(Full::new(Bytes::from(text)));
    put_header(&mut answer, "content-type", "application/xml");
    answer
}

fn put_header(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// The part of a URL after `?`.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(text: &str) -> Query {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Query(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}
