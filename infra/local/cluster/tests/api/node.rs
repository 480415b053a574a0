//! A node without processes: logs and commands as the tests want them.

use bytes::Bytes;
use cluster::node::{ContainerRef, ExecOptions, ExecSession, Exit, LogOptions, Node, NodeError, Output};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

/// Plays a container per name: `main` runs, `done` has ended, `waiting` cannot pull its image.
pub struct PlayedNode;

impl Node for PlayedNode {
    fn logs(
        &self,
        container: ContainerRef,
        options: LogOptions,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<Bytes>, NodeError>> {
        Box::pin(async move {
            if options.previous {
                return Err(NodeError::NoPrevious(container.container));
            }
            if container.container == "waiting" {
                return Err(NodeError::Waiting {
                    container: "waiting".into(),
                    reason: "ImagePullBackOff".into(),
                });
            }
            let (sender, receiver) = mpsc::channel(4);
            tokio::spawn(async move {
                let tail = options.tail_lines.map_or(String::new(), |lines| format!(" tail={lines}"));
                for line in [format!("line 1{tail}\n"), "line 2\n".into(), "no newline at the end".into()] {
                    if sender.send(line.into()).await.is_err() {
                        return;
                    }
                }
            });
            Ok(receiver)
        })
    }

    fn exec(
        &self,
        container: ContainerRef,
        options: ExecOptions,
    ) -> BoxFuture<'_, Result<ExecSession, NodeError>> {
        Box::pin(async move {
            if container.container != "main" {
                return Err(NodeError::NotRunning(container.container));
            }
            let (stdin, mut input) = mpsc::channel::<Bytes>(4);
            let (output, pieces) = mpsc::channel(4);
            let (exit, exited) = oneshot::channel();
            let wanted = options.stdin;
            tokio::spawn(async move {
                let end = match options.command.first().map(String::as_str) {
                    Some("cat") => {
                        while let Some(bytes) = input.recv().await {
                            let _ = output.send(Output::Stdout(bytes)).await;
                        }
                        Exit::Code(0)
                    }
                    Some("sh") => {
                        let _ = output.send(Output::Stdout("out\n".into())).await;
                        if options.stderr {
                            let _ = output.send(Output::Stderr("err\n".into())).await;
                        }
                        Exit::Code(7)
                    }
                    Some("sleep") => {
                        output.closed().await;
                        Exit::Code(137)
                    }
                    Some("true") => Exit::Code(0),
                    other => Exit::Failed(format!(
                        "exec: \"{}\": executable file not found in $PATH",
                        other.unwrap_or("")
                    )),
                };
                drop(output);
                let _ = exit.send(end);
            });
            Ok(ExecSession { stdin: wanted.then_some(stdin), output: pieces, exit: exited })
        })
    }

    fn attach(
        &self,
        container: ContainerRef,
        mut options: ExecOptions,
    ) -> BoxFuture<'_, Result<ExecSession, NodeError>> {
        options.command = vec!["sh".into()];
        self.exec(container, options)
    }
}
