//! A task document from a file, checked before anything is started or sent.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};
use shared::pod::PodIdentity;
use shared::pod::explain::{Explained, explain};
use shared::resolve::{self, Context, plan::Plan};
use shared::spec::problem::Problems;
use shared::spec::read;
use shared::spec::source::Source;
use shared::spec::submission::{Envelope, Submission};

use crate::clock;
use crate::exit::Failure;
use crate::inputs::{self, Input, Upload};
use crate::paint::Paint;
use crate::report;
use crate::run_id;
use crate::tailoring::{ConnectionChoice, choose_connection, keep_pod};

/// The bucket that a template is rendered with while the real one is not known: the local deployment's.
pub const PROVISIONAL_BUCKET: &str = "longshore-000000000000-us-east-1";
/// The largest message that SQS takes.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

/// A document that was read, with what the command line adds to it.
#[derive(Debug)]
pub struct Document {
    /// The file's name, for messages.
    pub name: String,
    /// What it says.
    pub submission: Submission,
    /// Its text.
    bytes: Vec<u8>,
    /// `--input`s; they win over those of an envelope.
    typed: Vec<Input>,
    /// The document had a connection, which was removed or replaced.
    pub connection_changed: bool,
    /// Pod templates that were fetched, by their keys.
    templates: BTreeMap<String, Value>,
}

/// What goes to the queue.
#[derive(Debug)]
pub struct Message {
    /// JSON.
    pub body: String,
    /// Files to upload first.
    pub uploads: Vec<Upload>,
}

impl Document {
    /// Read a document; `-` is standard input.
    ///
    /// # Errors
    /// When the file cannot be read or is no task document.
    pub fn read(file: &Path, typed: &[Input], paint: Paint) -> Result<Self, Failure> {
        let name =
            if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
        let bytes = bytes(file)?;
        let submission =
            read::submission(&bytes).map_err(|problems| complaint(&name, problems, &bytes, paint))?;
        Ok(Document {
            name,
            submission,
            bytes,
            typed: typed.to_vec(),
            connection_changed: false,
            templates: BTreeMap::new(),
        })
    }

    /// Decide where it runs and whether the pod stays.
    #[must_use]
    pub fn tailored(mut self, connection: &ConnectionChoice, keep: bool) -> Self {
        self.connection_changed = choose_connection(&mut self.submission.document, connection);
        if keep {
            keep_pod(&mut self.submission.document);
        }
        self
    }

    /// The run id: the one it brings, else a new one made of the task's `id`.
    ///
    /// # Errors
    /// When the one it brings is none.
    pub fn run_id(&self, typed: Option<&str>) -> Result<String, Failure> {
        match typed.or(self.submission.run_id.as_deref()) {
            Some(run_id) => run_id::check(run_id).map(|()| run_id.to_owned()),
            None => run_id::fresh(task_id(&self.submission.document)),
        }
    }

