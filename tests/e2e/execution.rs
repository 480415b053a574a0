//! Executions of the state machines, and who else is told something.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cloud::Cloud;

/// How an execution ended.
#[derive(Debug)]
pub struct Ended {
    /// `SUCCEEDED`, `FAILED` …
    pub status: String,
    /// What `Catch` would match.
    pub error: String,
    /// In words.
    pub cause: String,
    output: String,
}

impl Ended {
    /// The output of one that succeeded.
    pub fn output(&self) -> Result<Value> {
        ensure!(self.status == "SUCCEEDED", "{self:?}");
        Ok(serde_json::from_str(&self.output)?)
    }
}

impl Cloud {
    /// Start an execution of a deployed machine by its file's name; the ARN.
    pub async fn start_execution(&self, machine: &str, input: &Value) -> Result<String> {
        let machines = self.states.list_state_machines().send().await?;
        let name = format!("longshore-{machine}");
        let found =
            machines.state_machines().iter().find(|one| one.name() == name).context("no such machine")?;
        let request = self.states.start_execution().state_machine_arn(found.state_machine_arn());
        Ok(request.input(input.to_string()).send().await?.execution_arn)
    }

    /// How an execution ended, if it has.
    pub async fn ended(&self, execution: &str) -> Result<Option<Ended>> {
        let answer = self.states.describe_execution().execution_arn(execution).send().await?;
        let status = answer.status().as_str().to_owned();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (error, cause, output) = (text(answer.error()), text(answer.cause()), text(answer.output()));
        Ok((status != "RUNNING").then_some(Ended { status, error, cause, output }))
    }

    /// Abort an execution.
    pub async fn abort(&self, execution: &str) -> Result<()> {
        self.states.stop_execution().execution_arn(execution).send().await?;
        Ok(())
    }
}
