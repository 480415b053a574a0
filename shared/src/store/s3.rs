//! The bucket on S3.

use std::collections::HashMap;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::bucket::{Bucket, BucketError, Condition, Head, Listed, Object};
use super::upload;
use crate::files::form::Facts;
use crate::outputs::direct::SHA256;

/// How often a 409 is tried again, with a growing pause between.
const CONFLICT_TRIES: u32 = 6;

/// One bucket on S3, and a second client that signs URLs for pods where they reach S3 by another name.
#[derive(Clone, Debug)]
pub struct S3Bucket {
    client: Client,
    presigner: Client,
    credentials: Option<SharedCredentialsProvider>,
    name: String,
}

impl S3Bucket {
    /// The bucket `name`; `presigner` signs the URLs that pods use.
    pub fn new(client: Client, presigner: Client, name: String) -> Self {
        S3Bucket { client, presigner, credentials: None, name }
    }

    /// The same, able to sign forms.
    pub fn signing_with(self, credentials: Option<SharedCredentialsProvider>) -> Self {
        S3Bucket { credentials, ..self }
    }

    /// What forms are signed with.
    pub fn credentials(&self) -> Option<&SharedCredentialsProvider> {
        self.credentials.as_ref()
    }

    /// The client underneath, for uploads of streams.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The client that signs what pods use.
    pub fn presigner(&self) -> &Client {
        &self.presigner
    }

    /// Size and told hash of an object. A hash that the store itself has checked goes before one that was only told.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, or what the network says.
    pub async fn facts(&self, key: &str) -> Result<Facts, BucketError> {
        let request = self.client.head_object().bucket(&self.name).key(key);
        let answer = request.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled).send().await;
        let head = answer.map_err(|error| classify("read", &self.name, key, error))?;
        let size = head.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        // That of an object in parts is one of hashes, and has their number behind it: it is no base64.
        let checked = head.checksum_sha256().and_then(|text| STANDARD.decode(text).ok());
        let told = head.metadata().and_then(|metadata| metadata.get(SHA256));
        let sha256 = checked.map(|bytes| upload::hex(&bytes)).or_else(|| told.cloned());
        Ok(Facts { size, sha256 })
    }

    /// A URL by which anybody may read one object until `expires_in` is over.
    ///
    /// # Errors
    /// When the credentials cannot sign.
    pub async fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> Result<String, BucketError> {
        let fail = |source: Box<dyn std::error::Error + Send + Sync>| BucketError::Service {
            operation: "sign a URL for",
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            source,
        };
        let expiry = PresigningConfig::expires_in(expires_in).map_err(|error| fail(error.into()))?;
        let request = self.presigner.get_object().bucket(bucket).key(key).presigned(expiry).await;
        request.map(|signed| signed.uri().to_owned()).map_err(|error| fail(error.into()))
    }

    /// Size and version of any object, here or in another bucket.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, or what the network says.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Head, BucketError> {
        let head = self.ask(bucket, key).await?;
        let size = head.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        Ok(Head { size, etag: head.e_tag.unwrap_or_default() })
    }

    /// Read an object, here or in another bucket; with `etag` (without quotes) only if it is still that one.
    ///
    /// # Errors
    /// `PreconditionFailed` when it is another by now, `NotFound`, `Forbidden`, or what the network says.
    pub async fn get_from(&self, bucket: &str, key: &str, etag: Option<&str>) -> Result<Object, BucketError> {
        let request = self.client.get_object().bucket(bucket).key(key);
        let request = request.set_if_match(etag.map(|etag| format!("\"{etag}\"")));
        let object = request.send().await.map_err(|error| classify("read", bucket, key, error))?;
        let etag = object.e_tag.unwrap_or_default();
        let modified = timestamp(object.last_modified.as_ref());
        let body = object.body.collect().await.map_err(|error| BucketError::Service {
            operation: "read",
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            source: error.into(),
        })?;
        Ok(Object { bytes: body.into_bytes(), etag, modified })
    }

    /// How many runs led to an object, here or in another bucket.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, or what the network says.
    pub async fn hops_of(&self, bucket: &str, key: &str) -> Result<u32, BucketError> {
        let head = self.ask(bucket, key).await?;
        let hops = head.metadata().and_then(|metadata| metadata.get(upload::HOPS));
        Ok(hops.and_then(|hops| hops.parse().ok()).unwrap_or(0))
    }

    async fn ask(&self, bucket: &str, key: &str) -> Result<HeadObjectOutput, BucketError> {
        let answer = self.client.head_object().bucket(bucket).key(key).send().await;
        answer.map_err(|error| classify("read", bucket, key, error))
    }

    /// Write an object that runs led to, if there is none.
    ///
    /// # Errors
    /// As [`Bucket::put`].
    pub async fn put_with_hops(&self, key: &str, bytes: Bytes, hops: u32) -> Result<(), BucketError> {
        let hops = Some((upload::HOPS.to_owned(), hops.to_string()));
        self.put_with(key, bytes, &Condition::Absent, hops).await.map(drop)
    }

    /// A 409 is tried again.
    async fn put_with(
        &self,
        key: &str,
        bytes: Bytes,
        condition: &Condition,
        metadata: Option<(String, String)>,
    ) -> Result<String, BucketError> {
        let mut tries = 1;
        loop {
            match self.put_once(key, bytes.clone(), condition, metadata.clone()).await {
                Err(error) if error.is_conflict() && tries < CONFLICT_TRIES => {
                    tokio::time::sleep(Duration::from_millis(25 << tries)).await;
                    tries += 1;
                }
                other => return other,
            }
        }
    }

    async fn put_once(
        &self,
        key: &str,
        bytes: Bytes,
        condition: &Condition,
        metadata: Option<(String, String)>,
    ) -> Result<String, BucketError> {
        let request = self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(bytes));
        let request = request.set_metadata(metadata.map(|pair| HashMap::from([pair])));
        let request = match condition {
            Condition::Always => request,
            Condition::Absent => request.if_none_match("*"),
            Condition::Matches(etag) => request.if_match(etag),
        };
        let answer = request.send().await.map_err(|error| classify("write", &self.name, key, error))?;
        Ok(answer.e_tag.unwrap_or_default())
    }
}

