//! Pieces into one object by copies inside of the store.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures::stream::{self, StreamExt, TryStreamExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::bucket::{Bucket, BucketError};
use super::s3::{S3Bucket, classify};
use super::upload::HOPS;
use crate::files::form::Join;
use crate::outputs::direct::SHA256;

/// Copies at the same time.
const COPIES: usize = 8;

/// What stays as it is in the name of a source.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// Make one object of pieces, unless there is one.
///
/// # Errors
/// `PreconditionFailed` when there is one, `NotFound` when a piece is missing; nothing is left behind in either case.
pub(crate) async fn pieces(bucket: &S3Bucket, order: &Join<'_>) -> Result<(), BucketError> {
    let (client, name, key) = (bucket.client(), bucket.name(), order.key);
    let started = client.create_multipart_upload().bucket(name).key(key);
    let started = started.metadata(HOPS, order.hops.to_string()).metadata(SHA256, order.sha256).send().await;
    let id = started.map_err(|error| classify("write", name, key, error))?.upload_id.unwrap_or_default();
    let joined = copy(bucket, order, &id).await;
    if joined.is_err() {
        // The bucket's lifecycle rule removes it if this fails too.
        let _left_to_the_lifecycle_rule =
            client.abort_multipart_upload().bucket(name).key(key).upload_id(&id).send().await;
    }
    joined
}

async fn copy(bucket: &S3Bucket, order: &Join<'_>, id: &str) -> Result<(), BucketError> {
    let (client, name, key) = (bucket.client(), bucket.name(), order.key);
    let copy = async |piece: &str, bytes: u64, number: i32| {
        let source = format!("{name}/{}", utf8_percent_encode(piece, KEPT));
        let request = client.upload_part_copy().bucket(name).key(key).upload_id(id).part_number(number);
        // Exactly what was told: a piece that is longer is cut, and one that is shorter is refused.
        let range = format!("bytes=0-{}", bytes.saturating_sub(1));
        let answer = request.copy_source(source).copy_source_range(range).send().await;
        let answer = answer.map_err(|error| classify("copy", name, piece, error))?;
        let etag = answer.copy_part_result.and_then(|result| result.e_tag);
        Ok::<_, BucketError>(CompletedPart::builder().part_number(number).set_e_tag(etag).build())
    };
    let copies: Vec<_> =
        order.pieces.iter().zip(1..).map(|((piece, bytes), number)| copy(piece, *bytes, number)).collect();
    let parts: Vec<CompletedPart> = stream::iter(copies).buffered(COPIES).try_collect().await?;
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    let request =
        client.complete_multipart_upload().bucket(name).key(key).upload_id(id).multipart_upload(parts);
    let completed = request.if_none_match("*").send().await;
    completed.map(drop).map_err(|error| classify("write", name, key, error))
}
