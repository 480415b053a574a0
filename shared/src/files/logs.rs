//! The log of a container into the bucket, and what its lines say on the way.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::ready;
use futures::stream::BoxStream;
use jiff::Timestamp;
use tokio::io::AsyncReadExt;
use tokio_util::io::StreamReader;

use crate::clock::later;
use crate::cluster::client::Cluster;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::pace::Paced;
use crate::outputs::lines::{LineReader, Said};
use crate::outputs::stamped::{Stamped, StampedLines, Tail};
use crate::run::record::Record;
use crate::run::result::LogObject;
use crate::store::keys;

/// Pause between two tries to read a log that cannot be read yet.
const PAUSE: Duration = Duration::from_secs(1);

/// The kubelet rotates a log at this size by default (`containerLogMaxSize`, 10Mi) and serves only what came after.
const ROTATED_ABOVE: u64 = 1024 * 1024;

/// A log whose first line is this much younger than the container began somewhere in the middle.
const LATE_BEGINNING: Duration = Duration::from_secs(5);

/// A log that is silent for so long in the middle comes no more: it was written before, and the kubelet only reads it.
const SILENCE: Duration = Duration::from_secs(20);

/// Most bytes of a log that are stored, times included. A kubelet keeps 10 MiB of one by default; a container that never stops writing is cut here.
pub const MAX_LOG_BYTES: u64 = 1024 * 1024 * 1024;

/// A log on its way, every line with its time.
pub type LogStream = BoxStream<'static, std::io::Result<Bytes>>;

/// A log that was brought back.
pub struct Collected {
    /// Where it is now.
    pub object: LogObject,
    /// Its last 64 KiB, without times.
    pub tail: String,
    /// What its `::{…}::` lines said.
    pub said: Said,
    /// It went on, and why it was not read to its end.
    pub cut: Option<Cut>,
}

/// Why a log is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is longer than [`MAX_LOG_BYTES`].
    Long,
    /// It came too slowly.
    Slow,
}

/// How long a log is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// One that cannot be read is tried again until then.
    pub late: Timestamp,
    /// One that comes is read until then.
    pub until: Timestamp,
}

/// What is gathered while the bytes pass.
#[derive(Default)]
struct Passing {
    stamped: StampedLines,
    reader: LineReader,
    tail: Tail,
    first: Option<Timestamp>,
}

