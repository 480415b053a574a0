//! The trigger rules, as they are at this moment in `config/triggers/`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::environment::Environment;
use shared::resolve::trigger::unknown_names;
use shared::spec::problem::{Problem, Problems};
use shared::spec::rule::{self, RuleTask};
use shared::spec::{read, task};
use shared::store::bucket::{Bucket, BucketError, Listed};
use shared::store::keys;
use shared::store::rejections::{self, Rejection};
use shared::store::upload::hex;
use tokio::sync::Mutex;

use crate::watch::Watch;

/// Longest rule that is read, in bytes: a task written in it travels in a message of at most 1 MiB, with its quotes escaped.
const MAX_BYTES: u64 = 256 * 1024;

/// Keys in one answer to a listing (S3's limit).
const PAGE: u32 = 1000;

/// The rules that an instance of the function has read. Every invocation lists them anew, and reads those again whose etag has changed.
#[derive(Debug, Default)]
pub struct Rules(Mutex<BTreeMap<String, Known>>);

/// A rule that was read.
#[derive(Clone, Debug)]
struct Known {
    etags: Etags,
    /// The task document that it refers to.
    task: Option<String>,
    /// `None` when something is wrong with it.
    watch: Option<Arc<Watch>>,
}

/// Of the rule, and of the task document that it refers to.
type Etags = (String, Option<String>);

impl Rules {
    /// The rules that work. The problems of one that does not are kept under `rejected/`, once for each of its versions; the others work on.
    ///
    /// # Errors
    /// The bucket's.
    pub async fn load(&self, environment: &Environment) -> Result<Vec<Arc<Watch>>, BucketError> {
        let mut known = self.0.lock().await;
        let listed = list(environment.bucket.as_ref()).await?;
        let mut current = BTreeMap::new();
        for (key, object) in listed.iter().filter(|(key, _)| name(key).is_some()) {
            let etags = |task: Option<&String>| {
                let task = task.and_then(|task| listed.get(task)).map(|task| task.etag.clone());
                (object.etag.clone(), task)
            };
            let rule = match known.remove(key) {
                Some(same) if same.etags == etags(same.task.as_ref()) => same,
                _ => {
                    let read = read_rule(environment, object, &listed).await?;
                    Known { etags: etags(read.task.as_ref()), task: read.task, watch: read.watch }
                }
            };
            current.insert(key.clone(), rule);
        }
        *known = current;
        Ok(known.values().filter_map(|rule| rule.watch.clone()).collect())
    }
}

/// The name of a rule by its key; `None` for what is no rule.
fn name(key: &str) -> Option<&str> {
    key.strip_prefix(keys::TRIGGERS)?.strip_suffix(".yaml")
}

/// Everything below `config/`, by key: the rules, and the tasks that they refer to.
async fn list(bucket: &dyn Bucket) -> Result<BTreeMap<String, Listed>, BucketError> {
    let mut listed = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = bucket.list(keys::CONFIG, after.as_deref(), PAGE).await?;
        let full = page.len() == PAGE as usize;
        after = page.last().map(|object| object.key.clone());
        listed.extend(page.into_iter().map(|object| (object.key.clone(), object)));
        if !full {
            return Ok(listed);
        }
    }
}

struct ReadRule {
    task: Option<String>,
    watch: Option<Arc<Watch>>,
}

async fn read_rule(
    environment: &Environment,
    object: &Listed,
    listed: &BTreeMap<String, Listed>,
) -> Result<ReadRule, BucketError> {
    let mut sent = bytes::Bytes::new();
    let mut found = Found::default();
    if object.size > MAX_BYTES {
        let message = format!("the rule is {} bytes long", object.size);
        found.problems.add(Problem::new("", message).accepted(format!(
            "at most {MAX_BYTES} bytes; a longer task can be a document below `{}`",
            rule::TASKS
        )));
    } else {
        sent = match environment.bucket.get(&object.key).await {
            // Deleted since it was listed.
            Err(error) if error.is_not_found() => return Ok(ReadRule { task: None, watch: None }),
            other => other?.bytes,
        };
        let name = name(&object.key).unwrap_or_default();
        look(environment, name, &sent, listed, &mut found).await?;
    }
    if !found.problems.is_empty() {
        report(environment, object, &sent, &found).await?;
        found.watch = None;
    }
    Ok(ReadRule { task: found.task, watch: found.watch.map(Arc::new) })
}

