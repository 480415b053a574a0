//! The one error of the rooms that touch the world, and of the functions.

use crate::answers::AnswerError;
use crate::cluster::directory::DirectoryError;
use crate::cluster::error::ClusterError;
use crate::queue::QueueError;
use crate::store::bucket::BucketError;
use crate::store::upload::UploadError;

/// Why a function could not go on. The next delivery or the next poll carries on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bucket.
    #[error("the bucket failed")]
    Bucket(#[from] BucketError),
    /// The cluster.
    #[error("the cluster failed")]
    Cluster(#[from] ClusterError),
    /// A queue.
    #[error("a queue failed")]
    Queue(#[from] QueueError),
    /// Somebody who is to be told something.
    #[error("an answer failed")]
    Answer(#[from] AnswerError),
    /// An upload.
    #[error("an upload failed")]
    Upload(#[from] UploadError),
    /// The file of the clusters.
    #[error("the clusters are not known")]
    Clusters(#[from] DirectoryError),
    /// A message that only Longshore writes makes no sense.
    #[error("message `{message}` is none of Longshore's")]
    Message {
        /// The message, cut short.
        message: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// Stable kinds for alarms and searches: `Bucket`, `Cluster`, `Queue`, `Answer`, `Upload`, `Clusters`, `Message`.
    pub fn kind(&self) -> &'static str {
        match self {
            Error::Bucket(_) => "Bucket",
            Error::Cluster(_) => "Cluster",
            Error::Queue(_) => "Queue",
            Error::Answer(_) => "Answer",
            Error::Upload(_) => "Upload",
            Error::Clusters(_) => "Clusters",
            Error::Message { .. } => "Message",
        }
    }

    /// The record or object is not there (any more).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::Bucket(error) if error.is_not_found())
    }

    /// The whole chain of causes in one line.
    pub fn in_full(&self) -> String {
        chain(self)
    }
}

/// An error and its causes, joined by `: `.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}
