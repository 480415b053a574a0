//! A log that a helper has uploaded in parts, as one stream.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;

use crate::environment::Environment;
use crate::error::Error;
use crate::files::logs::{self, Collected, LogStream};
use crate::outputs::direct::log_part;
use crate::run::record::Record;
use crate::store::bucket::BucketError;
use crate::store::keys;

/// Store the log of a container from its parts: `parts` of them, or as many as there are. `None` when there is none.
///
/// # Errors
/// The store's.
pub async fn collect(
    environment: &Environment,
    record: &Record,
    container: &str,
    started_at: Option<Timestamp>,
    parts: Option<u32>,
) -> Result<Option<Collected>, Error> {
    // A log of nothing has no parts and is a log.
    let is_there = parts == Some(0) || part(environment, record, container, 1).await?.is_some();
    if !is_there {
        return Ok(None);
    }
    let stream = stream(environment, record, container, parts);
    logs::store(environment, record, container, started_at, stream).await.map(Some)
}

/// The bytes of the parts, one after the other.
fn stream(environment: &Environment, record: &Record, container: &str, parts: Option<u32>) -> LogStream {
    let bucket = environment.bucket.clone();
    let (run_id, attempt, container) = (record.run_id.clone(), record.attempt.number, container.to_owned());
    let last = parts.unwrap_or(u32::MAX);
    stream::unfold(1, move |number| {
        let bucket = bucket.clone();
        let key = keys::attempt(&run_id, attempt, &log_part(&container, number));
        async move {
            if number > last {
                return None;
            }
            let next = number.saturating_add(1);
            match bucket.get(&key).await {
                Ok(object) => Some((Ok(object.bytes), next)),
                Err(error) if error.is_not_found() && parts.is_none() => None,
                Err(error) => Some((Err(std::io::Error::other(error)), u32::MAX)),
            }
        }
    })
    .boxed()
}

async fn part(
    environment: &Environment,
    record: &Record,
    container: &str,
    number: u32,
) -> Result<Option<Bytes>, BucketError> {
    let key = keys::attempt(&record.run_id, record.attempt.number, &log_part(container, number));
    match environment.bucket.get(&key).await {
        Ok(object) => Ok(Some(object.bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