/// What a look at a rule found.
#[derive(Default)]
struct Found {
    task: Option<String>,
    watch: Option<Watch>,
    problems: Problems,
}

/// Read a rule and its task, and note everything that is wrong with either.
async fn look(
    environment: &Environment,
    name: &str,
    bytes: &[u8],
    listed: &BTreeMap<String, Listed>,
    found: &mut Found,
) -> Result<(), BucketError> {
    let document = match read::tree(bytes) {
        Ok(document) => document,
        Err(problem) => {
            found.problems.add(*problem);
            return Ok(());
        }
    };
    if !read::is_run_id(name) {
        let problem = Problem::new("", format!("`{name}` is no name for a rule; rename its file"));
        found
            .problems
            .add(problem.accepted("A-Z a-z 0-9 . _ -, beginning and ending with a letter or digit"));
    }
    let (rule, problems) = rule::read(&document);
    found.problems.0.extend(problems.0);
    let Some(rule) = rule else { return Ok(()) };
    unknown_names(&Value::Object(rule.inputs.clone()), "/inputs", &mut found.problems);
    match &rule.task {
        RuleTask::Inline(task) => found.problems.0.extend(task_problems(task, "/task").0),
        RuleTask::At(key) => {
            found.task = Some(key.clone());
            let problems = document_problems(environment, key, listed).await?;
            let told = problems.0.into_iter();
            found.problems.0.extend(told.map(|problem| {
                let told = Problem::new("/task", format!("in `{key}`, {problem}"));
                told.accepted(format!("a task document below `{}`", rule::TASKS))
            }));
        }
    }
    match Watch::new(name, rule, environment.bucket.name()) {
        Ok(watch) => found.watch = Some(watch),
        Err(problems) => found.problems.0.extend(problems.0),
    }
    Ok(())
}

/// Everything that can be told of a task before there is an upload.
fn task_problems(task: &Value, pointer: &str) -> Problems {
    let mut problems = task::parse(task, pointer).err().unwrap_or_default();
    unknown_names(task, pointer, &mut problems);
    problems
}

async fn document_problems(
    environment: &Environment,
    key: &str,
    listed: &BTreeMap<String, Listed>,
) -> Result<Problems, BucketError> {
    let one = |message: String| Ok(Problems(vec![Problem::new("", message)]));
    match listed.get(key) {
        None => return one("there is no such object".to_owned()),
        Some(object) if object.size > read::MAX_BYTES as u64 => {
            return one(format!("the document is {} bytes long", object.size));
        }
        Some(_) => {}
    }
    match environment.bucket.get(key).await {
        Err(error) if error.is_not_found() => one("there is no such object".to_owned()),
        Err(error) => Err(error),
        Ok(object) => match read::tree(&object.bytes) {
            Ok(task) => Ok(task_problems(&task, "")),
            Err(problem) => Ok(Problems(vec![*problem])),
        },
    }
}

async fn report(
    environment: &Environment,
    object: &Listed,
    sent: &[u8],
    found: &Found,
) -> Result<(), BucketError> {
    let bucket = environment.bucket.as_ref();
    tracing::warn!(
        object.key = object.key,
        problems = found.problems.0.len(),
        "the rule has problems and is left out"
    );
    let source = format!("s3://{}/{}", bucket.name(), object.key);
    let rejection = Rejection::new(&source, environment.clock.now(), &found.problems.0, sent);
    // Named by what is wrong, so that each version of rule and task leaves one.
    let told = serde_json::to_vec(&rejection.problems).unwrap_or_default();
    let hash = hex(&Sha256::new().chain_update(&object.etag).chain_update(told).finalize());
    let name: String = name(&object.key).unwrap_or_default().replace('/', "-");
    let id = format!("trigger-{name}-{}", hash.chars().take(12).collect::<String>());
    rejections::write(bucket, &id, &rejection).await
}
