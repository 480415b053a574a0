//! What has to be known before a run's first pod: the shared files, and whether an earlier success may stand for the run.

use futures::StreamExt;
use sha2::{Digest, Sha256};

use crate::effects::gather::Gathered;
use crate::effects::observe;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::inputs::InputsError;
use crate::files::shared;
use crate::resolve::plan::{InputFile, InputSource};
use crate::run::cached::{self, InputVersion};
use crate::run::diagnosis::Diagnosis;
use crate::run::record::{Prepared, Record};
use crate::run::result::{OutputFile, RunResult};
use crate::run::state::State;
use crate::store::bucket::BucketError;
use crate::store::records::{self, Stored};
use crate::store::upload::hex;
use crate::store::{cache, results};

/// Output files of an earlier run that are looked for at the same time.
const LOOKS: usize = 16;

/// What came of it.
pub enum Preparation {
    /// The pod may be created.
    Ready(Stored),
    /// An earlier success stands for the run.
    Cached(Stored, Box<Gathered>),
    /// The shared files cannot be placed.
    Refused(Stored, Box<Diagnosis>),
}

/// Prepare a run. What is found out is written into its record once, so that every attempt has the same files.
///
/// # Errors
/// What the bucket says.
pub async fn run(environment: &Environment, stored: Stored) -> Result<Preparation, Error> {
    let plan = &stored.record.plan;
    if plan.cache.is_none() && plan.files.namespace.is_none() {
        return Ok(Preparation::Ready(stored));
    }
    let stored = match stored.record.prepared {
        Some(_) => stored,
        None => match first(environment, &stored.record).await {
            Ok((inputs, prepared)) => keep(environment, stored, inputs, prepared).await?,
            Err(InputsError::Missing(diagnosis)) => return Ok(Preparation::Refused(stored, diagnosis)),
            Err(InputsError::Store(error)) => return Err(error.into()),
        },
    };
    match earlier(environment, &stored.record).await? {
        Some(result) => {
            tracing::info!(
                run.id = stored.record.run_id,
                cached.from = result.run_id,
                "an earlier success stands for the run"
            );
            let gathered = Gathered {
                cached_from: Some(result.run_id),
                outputs: result.outputs,
                files: result.output_files,
                logs: result.logs,
                pod: result.pod,
                ..Gathered::default()
            };
            Ok(Preparation::Cached(stored, Box::new(gathered)))
        }
        None => Ok(Preparation::Ready(stored)),
    }
}

async fn first(
    environment: &Environment,
    record: &Record,
) -> Result<(Vec<InputFile>, Prepared), InputsError> {
    let inputs = shared::with_shared(environment, &record.plan.files).await?;
    let cache_key = match record.plan.cache {
        Some(_) => {
            let mut plan = record.plan.clone();
            plan.target.namespace = Some(observe::namespace(environment, record).to_owned());
            let versions = versions(environment, &inputs).await?;
            versions.map(|versions| cached::key(&plan, &record.group, &versions))
        }
        None => None,
    };
    Ok((inputs, Prepared { cache_key }))
}

async fn keep(
    environment: &Environment,
    stored: Stored,
    inputs: Vec<InputFile>,
    prepared: Prepared,
) -> Result<Stored, Error> {
    let change = |record: &mut Record| {
        let changes = record.prepared.is_none();
        if changes {
            *record =
                record.clone().prepared(inputs.clone(), prepared.clone()).by(environment.writer.as_str());
        }
        changes
    };
    Ok(records::change(environment.bucket.as_ref(), stored, change).await?)
}

/// What tells the inputs' contents from others; `None` when one cannot be read, which is told when its link is made.
async fn versions(
    environment: &Environment,
    inputs: &[InputFile],
) -> Result<Option<Vec<InputVersion>>, BucketError> {
    let mut versions = Vec::with_capacity(inputs.len());
    for file in inputs {
        let version = match &file.source {
            InputSource::Inline(text) => format!("sha256:{}", hex(&Sha256::digest(text))),
            InputSource::Shared { etag, .. } => format!("etag:{etag}"),
            InputSource::Object { bucket, key } => match environment.head_of_input(bucket, key).await {
                Ok(head) => format!("etag:{}", head.etag),
                Err(error) if error.is_out_of_reach() => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        versions.push(InputVersion { path: file.path.clone(), version });
    }
    Ok(Some(versions))
}

/// The result of an earlier run that computed the same, is young enough, and still has its files.
async fn earlier(environment: &Environment, record: &Record) -> Result<Option<RunResult>, Error> {
    let key = record.prepared.as_ref().and_then(|prepared| prepared.cache_key.as_deref());
    let (Some(wanted), Some(key)) = (&record.plan.cache, key) else { return Ok(None) };
    let bucket = environment.bucket.as_ref();
    let now = environment.clock.now();
    let Some(entry) = cache::load(bucket, key).await?.filter(|entry| entry.is_fresh(wanted, now)) else {
        return Ok(None);
    };
    let Some(written) = results::read(bucket, &entry.run_id).await? else { return Ok(None) };
    if written.result.state != State::Succeeded || !has_files(environment, &written.result).await? {
        return Ok(None);
    }
    Ok(Some(written.result))
}

async fn has_files(environment: &Environment, result: &RunResult) -> Result<bool, BucketError> {
    let looks = result.output_files.iter().map(|file| is_there(environment, file));
    let found: Vec<Result<bool, BucketError>> =
        futures::stream::iter(looks).buffer_unordered(LOOKS).collect().await;
    found.into_iter().try_fold(true, |all, found| Ok(all && found?))
}

async fn is_there(environment: &Environment, file: &OutputFile) -> Result<bool, BucketError> {
    let Some((bucket, key)) = file.uri.strip_prefix("s3://").and_then(|address| address.split_once('/'))
    else {
        return Ok(false);
    };
    match environment.files.head(bucket, key).await {
        Ok(head) => Ok(head.size == file.size),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}
