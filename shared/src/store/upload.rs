//! Streams of unknown hash into objects: one PUT up to a part's size, multipart above. Two parts are in memory at most: one is sent while the next is read.

use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::bucket::{Bucket, BucketError};
use super::s3::{S3Bucket, classify};

/// Bytes of one part. S3 wants at least 5 MiB and at most 10,000 parts.
pub const PART_BYTES: usize = 8 * 1024 * 1024;

/// Parts may be at most this many (S3's limit).
const MAX_PARTS: u64 = 10_000;

/// Longest stream that is stored. Larger parts would go further and into a function's memory.
pub const MAX_BYTES: u64 = MAX_PARTS * PART_BYTES as u64;

/// Metadata of every log and output file (`x-amz-meta-longshore-hops`): how many runs led to it, itself included. Copies keep it.
pub const HOPS: &str = "longshore-hops";

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// The object was there before (an earlier collection of the same attempt won); size and hash are that object's.
    pub existed: bool,
}

/// Why a stream did not become an object.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The store refused or failed.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The stream broke off.
    #[error("the stream for `{key}` broke off after {bytes} bytes")]
    Stream {
        /// Key.
        key: String,
        /// Bytes read before.
        bytes: u64,
        /// The stream's error.
        #[source]
        source: std::io::Error,
    },
    /// It does not end within [`MAX_BYTES`].
    #[error("the stream for `{key}` is longer than {MAX_BYTES} bytes")]
    TooLong {
        /// Key.
        key: String,
    },
}

/// Store what `stream` yields under `key`, unless there is an object already. `expected` is the length announced, 0 where it
/// is not known; `hops` becomes its metadata [`HOPS`].
///
/// # Errors
/// When the stream breaks off or the store refuses; nothing is left behind in either case.
pub async fn stream(
    bucket: &S3Bucket,
    key: &str,
    expected: u64,
    hops: u32,
    stream: &mut (dyn AsyncRead + Send + Unpin),
) -> Result<Uploaded, UploadError> {
    if expected > MAX_BYTES {
        return Err(UploadError::TooLong { key: key.to_owned() });
    }
    let mut hasher = Sha256::new();
    let first = read_part(key, 0, PART_BYTES, stream).await?;
    hasher.update(&first);
    let outcome = if first.len() < PART_BYTES {
        let size = first.len() as u64;
        bucket.put_with_hops(key, first, hops).await.map(|()| size).map_err(UploadError::from)
    } else {
        let started = bucket.client().create_multipart_upload().metadata(HOPS, hops.to_string());
        multipart(bucket, key, started, first, &mut hasher, stream).await
    };
    match outcome {
        Ok(size) => Ok(Uploaded { size, sha256: hex(&hasher.finalize()), existed: false }),
        Err(UploadError::Bucket(error)) if error.is_precondition_failed() => {
            tokio::io::copy(stream, &mut tokio::io::sink()).await.map_err(|source| UploadError::Stream {
                key: key.to_owned(),
                bytes: 0,
                source,
            })?;
            existing(bucket, key).await
        }
        Err(error) => Err(error),
    }
}

/// Size and hash of an object that is there.
///
/// # Errors
/// The store's.
pub async fn existing(bucket: &S3Bucket, key: &str) -> Result<Uploaded, UploadError> {
    let answer = bucket.client().get_object().bucket(bucket.name()).key(key).send().await;
    let object = answer.map_err(|error| classify("read", bucket.name(), key, error))?;
    let mut body = object.body.into_async_read();
    let (mut hasher, mut size) = (Sha256::new(), 0);
    loop {
        let part = read_part(key, size, PART_BYTES, &mut body).await?;
        hasher.update(&part);
        size += part.len() as u64;
        if part.len() < PART_BYTES {
            return Ok(Uploaded { size, sha256: hex(&hasher.finalize()), existed: true });
        }
    }
}

async fn multipart(
    bucket: &S3Bucket,
    key: &str,
    request: CreateMultipartUploadFluentBuilder,
    first: Bytes,
    hasher: &mut Sha256,
    stream: &mut (dyn AsyncRead + Send + Unpin),
) -> Result<u64, UploadError> {
    let (client, name) = (bucket.client(), bucket.name());
    let started = request.bucket(name).key(key).send().await;
    let id = started.map_err(|error| classify("write", name, key, error))?.upload_id.unwrap_or_default();
    let result = send_parts(bucket, key, &id, first, hasher, stream).await;
    if result.is_err() {
        // The upload is of no use any more; the bucket's lifecycle rule removes it if this fails too.
        let _left_to_the_lifecycle_rule =
            client.abort_multipart_upload().bucket(name).key(key).upload_id(&id).send().await;
    }
    result
}

async fn send_parts(
    bucket: &S3Bucket,
    key: &str,
    id: &str,
    first: Bytes,
    hasher: &mut Sha256,
    stream: &mut (dyn AsyncRead + Send + Unpin),
) -> Result<u64, UploadError> {
    let (client, name) = (bucket.client(), bucket.name());
    let (mut part, mut number, mut size) = (first, 1, 0);
    let mut completed = Vec::new();
    while !part.is_empty() {
        size += part.len() as u64;
        if size > MAX_BYTES {
            return Err(UploadError::TooLong { key: key.to_owned() });
        }
        let last = part.len() < PART_BYTES;
        let request =
            client.upload_part().bucket(name).key(key).upload_id(id).part_number(number).body(part.into());
        // Every byte is hashed for the result already, and TLS sees to it that it arrives: a second hash for the signature is half of a large file's time.
        let request = request.customize().disable_payload_signing();
        let (answer, next) = futures::join!(request.send(), async {
            if last { Ok(Bytes::new()) } else { read_part(key, size, PART_BYTES, stream).await }
        });
        let answer = answer.map_err(|error| classify("write", name, key, error))?;
        completed.push(CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag).build());
        part = next?;
        hasher.update(&part);
        number += 1;
    }
    let parts = CompletedMultipartUpload::builder().set_parts(Some(completed)).build();
    let request =
        client.complete_multipart_upload().bucket(name).key(key).upload_id(id).multipart_upload(parts);
    request.if_none_match("*").send().await.map_err(|error| classify("write", name, key, error))?;
    Ok(size)
}

async fn read_part(
    key: &str,
    before: u64,
    bytes: usize,
    stream: &mut (dyn AsyncRead + Send + Unpin),
) -> Result<Bytes, UploadError> {
    let mut part = BytesMut::new();
    let mut limited = stream.take(bytes as u64);
    loop {
        let read = limited.read_buf(&mut part).await;
        match read {
            Ok(0) => return Ok(part.freeze()),
            Ok(_) => {}
            Err(source) => {
                return Err(UploadError::Stream {
                    key: key.to_owned(),
                    bytes: before + part.len() as u64,
                    source,
                });
            }
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