/// Bring the log of one container back, as far as it comes in time. `None` when there is none: the container never ran, or the pod is gone.
///
/// # Errors
/// When the store fails, or the log cannot be read within the time.
pub async fn collect(
    environment: &Environment,
    cluster: &dyn Cluster,
    record: &Record,
    container: &str,
    started_at: Option<Timestamp>,
    patience: Patience,
) -> Result<Option<Collected>, Error> {
    loop {
        let collected = match open(environment, cluster, record, container, false).await {
            Ok(Some(stream)) => {
                in_time(environment, record, container, started_at, stream, patience.until).await.map(Some)
            }
            other => other.map(|_| None),
        };
        match collected {
            Err(error) if later(environment.clock.now(), PAUSE) < patience.late && may_pass(&error) => {
                tracing::debug!(
                    run.id = record.run_id,
                    container,
                    error = error.in_full(),
                    "the log cannot be read yet"
                );
                environment.clock.sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

/// What has come of a log by `until` is stored. One that falls silent before is an error: another connection may bring it.
async fn in_time(
    environment: &Environment,
    record: &Record,
    container: &str,
    started_at: Option<Timestamp>,
    stream: LogStream,
    until: Timestamp,
) -> Result<Collected, Error> {
    let clock = environment.clock.clone();
    let is_slow = Arc::new(AtomicBool::new(false));
    let noted = is_slow.clone();
    let paced = Paced::new(stream, &environment.clock, SILENCE, until).take_while(move |chunk| {
        let is_late = chunk.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        let is_over = is_late && clock.now() >= until;
        noted.fetch_or(is_over, Ordering::Relaxed);
        ready(!is_over)
    });
    let mut stored = store(environment, record, container, started_at, paced.boxed()).await?;
    if is_slow.load(Ordering::Relaxed) {
        stored.cut = Some(Cut::Slow);
    }
    Ok(stored)
}

/// A log that broke off, or an API server or kubelet that does not answer.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Cluster(error) => error.is_passing(),
        Error::Upload(crate::store::upload::UploadError::Stream { .. }) => true,
        Error::Bucket(_)
        | Error::Queue(_)
        | Error::Answer(_)
        | Error::Upload(_)
        | Error::Clusters(_)
        | Error::Unbegun { .. }
        | Error::Payload(_)
        | Error::Message { .. } => false,
    }
}

/// Open the log of a container, following it to the container's end if asked. `None` when there is none.
///
/// # Errors
/// What the cluster says.
pub async fn open(
    environment: &Environment,
    cluster: &dyn Cluster,
    record: &Record,
    container: &str,
    follow: bool,
) -> Result<Option<LogStream>, Error> {
    let namespace = record.plan.target.namespace.as_deref().unwrap_or(&environment.config.namespace);
    match cluster.log(namespace, &record.attempt.pod_name, container, follow).await {
        Err(error) if error.is_not_found() || error.status() == Some(400) => Ok(None),
        other => Ok(Some(other?)),
    }
}

/// Store a log that was opened.
///
/// # Errors
/// When the stream breaks off or the store fails.
pub async fn store(
    environment: &Environment,
    record: &Record,
    container: &str,
    started_at: Option<Timestamp>,
    stream: BoxStream<'_, std::io::Result<Bytes>>,
) -> Result<Collected, Error> {
    store_at_most(environment, record, container, started_at, stream, MAX_LOG_BYTES).await
}

/// [`store`] with another limit than [`MAX_LOG_BYTES`].
///
/// # Errors
/// When the stream breaks off or the store fails.
pub async fn store_at_most(
    environment: &Environment,
    record: &Record,
    container: &str,
    started_at: Option<Timestamp>,
    stream: BoxStream<'_, std::io::Result<Bytes>>,
    max_bytes: u64,
) -> Result<Collected, Error> {
    let passing = Arc::new(Mutex::new(Some(Passing::begin(container))));
    let seen = passing.clone();
    let bytes = StreamReader::new(stream.inspect(move |chunk| {
        if let (Ok(chunk), Some(passing)) =
            (chunk, seen.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
        {
            passing.pass(chunk);
        }
    }));
    let mut bytes = bytes.take(max_bytes);
    let key = keys::log(&record.run_id, record.attempt.number, container);
    let stored = environment.files.upload(&key, 0, record.hops + 1, &mut bytes).await?;
    // nothing is left of the allowance, and something of the log
    let goes_on = stored.size == max_bytes && bytes.get_mut().read(&mut [0]).await.is_ok_and(|read| read > 0);
    let cut = goes_on.then_some(Cut::Long);
    drop(bytes);
    let passed = passing.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (tail, said, first) = passed.map(Passing::finish).unwrap_or_default();
    let complete = !began_late(first, started_at, stored.size);
    let uri = keys::uri(environment.bucket.name(), &key);
    Ok(Collected { object: LogObject { uri, size: stored.size, complete }, tail, said, cut })
}

/// The beginning was rotated away: the log is large and its first line came well after the container's start.
fn began_late(first: Option<Timestamp>, started_at: Option<Timestamp>, size: u64) -> bool {
    match (first, started_at) {
        (Some(first), Some(started)) => size > ROTATED_ABOVE && first > later(started, LATE_BEGINNING),
        _ => false,
    }
}

impl Passing {
    fn begin(container: &str) -> Self {
        let mut passing = Passing::default();
        passing.reader.begin(container);
        passing
    }

    fn pass(&mut self, chunk: &Bytes) {
        for line in self.stamped.push(chunk) {
            self.note(&line);
        }
    }

    fn note(&mut self, line: &Stamped) {
        self.first = self.first.or(line.at);
        self.tail.push(&line.text);
        self.reader.line(&line.text);
    }

    fn finish(mut self) -> (String, Said, Option<Timestamp>) {
        if let Some(line) = std::mem::take(&mut self.stamped).finish() {
            self.note(&line);
        }
        (self.tail.into_text(), self.reader.finish(), self.first)
    }
}