impl Bucket for S3Bucket {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Object, BucketError>> {
        Box::pin(self.get_from(&self.name, key, None))
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: Bytes,
        condition: Condition,
    ) -> BoxFuture<'a, Result<String, BucketError>> {
        Box::pin(async move { self.put_with(key, bytes, &condition, None).await })
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        Box::pin(async move {
            let answer = self.client.delete_object().bucket(&self.name).key(key).send().await;
            match answer.map_err(|error| classify("delete", &self.name, key, error)) {
                Err(error) if error.is_not_found() => Ok(()),
                other => other.map(drop),
            }
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Listed>, BucketError>> {
        Box::pin(async move {
            let request = self
                .client
                .list_objects_v2()
                .bucket(&self.name)
                .prefix(prefix)
                .set_start_after(after.map(str::to_owned));
            let answer = request.max_keys(i32::try_from(limit).unwrap_or(1000)).send().await;
            let page = answer.map_err(|error| classify("list", &self.name, prefix, error))?;
            let listed = page.contents.unwrap_or_default().into_iter().filter_map(|object| {
                Some(Listed {
                    key: object.key?,
                    etag: object.e_tag.unwrap_or_default(),
                    size: object.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                    modified: timestamp(object.last_modified.as_ref()),
                })
            });
            Ok(listed.collect())
        })
    }

    fn folders<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        Box::pin(async move {
            let mut folders = Vec::new();
            let mut token = None;
            loop {
                let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).delimiter("/");
                let answer = request.set_continuation_token(token.take()).send().await;
                let page = answer.map_err(|error| classify("list", &self.name, prefix, error))?;
                let names =
                    page.common_prefixes.unwrap_or_default().into_iter().filter_map(|common| common.prefix);
                folders.extend(
                    names.filter_map(|name| Some(name.strip_prefix(prefix)?.strip_suffix('/')?.to_owned())),
                );
                match page.next_continuation_token {
                    Some(next) if page.is_truncated == Some(true) => token = Some(next),
                    _ => return Ok(folders),
                }
            }
        })
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn timestamp(time: Option<&aws_smithy_types::DateTime>) -> Timestamp {
    time.and_then(|time| Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).unwrap_or(0)).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// S3's answer in this room's words.
pub(super) fn classify<E>(
    operation: &'static str,
    bucket: &str,
    key: &str,
    error: SdkError<E, HttpResponse>,
) -> BucketError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.as_service_error().and_then(|service| service.code()).unwrap_or_default();
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    match (status, code) {
        (_, "PreconditionFailed") | (Some(412), _) => BucketError::PreconditionFailed { key },
        (_, "ConditionalRequestConflict" | "OperationAborted") | (Some(409), _) => {
            BucketError::Conflict { key }
        }
        (_, "NoSuchKey" | "NotFound" | "NoSuchBucket") | (Some(404), _) => {
            BucketError::NotFound { bucket, key }
        }
        (_, "AccessDenied") | (Some(403), _) => BucketError::Forbidden { operation, bucket, key },
        _ => BucketError::Service { operation, bucket, key, source: Box::new(error) },
    }
}