    /// Parse and plan the document as the functions will, and change nothing. A connection that is going to be replaced need not make sense.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn plan(
        &self,
        run_id: &str,
        bucket: &str,
        replace_connection: bool,
        paint: Paint,
    ) -> Result<Plan, Failure> {
        self.resolved(run_id, bucket, replace_connection, paint, resolve::plan_of)
    }

    /// The pod of the first attempt, and where each of its fields comes from.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn explain(
        &self,
        identity: &PodIdentity<'_>,
        bucket: &str,
        replace_connection: bool,
        paint: Paint,
    ) -> Result<Explained, Failure> {
        self.resolved(identity.run_id, bucket, replace_connection, paint, |submission, context| {
            explain(submission, context, identity)
        })
    }

    fn resolved<T>(
        &self,
        run_id: &str,
        bucket: &str,
        replace_connection: bool,
        paint: Paint,
        resolve: impl FnOnce(&Submission, &Context<'_>) -> Result<T, Problems>,
    ) -> Result<T, Failure> {
        self.in_context(run_id, bucket, replace_connection, |submission, context| {
            let templates = self.templates(resolve::template_key(submission, context));
            let context = Context { templates: &templates, ..*context };
            resolve(submission, &context)
                .map_err(|problems| complaint(&self.name, problems, &self.bytes, paint))
        })?
    }

    /// The key of the pod template that the document names, if it lies in the bucket only.
    ///
    /// # Errors
    /// When the inputs cannot be read.
    pub fn missing_template(&self, bucket: &str) -> Result<Option<String>, Failure> {
        let key = self.in_context("template", bucket, true, resolve::template_key)?;
        Ok(key.filter(|key| self.templates(Some(key.clone())).is_empty()))
    }

    /// The same with a pod template that was fetched.
    ///
    /// # Errors
    /// When it is neither YAML nor JSON.
    pub fn with_template(mut self, key: String, bytes: &[u8]) -> Result<Self, Failure> {
        let template = read::tree(bytes).map_err(|problem| {
            Failure::wrong(format!("the pod template `{key}` cannot be read: {}", problem.message))
        })?;
        self.templates.insert(key, template);
        Ok(self)
    }

    fn in_context<T>(
        &self,
        run_id: &str,
        bucket: &str,
        replace_connection: bool,
        ask: impl FnOnce(&Submission, &Context<'_>) -> T,
    ) -> Result<T, Failure> {
        let (inputs, _) = self.inputs(run_id, bucket)?;
        let context = Context {
            run_id,
            inputs: &inputs,
            trigger: &self.submission.trigger,
            bucket,
            accepted_at: clock::now(),
            templates: &BTreeMap::new(),
            replace_connection,
        };
        let submission = Submission { inputs: inputs.clone(), ..self.submission.clone() };
        Ok(ask(&submission, &context))
    }

    /// The pod template with this key, as far as it is known: from the bucket, else a copy at its key, from the document's folder on.
    fn templates(&self, key: Option<String>) -> BTreeMap<String, Value> {
        let find = |key: String| {
            if let Some(template) = self.templates.get(&key) {
                return Some((key, template.clone()));
            }
            let folder = Path::new(&self.name).parent().unwrap_or(Path::new(""));
            let bytes = std::fs::read(folder.join(&key)).ok()?;
            Some((key, read::tree(&bytes).ok()?))
        };
        key.and_then(find).into_iter().collect()
    }

    /// What to send.
    ///
    /// # Errors
    /// When it is larger than a message may be.
    pub fn message(&self, run_id: &str, bucket: &str) -> Result<Message, Failure> {
        let (inputs, uploads) = self.inputs(run_id, bucket)?;
        let envelope = Envelope {
            task: self.submission.document.clone(),
            inputs,
            run_id: Some(run_id.to_owned()),
            trigger: self.submission.trigger.clone(),
        };
        let body = serde_json::to_string(&envelope).map_err(|error| {
            Failure::failed(format!("cannot write `{}` as JSON", self.name)).because(&error)
        })?;
        if body.len() > MAX_MESSAGE_BYTES {
            return Err(Failure::wrong(format!(
                "`{}` makes a message of {} bytes, and SQS takes {MAX_MESSAGE_BYTES}",
                self.name,
                body.len()
            ))
            .remedy(
                "give large files with `--input KEY=@FILE` and write `{{ inputs.KEY }}` under `inputFiles`",
            ));
        }
        Ok(Message { body, uploads })
    }

    /// The envelope's inputs with the typed ones over them.
    fn inputs(&self, run_id: &str, bucket: &str) -> Result<(Map<String, Value>, Vec<Upload>), Failure> {
        let (typed, uploads) = inputs::resolve(&self.typed, bucket, run_id)?;
        let mut all = self.submission.inputs.clone();
        all.extend(typed);
        Ok((all, uploads))
    }
}

/// The bytes of a file, or of standard input for `-`.
///
/// # Errors
/// When it cannot be read.
pub fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(file).map(|content| bytes = content),
    };
    read.map_err(|error| {
        Failure::wrong(format!("cannot read `{}`", file.display()))
            .because(&error)
            .remedy("give the name of a file, or `-`")
    })?;
    Ok(bytes)
}

