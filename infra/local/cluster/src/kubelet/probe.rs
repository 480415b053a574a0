//! Probes: whether a container has started, lives, and is ready, asked with a command inside of it.

use super::exec::{self, Target};
use super::pod::Notice;
use crate::node::{ExecOptions, ExecSession, Exit, Output};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

/// What a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Has it started? Nothing else is asked before.
    Startup,
    /// Does it still live?
    Liveness,
    /// Is it ready?
    Readiness,
}

impl Probe {
    /// Its field in the container.
    pub fn field(self) -> &'static str {
        match self {
            Probe::Startup => "startupProbe",
            Probe::Liveness => "livenessProbe",
            Probe::Readiness => "readinessProbe",
        }
    }

    /// Its name in events.
    pub fn name(self) -> &'static str {
        match self {
            Probe::Startup => "Startup",
            Probe::Liveness => "Liveness",
            Probe::Readiness => "Readiness",
        }
    }
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The container has started.
    Started,
    /// It is ready, or not.
    Ready(bool),
    /// The probe failed, with these words; that alone changes nothing.
    Unhealthy(Probe, String),
    /// It failed so often that the container has to end.
    Failed(Probe),
}

/// Probe an instance of a container until the set is dropped.
pub fn start(
    index: usize,
    id: &str,
    spec: &Value,
    target: &Target,
    notices: &UnboundedSender<Notice>,
) -> JoinSet<()> {
    let mut probes = JoinSet::new();
    let prober = |probe: Probe| {
        let settings = spec.get(probe.field())?.clone();
        let (id, notices) = (id.to_owned(), notices.clone());
        let tell = move |found| {
            // A worker that has ended has stopped the container.
            let _ = notices.send(Notice::Probed { index, id: id.clone(), found });
        };
        Some(Prober { probe, settings, target: target.clone(), tell })
    };
    let later = [Probe::Liveness, Probe::Readiness].map(prober);
    let first = prober(Probe::Startup);
    probes.spawn(async move {
        if let Some(first) = first {
            first.run().await;
        }
        let mut later: JoinSet<()> = later.into_iter().flatten().map(Prober::run).collect();
        while later.join_next().await.is_some() {}
    });
    probes
}

struct Prober<T: Fn(Found)> {
    probe: Probe,
    settings: Value,
    target: Target,
    tell: T,
}

impl<T: Fn(Found)> Prober<T> {
    /// Ask again and again; ends when there is nothing more to ask.
    async fn run(self) {
        let number = |field: &str, least: u64| {
            self.settings.get(field).and_then(Value::as_u64).unwrap_or(least).max(least)
        };
        let timeout = Duration::from_secs(number("timeoutSeconds", 1));
        let (mut good, mut bad) = (0, 0);
        tokio::time::sleep(Duration::from_secs(number("initialDelaySeconds", 0))).await;
        loop {
            match ask(&self.target, &self.settings, timeout).await {
                Ok(()) => {
                    (good, bad) = (good + 1, 0);
                    match self.probe {
                        Probe::Startup => return (self.tell)(Found::Started),
                        Probe::Readiness if good >= number("successThreshold", 1) => {
                            (self.tell)(Found::Ready(true));
                        }
                        Probe::Liveness | Probe::Readiness => {}
                    }
                }
                Err(words) => {
                    (good, bad) = (0, bad + 1);
                    (self.tell)(Found::Unhealthy(self.probe, words));
                    if bad >= number("failureThreshold", 1) {
                        match self.probe {
                            Probe::Readiness => (self.tell)(Found::Ready(false)),
                            Probe::Startup | Probe::Liveness => {
                                (self.tell)(Found::Failed(self.probe));
                                // The container is going to end, and this task with it.
                                return std::future::pending().await;
                            }
                        }
                    }
                }
            }
            tokio::time::sleep(Duration::from_secs(number("periodSeconds", 1))).await;
        }
    }
}

async fn ask(target: &Target, settings: &Value, timeout: Duration) -> Result<(), String> {
    let words = settings.pointer("/exec/command");
    match tokio::time::timeout(timeout, command(target, words)).await {
        Ok((Exit::Code(0), _)) => Ok(()),
        Ok((Exit::Code(_), output)) => Err(output),
        Ok((Exit::Failed(words), _)) => Err(words),
        Err(_) => {
            let words: Vec<&str> =
                words.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            Err(format!("command timed out: \"{}\" timed out after {}s", words.join(" "), timeout.as_secs()))
        }
    }
}

/// Run a command in a container; how it ended and all that it wrote.
pub async fn command(target: &Target, words: Option<&Value>) -> (Exit, String) {
    let words = words.and_then(Value::as_array).into_iter().flatten();
    let command = words.filter_map(Value::as_str).map(str::to_owned).collect();
    let options = ExecOptions { command, stdout: true, stderr: true, ..ExecOptions::default() };
    let ExecSession { mut output, exit, .. } = match exec::open(target, options) {
        Ok(session) => session,
        Err(error) => return (Exit::Failed(error.to_string()), String::new()),
    };
    let mut text = Vec::new();
    while let Some(Output::Stdout(piece) | Output::Stderr(piece)) = output.recv().await {
        text.extend_from_slice(&piece);
    }
    let exit = exit.await.unwrap_or_else(|_| Exit::Failed("the command was given up".into()));
    (exit, String::from_utf8_lossy(&text).into_owned())
}
