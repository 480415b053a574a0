//! Task documents of the tests.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ground;

/// A shell task with commands, and more fields over it.
pub fn shell(id: &str, commands: &[&str], more: Value) -> Value {
    let mut task = json!({
        "id": id,
        "type": "io.kestra.plugin.scripts.shell.Commands",
        "containerImage": ground::busybox(),
        "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes"},
        "commands": commands,
    });
    if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
        task.extend(more);
    }
    task
}

/// A task that says that it runs and then goes on for ten minutes; it ends at once when asked to.
pub fn endless(id: &str, more: Value) -> Value {
    shell(id, &["echo started", "trap 'exit 143' TERM; sleep 600 & wait"], more)
}

/// A file with a document in a directory of its own.
pub struct Document {
    directory: TempDir,
    /// The file.
    pub file: PathBuf,
}

impl Document {
    /// Write it down.
    pub fn of(task: &Value) -> Result<Document> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("task.json");
        std::fs::write(&file, serde_json::to_vec_pretty(task)?)?;
        Ok(Document { directory, file })
    }

    /// A path beside the document.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