/// The `id` of a flow or task, for the run id.
fn task_id(document: &Value) -> &str {
    ["/id", "/task_id", "/tasks/0/id"]
        .iter()
        .find_map(|pointer| document.pointer(pointer))
        .and_then(Value::as_str)
        .unwrap_or("task")
}

fn complaint(name: &str, mut problems: Problems, bytes: &[u8], paint: Paint) -> Failure {
    let source = Source::of(bytes);
    source.mark(&mut problems);
    let count = problems.0.len();
    let plural = if count == 1 { "a problem" } else { &format!("{count} problems") };
    let list: String =
        problems.0.iter().map(|problem| report::problem(problem, source.line(problem), paint)).collect();
    Failure::wrong(format!("`{name}` has {plural}\n{}", list.trim_end()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HELLO: &str = "id: hello\ntype: io.kestra.plugin.scripts.shell.Commands\ncontainerImage: alpine\n\
        taskRunner:\n  type: io.kestra.plugin.ee.kubernetes.runner.Kubernetes\n  config:\n    masterUrl: https://example\n\
        commands:\n  - echo hello\n";

    fn document(text: &str, typed: &[Input]) -> Result<Document, Failure> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        Document::read(file.path(), typed, Paint::PLAIN)
    }

    #[test]
    fn the_message_is_an_envelope_without_the_connection() {
        let document = document(HELLO, &[Input::parse("a=1").unwrap()])
            .unwrap()
            .tailored(&ConnectionChoice::Remove, false);
        assert!(document.connection_changed);
        let message = document.message("hello-1", "b").unwrap();
        let sent: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(sent.get("runId"), Some(&json!("hello-1")));
        assert_eq!(sent.get("inputs"), Some(&json!({"a": "1"})));
        assert_eq!(
            sent.pointer("/task/taskRunner"),
            Some(&json!({"type": "io.kestra.plugin.ee.kubernetes.runner.Kubernetes"}))
        );
        assert_eq!(sent.pointer("/task/commands/0"), Some(&json!("echo hello")));
    }

    #[test]
    fn typed_inputs_win_over_those_of_an_envelope() {
        let envelope =
            json!({"task": HELLO, "inputs": {"a": "envelope", "b": "2"}, "runId": "mine"}).to_string();
        let document = document(&envelope, &[Input::parse("a=typed").unwrap()]).unwrap();
        assert_eq!(document.run_id(None).unwrap(), "mine");
        assert_eq!(document.run_id(Some("other")).unwrap(), "other");
        let sent: Value = serde_json::from_str(&document.message("r", "b").unwrap().body).unwrap();
        assert_eq!(sent.get("inputs"), Some(&json!({"a": "typed", "b": "2"})));
    }

    #[test]
    fn a_mistake_is_told_with_its_place_before_anything_is_sent() {
        let document = document(&HELLO.replace("commands:", "comands:"), &[]).unwrap();
        let failure = document.plan("r", PROVISIONAL_BUCKET, true, Paint::PLAIN).unwrap_err();
        assert_eq!(failure.code, crate::exit::WRONG);
        assert!(failure.what.contains("/comands"), "{}", failure.what);
        assert!(failure.what.contains("8 | comands:\n      | ^"), "{}", failure.what);
    }

    #[test]
    fn a_message_that_sqs_would_refuse_is_refused_here() {
        let large = HELLO.replace("echo hello", &"x".repeat(MAX_MESSAGE_BYTES));
        let failure = document(&large, &[]).unwrap().message("r", "b").unwrap_err();
        assert!(failure.remedy.unwrap().contains("--input"));
    }

    #[test]
    fn the_run_is_named_for_the_flow_or_the_task() {
        assert_eq!(task_id(&json!({"id": "f", "tasks": [{"id": "t"}]})), "f");
        assert_eq!(task_id(&json!({"tasks": [{"id": "t"}]})), "t");
        assert_eq!(task_id(&json!("x")), "task");
    }
}
