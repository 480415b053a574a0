//! The clusters by name, as `config/clusters.yaml` says at this moment.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::clock::between;
use crate::spec::clusters::{self, Clusters};
use crate::spec::problem::{Problem, Problems};
use crate::spec::read;
use crate::spec::source::Source;
use crate::store::bucket::{Bucket, BucketError};
use crate::store::keys;
use crate::store::rejections::Rejection;
use crate::store::upload::hex;

/// The file is looked at again when it was looked at so long ago: a change counts everywhere after that time.
const FRESH: Duration = Duration::from_secs(10);

/// Why the clusters are not known.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The file cannot be read.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// It says something wrong.
    #[error("`{}` has {} problem(s), the first of them {}", keys::CLUSTERS, problems.0.len(), first(problems))]
    Problems {
        /// Everything that is wrong.
        problems: Arc<Problems>,
        /// The file as it may be kept, for whoever may write it down.
        rejection: Arc<Kept>,
    },
}

/// A version of the file that says something wrong.
#[derive(Debug)]
pub struct Kept {
    /// Name below `rejected/`, the same for every look at this version: `clusters-1f0c9a3b7e2d`.
    pub id: String,
    /// What is wrong with it, and the file without what may be secret.
    pub rejection: Rejection,
}

fn first(problems: &Problems) -> String {
    problems.0.first().map(ToString::to_string).unwrap_or_default()
}

/// What an instance of a function has read of the file: it is parsed again when its etag has changed.
#[derive(Debug, Default)]
pub struct Directory(Mutex<Option<Known>>);

type Said = Result<Arc<Clusters>, (Arc<Problems>, Arc<Kept>)>;

#[derive(Debug)]
struct Known {
    looked_at: Timestamp,
    /// `None`: there is no file.
    etag: Option<String>,
    said: Said,
}

impl Directory {
    /// The clusters; none where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or says something wrong.
    pub async fn load(&self, bucket: &dyn Bucket, now: Timestamp) -> Result<Arc<Clusters>, DirectoryError> {
        let mut known = self.0.lock().await;
        if let Some(fresh) = known.as_ref().filter(|known| between(known.looked_at, now) < FRESH) {
            return said(fresh);
        }
        let object = match bucket.get(keys::CLUSTERS).await {
            Ok(object) => Some(object),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        let etag = object.as_ref().map(|object| object.etag.clone());
        let kept = known.take().filter(|known| known.etag == etag).map(|known| known.said);
        let parsed = || match &object {
            Some(object) => parse(&object.bytes, bucket.name(), now),
            None => Ok(Arc::default()),
        };
        let said_now = kept.unwrap_or_else(parsed);
        said(known.insert(Known { looked_at: now, etag, said: said_now }))
    }
}

fn said(known: &Known) -> Result<Arc<Clusters>, DirectoryError> {
    known.said.clone().map_err(|(problems, rejection)| DirectoryError::Problems { problems, rejection })
}

fn parse(bytes: &[u8], bucket: &str, now: Timestamp) -> Said {
    let read = read::tree(bytes)
        .map_err(|problem: Box<Problem>| Problems(vec![*problem]))
        .and_then(|tree| clusters::read(&tree));
    read.map(Arc::new).map_err(|mut problems| {
        Source::of(bytes).mark(&mut problems);
        tracing::error!(problems = ?problems.0, "the file of the clusters has problems; nothing that depends on it is done");
        let rejection = Rejection::new(&keys::uri(bucket, keys::CLUSTERS), now, &problems.0, bytes);
        let version: String = hex(&Sha256::digest(bytes)).chars().take(12).collect();
        let kept = Kept { id: format!("clusters-{version}"), rejection };
        (Arc::new(problems), Arc::new(kept))
    })
}
