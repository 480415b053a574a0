//! The bucket as one invocation sees it: the one in memory behind the gate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fixtures::memory::MemoryBucket;
use futures::future::BoxFuture;
use shared::files::form::{Facts, FormOrder, Join, SignedForm};
use shared::files::store::FileStore;
use shared::store::bucket::{Bucket, BucketError, Condition, Head, Listed, Object};
use shared::store::upload::{UploadError, Uploaded};
use tokio::io::AsyncRead;

use crate::gate::{Fate, Fault, Gate, Place};
use crate::mutation::Mutation;

/// A change of the bucket: by which invocation, and of which object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The invocation; `None` for people.
    pub by: Option<u64>,
    /// The object.
    pub key: String,
    /// It is gone now.
    pub deleted: bool,
}

/// Changes since the last look.
pub type Journal = Arc<Mutex<Vec<Change>>>;

/// The bucket of one invocation.
pub struct SimulatedBucket {
    /// What is in it.
    pub memory: Arc<MemoryBucket>,
    /// Before each operation.
    pub gate: Arc<Gate>,
    /// Who has changed what.
    pub journal: Journal,
    /// The invocation.
    pub invocation: u64,
    /// A promise that is broken on purpose.
    pub mutation: Option<Mutation>,
}

impl SimulatedBucket {
    async fn enter(&self, place: Place, name: &'static str, key: &str) -> Result<Fate, BucketError> {
        let fate = self.gate.enter(place, name, key).await;
        fate.before().map_or(Ok(fate), |fault| Err(self.failure(name, key, fault)))
    }

    fn failure(&self, operation: &'static str, key: &str, fault: Fault) -> BucketError {
        match fault {
            Fault::Conflict => BucketError::Conflict { key: key.to_owned() },
            _ => BucketError::Service {
                operation,
                bucket: self.memory.name().to_owned(),
                key: key.to_owned(),
                source: format!("{fault:?}").into(),
            },
        }
    }

    fn after<T>(&self, fate: Fate, operation: &'static str, key: &str, done: T) -> Result<T, BucketError> {
        fate.after().map_or(Ok(done), |fault| Err(self.failure(operation, key, fault)))
    }

    fn note(&self, key: &str, deleted: bool) {
        let change = Change { by: Some(self.invocation), key: key.to_owned(), deleted };
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    async fn put_now(&self, key: &str, bytes: Bytes, condition: Condition) -> Result<String, BucketError> {
        let fate = self.enter(Place::Bucket, "write", key).await?;
        let (bytes, condition) = match self.mutation {
            Some(mutation) => mutation.write(&self.memory, key, bytes, condition),
            None => (Some(bytes), condition),
        };
        let Some(bytes) = bytes else { return Ok("not-written".to_owned()) };
        let etag = self.memory.put(key, bytes, condition).await?;
        self.note(key, false);
        self.after(fate, "write", key, etag)
    }
}

impl Bucket for SimulatedBucket {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Object, BucketError>> {
        Box::pin(async move {
            self.enter(Place::Bucket, "read", key).await?;
            let object = self.memory.get(key).await?;
            Ok(match self.mutation {
                Some(mutation) => mutation.read(key, object),
                None => object,
            })
        })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: Bytes,
        condition: Condition,
    ) -> BoxFuture<'a, Result<String, BucketError>> {
        Box::pin(self.put_now(key, bytes, condition))
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), BucketError>> {
        Box::pin(async move {
            let fate = self.enter(Place::Bucket, "delete", key).await?;
            self.memory.delete(key).await?;
            self.note(key, true);
            self.after(fate, "delete", key, ())
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Listed>, BucketError>> {
        Box::pin(async move {
            self.enter(Place::Bucket, "list", prefix).await?;
            self.memory.list(prefix, after, limit).await
        })
    }

    fn folders<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>> {
        Box::pin(async move {
            self.enter(Place::Bucket, "list", prefix).await?;
            self.memory.folders(prefix).await
        })
    }

    fn name(&self) -> &str {
        self.memory.name()
    }
}

impl FileStore for SimulatedBucket {
    fn read<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        etag: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Object, BucketError>> {
        Box::pin(async move {
            self.enter(Place::Files, "read", key).await?;
            FileStore::read(self.memory.as_ref(), bucket, key, etag).await
        })
    }

    fn head<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<Head, BucketError>> {
        Box::pin(async move {
            self.enter(Place::Files, "read", key).await?;
            self.memory.head(bucket, key).await
        })
    }

    fn presign<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        life: Duration,
    ) -> BoxFuture<'a, Result<String, BucketError>> {
        self.memory.presign(bucket, key, life)
    }

    fn hops_of<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<u32, BucketError>> {
        Box::pin(async move {
            self.enter(Place::Files, "read", key).await?;
            self.memory.hops_of(bucket, key).await
        })
    }

    fn upload<'a>(
        &'a self,
        key: &'a str,
        expected: u64,
        hops: u32,
        stream: &'a mut (dyn AsyncRead + Send + Unpin),
    ) -> BoxFuture<'a, Result<Uploaded, UploadError>> {
        Box::pin(async move {
            let fate = self.enter(Place::Files, "upload", key).await?;
            let uploaded = self.memory.upload(key, expected, hops, stream).await?;
            if !uploaded.existed {
                self.note(key, false);
            }
            if self.mutation == Some(Mutation::UploadIsForgotten) && key.contains("/outputs/") {
                self.memory.delete(key).await?;
            }
            Ok(self.after(fate, "write", key, uploaded)?)
        })
    }

    fn existing<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Uploaded, UploadError>> {
        Box::pin(async move {
            self.enter(Place::Files, "read", key).await?;
            self.memory.existing(key).await
        })
    }

    fn form<'a>(&'a self, order: &'a FormOrder) -> BoxFuture<'a, Result<SignedForm, BucketError>> {
        self.memory.form(order)
    }

    fn facts<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Facts, BucketError>> {
        Box::pin(async move {
            self.enter(Place::Files, "read", key).await?;
            self.memory.facts(key).await
        })
    }

    fn join<'a>(&'a self, order: &'a Join<'a>) -> BoxFuture<'a, Result<(), BucketError>> {
        Box::pin(async move {
            let fate = self.enter(Place::Files, "join", order.key).await?;
            self.memory.join(order).await?;
            self.note(order.key, false);
            self.after(fate, "write", order.key, ())
        })
    }
}
