//! The one error of the rooms that touch the world, and of the functions.

use crate::answers::AnswerError;
use crate::cluster::directory::DirectoryError;
use crate::cluster::error::ClusterError;
use crate::queue::QueueError;
use crate::run::diagnosis::Class;
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
    /// A run that takes over from another has no record yet.
    #[error("run `{run_id}`, which takes over, has not begun")]
    Unbegun {
        /// Its id.
        run_id: String,
    },
    /// The payload of an invoke makes no sense, or its answer cannot be written: in words, for whoever invokes.
    #[error("{0}")]
    Payload(String),
    /// A message that only Longshore writes makes no sense. What it says is not told: it may be anybody's, with anything in it.
    #[error("a message of {bytes} bytes is none of Longshore's")]
    Message {
        /// Length of the message.
        bytes: usize,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

impl Error {
    /// Stable kinds for alarms and searches: `Bucket`, `Cluster`, `Queue`, `Answer`, `Upload`, `Clusters`, `Unbegun`, `Payload`, `Message`.
    pub fn kind(&self) -> &'static str {
        match self {
            Error::Bucket(_) => "Bucket",
            Error::Cluster(_) => "Cluster",
            Error::Queue(_) => "Queue",
            Error::Answer(_) => "Answer",
            Error::Upload(_) => "Upload",
            Error::Clusters(_) => "Clusters",
            Error::Unbegun { .. } => "Unbegun",
            Error::Payload(_) => "Payload",
            Error::Message { .. } => "Message",
        }
    }

    /// What kind of failure this is to whoever invoked the function, in the words of a diagnosis. `infrastructure` passes: the same invoke, made again,
    /// carries on.
    pub fn class(&self) -> Class {
        match self {
            Error::Bucket(error)
            | Error::Upload(UploadError::Bucket(error))
            | Error::Clusters(DirectoryError::Bucket(error)) => of_bucket(error),
            Error::Cluster(error) if error.is_passing() => Class::Infrastructure,
            Error::Cluster(_)
            | Error::Clusters(DirectoryError::Problems { .. })
            | Error::Upload(UploadError::TooLong { .. })
            | Error::Payload(_)
            | Error::Message { .. } => Class::Config,
            // What queues and streams say is not told apart: a try too many costs little.
            Error::Queue(_)
            | Error::Answer(_)
            | Error::Unbegun { .. }
            | Error::Upload(UploadError::Stream { .. }) => Class::Infrastructure,
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

fn of_bucket(error: &BucketError) -> Class {
    match error {
        BucketError::Service { .. } => Class::Infrastructure,
        // Somebody was faster: the next look sees what they did.
        BucketError::NotFound { .. }
        | BucketError::PreconditionFailed { .. }
        | BucketError::Conflict { .. } => Class::Infrastructure,
        BucketError::Forbidden { .. } | BucketError::Refused { .. } => Class::Config,
        // Another delivery finds the version that can read it.
        BucketError::Newer { .. } => Class::Infrastructure,
        BucketError::Malformed { .. } => Class::Internal,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_somebody_has_to_mend() {
        let named = || ("bucket".to_owned(), "key".to_owned());
        let service = || {
            let (bucket, key) = named();
            BucketError::Service { operation: "write", bucket, key, source: "503".into() }
        };
        let forbidden = || {
            let (bucket, key) = named();
            BucketError::Forbidden { operation: "write", bucket, key }
        };
        let queue = QueueError { queue: "wake".into(), source: "503".into() };
        let no_json = || serde_json::from_str::<u8>("x").unwrap_err();
        let malformed = BucketError::Malformed { key: "key".into(), expected: "a record", source: no_json() };
        let unreachable = ClusterError::unreachable("create a pod", "no route");
        let cases: [(Error, Class); 9] = [
            (service().into(), Class::Infrastructure),
            (BucketError::Conflict { key: "key".into() }.into(), Class::Infrastructure),
            (DirectoryError::from(service()).into(), Class::Infrastructure),
            (queue.into(), Class::Infrastructure),
            (unreachable.into(), Class::Infrastructure),
            (forbidden().into(), Class::Config),
            (ClusterError::settings("no such file").into(), Class::Config),
            (Error::Message { bytes: 1, source: no_json() }, Class::Config),
            (malformed.into(), Class::Internal),
        ];
        for (error, class) in cases {
            assert_eq!(error.class(), class, "{error:?}");
        }
    }
}
