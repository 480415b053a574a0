//! An upload that `trigger` handed in becomes a run: what the message refers to is read here.

use jiff::Timestamp;
use shared::config::Config;
use shared::environment::Environment;
use shared::error::{Error, chain};
use shared::queue::{MatchedRule, Triggered};
use shared::resolve::trigger;
use shared::spec::answer::Asked;
use shared::spec::problem::{Problem, Problems};
use shared::spec::rule::{RuleTask, TASKS};
use shared::spec::submission::Submission;
use shared::spec::upload::Upload;
use shared::spec::{batch, read};
use shared::store::bucket::BucketError;
use shared::store::keys;

use crate::accept::{self, Identity, Submitted};

/// How many runs may lead to one another through rules. More of them go in a circle: a file that a run wrote was copied to where a rule
/// takes it for data.
const MAX_CHAIN: u32 = 8;

/// A submission, or what is wrong; or the store failed, and the next delivery carries on.
type Prepared<T> = Result<T, Unprepared>;

enum Unprepared {
    Problems(Problems),
    Store(BucketError),
}

impl From<Problems> for Unprepared {
    fn from(problems: Problems) -> Self {
        Unprepared::Problems(problems)
    }
}

/// Take an upload over as a submission.
pub async fn upload(
    environment: &Environment,
    triggered: Triggered,
    deadline: Timestamp,
) -> Result<(), Error> {
    let Triggered { run_id, upload, rule } = triggered;
    let identity = if rule.is_some() { Identity::Upload } else { Identity::Bytes };
    let (source, bytes) = (upload.uri(), Vec::new());
    let mut submitted = Submitted { source_id: run_id, source, hops: 0, bytes, identity };
    let prepared = match &rule {
        None => document(environment, &upload, &mut submitted).await,
        Some(rule) => data(environment, &upload, rule, &mut submitted).await,
    };
    let run_id = rule.as_ref().map(|_| submitted.source_id.clone());
    match prepared {
        Ok(submission) => accept::take(environment, submitted, submission, deadline).await.map(drop),
        Err(Unprepared::Problems(problems)) => {
            accept::rejected(environment, &submitted, run_id.as_deref(), problems).await.map(drop)
        }
        Err(Unprepared::Store(error)) => Err(error.into()),
    }
}

/// A task document of the drop box: a submission as it would come in a message, inputs and run id included.
async fn document(
    environment: &Environment,
    upload: &Upload,
    submitted: &mut Submitted,
) -> Prepared<Submission> {
    // Somebody else may write such a message too: it gives no way to read what submitters may not.
    if upload.bucket != environment.bucket.name() || !upload.key.starts_with(keys::SUBMISSIONS) {
        return Err(refused(upload, &format!("an object below `{}`", keys::SUBMISSIONS)));
    }
    submitted.bytes = fetch(environment, upload, read::MAX_BYTES as u64, "").await?;
    let mut submission = read::submission(&submitted.bytes)?;
    submission.trigger.extend(trigger::values(upload, None, None));
    Ok(submission)
}

/// Data that fits a rule: the rule's task, with the upload or the objects of a manifest as `{{ trigger.… }}`.
async fn data(
    environment: &Environment,
    upload: &Upload,
    rule: &MatchedRule,
    submitted: &mut Submitted,
) -> Prepared<Submission> {
    if upload.bucket == environment.bucket.name() && keys::is_own(&upload.key) {
        return Err(refused(upload, "data outside of Longshore's own prefixes"));
    }
    submitted.bytes = task(environment, &rule.task).await?;
    submitted.hops = hops(environment, upload).await?;
    let files = if rule.batch {
        // Read with the function's own rights, before anything else looks at where it lies.
        readable(environment, upload).map_err(|error| unread(error, "/task"))?;
        let manifest = fetch(environment, upload, batch::MAX_BYTES, "/task").await?;
        Some(batch::read(upload, &manifest)?)
    } else {
        None
    };
    let document = read::tree(&submitted.bytes).map_err(|problem| Problems(vec![*problem]))?;
    let trigger = trigger::values(upload, Some(&rule.name), files);
    let inputs = trigger::inputs(&rule.inputs, &trigger)?;
    let run_id = Some(submitted.source_id.clone());
    let (asked, origin) = (Asked::default(), None);
    let pointer_base = "/task".to_owned();
    Ok(Submission { run_id, document, inputs, trigger, pointer_base, asked, origin, priority: None })
}

