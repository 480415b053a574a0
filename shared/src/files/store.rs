//! What files need of an object store beyond whole small objects.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::AsyncRead;

use crate::files::form::{Facts, FormOrder, Join, SignedForm};
use crate::store::bucket::{BucketError, Head, Object};
use crate::store::s3::S3Bucket;
use crate::store::upload::{self, UploadError, Uploaded};
use crate::store::{form, join};

/// Sizes, objects of other buckets, presigned URLs and uploads of streams.
pub trait FileStore: Send + Sync {
    /// Size and version of an object in any bucket.
    fn head<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<Head, BucketError>>;
    /// Read an object of any bucket as a whole; with `etag` (without quotes) only if it is still that one.
    fn read<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        etag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Object, BucketError>>;
    /// A URL to read one object with.
    fn presign<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        life: Duration,
    ) -> BoxFuture<'a, Result<String, BucketError>>;
    /// How many runs led to an object of any bucket ([`upload::HOPS`]): 0 for one that no run wrote.
    fn hops_of<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<u32, BucketError>>;
    /// Store a stream under a key of Longshore's bucket unless there is an object already; `expected` is its announced length, `hops` how
    /// many runs led to it.
    fn upload<'a>(
        &'a self,
        key: &'a str,
        expected: u64,
        hops: u32,
        stream: &'a mut (dyn AsyncRead + Send + Unpin),
    ) -> BoxFuture<'a, Result<Uploaded, UploadError>>;
    /// Size and hash of an object of Longshore's bucket.
    fn existing<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Uploaded, UploadError>>;
    /// Sign a form by which anybody may store objects of Longshore's bucket.
    fn form<'a>(&'a self, order: &'a FormOrder) -> BoxFuture<'a, Result<SignedForm, BucketError>>;
    /// Size and told hash of an object of Longshore's bucket, without reading it.
    fn facts<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Facts, BucketError>>;
    /// Make one object of several, unless there is one already; none of their bytes comes here.
    fn join<'a>(&'a self, order: &'a Join<'a>) -> BoxFuture<'a, Result<(), BucketError>>;
}

impl FileStore for S3Bucket {
    fn head<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<Head, BucketError>> {
        Box::pin(S3Bucket::head(self, bucket, key))
    }

    fn read<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        etag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Object, BucketError>> {
        Box::pin(self.get_from(bucket, key, etag))
    }

    fn presign<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        life: Duration,
    ) -> BoxFuture<'a, Result<String, BucketError>> {
        Box::pin(self.presign_get(bucket, key, life))
    }

    fn hops_of<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<u32, BucketError>> {
        Box::pin(S3Bucket::hops_of(self, bucket, key))
    }

    fn upload<'a>(
        &'a self,
        key: &'a str,
        expected: u64,
        hops: u32,
        stream: &'a mut (dyn AsyncRead + Send + Unpin),
    ) -> BoxFuture<'a, Result<Uploaded, UploadError>> {
        Box::pin(upload::stream(self, key, expected, hops, stream))
    }

    fn existing<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Uploaded, UploadError>> {
        Box::pin(upload::existing(self, key))
    }

    fn form<'a>(&'a self, order: &'a FormOrder) -> BoxFuture<'a, Result<SignedForm, BucketError>> {
        Box::pin(form::sign(self, order))
    }

    fn facts<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Facts, BucketError>> {
        Box::pin(S3Bucket::facts(self, key))
    }

    fn join<'a>(&'a self, order: &'a Join<'a>) -> BoxFuture<'a, Result<(), BucketError>> {
        Box::pin(join::pieces(self, order))
    }
}
