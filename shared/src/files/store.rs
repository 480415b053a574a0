//! What files need of an object store beyond whole small objects.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::AsyncRead;

use crate::store::bucket::BucketError;
use crate::store::s3::S3Bucket;
use crate::store::upload::{self, UploadError, Uploaded};

/// Sizes, presigned URLs and uploads of streams.
pub trait FileStore: Send + Sync {
    /// Size of an object in any bucket.
    fn size_of<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<u64, BucketError>>;
    /// A URL to read one object with.
    fn presign<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        life: Duration,
    ) -> BoxFuture<'a, Result<String, BucketError>>;
    /// Store a stream under a key of Longshore's bucket unless there is an object already; `expected` is its announced length.
    fn upload<'a>(
        &'a self,
        key: &'a str,
        expected: u64,
        stream: &'a mut (dyn AsyncRead + Send + Unpin),
    ) -> BoxFuture<'a, Result<Uploaded, UploadError>>;
    /// Size and hash of an object of Longshore's bucket.
    fn existing<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Uploaded, UploadError>>;
}

impl FileStore for S3Bucket {
    fn size_of<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<u64, BucketError>> {
        Box::pin(S3Bucket::size_of(self, bucket, key))
    }

    fn presign<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        life: Duration,
    ) -> BoxFuture<'a, Result<String, BucketError>> {
        Box::pin(self.presign_get(bucket, key, life))
    }

    fn upload<'a>(
        &'a self,
        key: &'a str,
        expected: u64,
        stream: &'a mut (dyn AsyncRead + Send + Unpin),
    ) -> BoxFuture<'a, Result<Uploaded, UploadError>> {
        Box::pin(upload::stream(self, key, expected, stream))
    }

    fn existing<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Uploaded, UploadError>> {
        Box::pin(upload::existing(self, key))
    }
}
