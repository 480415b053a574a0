//! The command `longshore` as a process.

use std::ffi::OsStr;
use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use shared::run::result::RunResult;
use tokio::process::Command;

use crate::stack::Stack;
use crate::tasks::Document;
use crate::wait::SOON;

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub said: String,
    /// Standard error.
    pub complained: String,
}

impl Outcome {
    /// Of a process that was waited for.
    pub fn of(output: Output) -> Result<Outcome> {
        Ok(Outcome {
            code: output.status.code().context("the command was killed")?,
            said: String::from_utf8(output.stdout)?,
            complained: String::from_utf8(output.stderr)?,
        })
    }

    /// The result that `--json` printed.
    pub fn result(&self) -> Result<RunResult> {
        serde_json::from_str(&self.said)
            .with_context(|| format!("no result, but: {}\n{}", self.said, self.complained))
    }

    /// The result, when the exit code is that one.
    pub fn ended_with(&self, code: i32) -> Result<RunResult> {
        ensure!(self.code == code, "exit code {}\n{}\n{}", self.code, self.said, self.complained);
        self.result()
    }
}

impl Stack {
    /// `longshore` with arguments, on this stack.
    pub async fn longshore<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Outcome> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
        let ended = tokio::time::timeout(SOON, command.output());
        Outcome::of(ended.await.context("the command hangs")??)
    }

    /// `longshore run --json` on a document, with more arguments.
    pub async fn run(&self, task: &Value, more: &[&str]) -> Result<Outcome> {
        let document = Document::of(task)?;
        let file = document.file.display().to_string();
        self.longshore(&[&["run", &file, "--json"], more].concat()).await
    }

    /// `longshore submit`: the run's id.
    pub async fn submit(&self, task: &Value) -> Result<String> {
        let document = Document::of(task)?;
        let outcome = self.longshore(&[OsStr::new("submit"), document.file.as_os_str()]).await?;
        ensure!(outcome.code == 0, "{}", outcome.complained);
        Ok(outcome.said.trim().to_owned())
    }

    /// `longshore status --json`: where a run is.
    pub async fn state(&self, run_id: &str) -> Result<Option<String>> {
        let outcome = self.longshore(&["status", run_id, "--json"]).await?;
        let answer: Option<Value> = serde_json::from_str(&outcome.said).ok();
        Ok(answer.and_then(|answer| Some(answer.get("state")?.as_str()?.to_owned())))
    }

    /// Start `longshore` with arguments and leave it running; it is killed when dropped.
    pub fn start(&self, arguments: &[&str]) -> Result<tokio::process::Child> {
        let mut command: Command = self.command();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command.kill_on_drop(true).spawn()?)
    }
}

/// Ctrl-C for a process.
pub fn interrupt(child: &tokio::process::Child) -> Result<()> {
    signal(child, "-INT")
}

/// The end of a process, which it does not notice.
pub fn kill(child: &tokio::process::Child) -> Result<()> {
    signal(child, "-KILL")
}

fn signal(child: &tokio::process::Child, signal: &str) -> Result<()> {
    let pid = child.id().context("the command has ended already")?.to_string();
    ensure!(
        std::process::Command::new("kill").args([signal, &pid]).status()?.success(),
        "no signal was sent"
    );
    Ok(())
}
