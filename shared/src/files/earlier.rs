//! How far earlier, unfinished collections of an attempt came.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::environment::Environment;
use crate::error::Error;
use crate::run::record::Record;
use crate::run::result::OutputFile;
use crate::store::bucket::Condition;
use crate::store::keys;

/// What collections leave for the next one of their attempt.
pub(super) struct Earlier<'a> {
    pub(super) environment: &'a Environment,
    pub(super) record: &'a Record,
}

impl Earlier<'_> {
    /// The files that they found or stored.
    pub(super) async fn files(&self) -> Result<BTreeMap<String, OutputFile>, Error> {
        let files: Vec<OutputFile> = self.read("files.json").await?;
        Ok(files.into_iter().map(|file| (file.path.clone(), file)).collect())
    }

    /// The files that did not come in the time of one, and what was said of them.
    pub(super) async fn slow(&self) -> Result<BTreeMap<String, String>, Error> {
        self.read("slow.json").await
    }

    /// Leave word of files for the next one.
    pub(super) async fn keep(&self, done: &BTreeMap<String, OutputFile>) -> Result<(), Error> {
        self.write("files.json", &done.values().collect::<Vec<_>>()).await
    }

    /// Leave word of files that need not be asked for any more.
    pub(super) async fn keep_slow(&self, slow: &BTreeMap<String, String>) -> Result<(), Error> {
        self.write("slow.json", slow).await
    }

    /// What the first of them finds is nothing.
    async fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, Error> {
        let attempt = self.record.attempt.number;
        if self.record.collection.as_ref().is_none_or(|progress| progress.attempt != attempt) {
            return Ok(T::default());
        }
        match self.environment.bucket.get(&self.key(name)).await {
            Ok(object) => Ok(serde_json::from_slice(&object.bytes).unwrap_or_default()),
            Err(error) if error.is_not_found() => Ok(T::default()),
            Err(error) => Err(error.into()),
        }
    }

    async fn write(&self, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        self.environment.bucket.put(&self.key(name), Bytes::from(bytes), Condition::Always).await?;
        Ok(())
    }

    fn key(&self, name: &str) -> String {
        keys::attempt(&self.record.run_id, self.record.attempt.number, name)
    }
}