fn refused(upload: &Upload, accepted: &str) -> Unprepared {
    let problem = Problem::new("", format!("`{}` is no upload to run something for", upload.uri()));
    Problems(vec![problem.accepted(accepted)]).into()
}

/// The task of a rule, as JSON or as it was uploaded.
async fn task(environment: &Environment, task: &RuleTask) -> Prepared<Vec<u8>> {
    let key = match task {
        RuleTask::Inline(task) => return Ok(task.to_string().into_bytes()),
        RuleTask::At(key) => key,
    };
    if !key.starts_with(TASKS) {
        let problem = Problem::new("/task", format!("`{key}` is no task document"));
        return Err(Problems(vec![problem.accepted(format!("a key below `{TASKS}`"))]).into());
    }
    match environment.bucket.get(key).await {
        Ok(object) => Ok(object.bytes.to_vec()),
        Err(error) => Err(unread(error, "/task")),
    }
}

/// How many runs led to an upload. What cannot be looked at now is told when the inputs are checked.
async fn hops(environment: &Environment, upload: &Upload) -> Prepared<u32> {
    if readable(environment, upload).is_err() {
        return Ok(0);
    }
    let hops = match environment.files.hops_of(&upload.bucket, &upload.key).await {
        Ok(hops) => hops,
        Err(error) if error.is_out_of_reach() => 0,
        Err(error) => return Err(Unprepared::Store(error)),
    };
    if hops < MAX_CHAIN {
        return Ok(hops);
    }
    let message = format!(
        "`{}` was written by a run that began with a file of a run, and so on, {hops} times: the rule goes in a circle",
        upload.uri()
    );
    Err(Problems(vec![Problem::new("", message)]).into())
}

/// What a rule's runs may have.
fn readable(environment: &Environment, upload: &Upload) -> Result<(), BucketError> {
    let Config { bucket: own, input_objects, .. } = &environment.config;
    let (bucket, key) = (upload.bucket.clone(), upload.key.clone());
    input_objects.check(own, &bucket, &key).map_err(|source| BucketError::Refused { bucket, key, source })
}

/// The upload itself, unless another has taken its place.
async fn fetch(environment: &Environment, upload: &Upload, most: u64, pointer: &str) -> Prepared<Vec<u8>> {
    if upload.size > most {
        let problem = Problem::new(pointer, format!("`{}` is {} bytes long", upload.uri(), upload.size));
        return Err(Problems(vec![problem.accepted(format!("at most {most} bytes"))]).into());
    }
    let etag = Some(upload.e_tag.as_str()).filter(|etag| !etag.is_empty());
    match environment.files.read(&upload.bucket, &upload.key, etag).await {
        Ok(object) => Ok(object.bytes.to_vec()),
        Err(error) => Err(unread(error, pointer)),
    }
}

/// What cannot be read now and will not be later is a problem of the submission.
fn unread(error: BucketError, pointer: &str) -> Unprepared {
    let message = match &error {
        BucketError::PreconditionFailed { key } => {
            format!("`{key}` was overwritten before it was read; the later upload is a submission of its own")
        }
        BucketError::NotFound { .. } | BucketError::Forbidden { .. } | BucketError::Refused { .. } => {
            chain(&error)
        }
        BucketError::Conflict { .. }
        | BucketError::Malformed { .. }
        | BucketError::Newer { .. }
        | BucketError::Service { .. } => return Unprepared::Store(error),
    };
    Unprepared::Problems(Problems(vec![Problem::new(pointer, message)]))
}
