//! Commands inside running containers.

use crate::container::{EnterSpec, Program, StageCommand};
use crate::node::{ExecOptions, ExecSession, Exit, NodeError, Output};
use crate::random;
use bytes::Bytes;
use nix::sys::stat::Mode;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};

/// How much is read at once; the size of a pipe.
const CHUNK: usize = 64 * 1024;
/// Chunks under way before the command has to wait.
const QUEUE: usize = 16;

/// How long a command that nobody wants may take to end by itself.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// A container to run commands in.
#[derive(Clone, Debug)]
pub struct Target {
    /// How to start a stage.
    pub stage: StageCommand,
    /// Directory for the files of a command under way.
    pub directory: PathBuf,
    /// The keeper of the container.
    pub keeper: i32,
    /// Process 1 of the container.
    pub process: i32,
    /// Environment of the container.
    pub environment: Vec<(String, String)>,
    /// Working directory of the container.
    pub working_directory: PathBuf,
}

/// Start a command.
pub fn open(target: &Target, options: ExecOptions) -> Result<ExecSession, NodeError> {
    if options.tty {
        return Err(NodeError::Unsupported("terminals (tty)".into()));
    }
    start(target, options).map_err(|error| NodeError::Other(error.to_string()))
}

fn start(target: &Target, options: ExecOptions) -> io::Result<ExecSession> {
    let id = random::hex(&random::bytes::<32>());
    let path = |kind: &str| target.directory.join(format!("exec-{id}.{kind}"));
    let files = Files { spec: path("json"), lifeline: path("fifo"), refusal: path("refusal") };
    let program = Program {
        command: options.command.clone(),
        environment: target.environment.clone(),
        working_directory: target.working_directory.clone(),
    };
    let spec = EnterSpec {
        keeper: target.keeper,
        process: target.process,
        program,
        lifeline: files.lifeline.clone(),
        refusal: files.refusal.clone(),
    };
    super::instance::write_spec(&files.spec, &spec)?;
    nix::unistd::mkfifo(&files.lifeline, Mode::from_bits_truncate(0o600))?;
    // Open for both, so that opening does not wait for the other side.
    let lifeline = pipe::OpenOptions::new().read_write(true).open_sender(&files.lifeline)?;
    let mut command = Command::new(&target.stage.program);
    command.args(&target.stage.arguments).arg("enter").arg(&files.spec).process_group(0);
    command
        .stdin(connected(options.stdin))
        .stdout(connected(options.stdout))
        .stderr(connected(options.stderr));
    let mut child = command.spawn()?;
    let stdin = child.stdin.take().map(|stdin| {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(feed(stdin, receiver));
        sender
    });
    let (sender, output) = mpsc::channel(QUEUE);
    let stdout =
        child.stdout.take().map(|stream| tokio::spawn(drain(stream, sender.clone(), Output::Stdout)));
    let stderr =
        child.stderr.take().map(|stream| tokio::spawn(drain(stream, sender.clone(), Output::Stderr)));
    let (exit_sender, exit) = oneshot::channel();
    tokio::spawn(async move {
        let outcome = tokio::select! {
            outcome = finish(&mut child, &files, &id) => outcome,
            // Nobody listens to the output any more: the command is not wanted.
            () = sender.closed() => {
                drop(lifeline);
                match tokio::time::timeout(PATIENCE, finish(&mut child, &files, &id)).await {
                    Ok(outcome) => outcome,
                    // It may still wait for the other side of the lifeline, which is gone.
                    Err(_) => {
                        let _ = child.start_kill();
                        finish(&mut child, &files, &id).await
                    }
                }
            }
        };
        for stream in [stdout, stderr].into_iter().flatten() {
            // Descendants that keep the stream open belong to the command, as for a container runtime.
            let _ = stream.await;
        }
        drop(sender);
        let _ = exit_sender.send(outcome);
    });
    Ok(ExecSession { stdin, output, exit })
}

struct Files {
    spec: PathBuf,
    lifeline: PathBuf,
    refusal: PathBuf,
}

impl Drop for Files {
    fn drop(&mut self) {
        for file in [&self.spec, &self.lifeline, &self.refusal] {
            // The pod's directory may be gone already.
            let _ = std::fs::remove_file(file);
        }
    }
}

async fn finish(child: &mut Child, files: &Files, id: &str) -> Exit {
    let status = child.wait().await;
    let words = std::fs::read_to_string(&files.refusal).unwrap_or_default();
    let failed = |words: &str| {
        Exit::Failed(format!(
            "failed to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: {words}"
        ))
    };
    match status {
        Ok(_) if words.starts_with("args must") => failed(&words),
        Ok(_) if !words.is_empty() => failed(&format!("unable to start container process: {words}")),
        Ok(status) => Exit::Code(crate::container::exit_code(status)),
        Err(error) => failed(&error.to_string()),
    }
}

fn connected(is_wanted: bool) -> Stdio {
    if is_wanted { Stdio::piped() } else { Stdio::null() }
}

async fn feed(mut stdin: ChildStdin, mut chunks: mpsc::Receiver<Bytes>) {
    while let Some(chunk) = chunks.recv().await {
        if stdin.write_all(&chunk).await.is_err() {
            // The command reads no more; the rest of its input is of no use.
            break;
        }
    }
}

async fn drain(mut stream: impl AsyncRead + Unpin, sender: mpsc::Sender<Output>, wrap: fn(Bytes) -> Output) {
    let mut chunk = Vec::with_capacity(CHUNK);
    while let Ok(length) = stream.read_buf(&mut chunk).await {
        if length == 0
            || sender
                .send(wrap(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)).into()))
                .await
                .is_err()
        {
            break;
        }
    }
}
