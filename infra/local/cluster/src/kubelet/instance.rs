//! One running container: its keeper process, the control socket, the log.

use super::log::{self, Log};
use crate::clock;
use crate::container::{ContainerSpec, HoldSpec, Report, StageCommand};
use jiff::Timestamp;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdSocket;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// The code of an instance whose keeper died without a word: everything in it was killed.
const KILLED: i32 = 137;
/// How long after the end its last output may take to be written down.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A process that keeps namespaces as long as its control socket is open.
#[derive(Debug)]
pub struct Keeper {
    /// Process number of the keeper.
    pub process: i32,
    control: OwnedWriteHalf,
}

impl Keeper {
    /// Send a signal to process 1 of the container.
    pub async fn signal(&mut self, signal: nix::sys::signal::Signal) {
        // A container that ended meanwhile needs no signal.
        let _ = self.control.write_all(format!("{}\n", signal as i32).as_bytes()).await;
    }
}

/// How a start went.
pub enum Start {
    /// It runs.
    Running(Running),
    /// It does not, and these are the runtime's words.
    Refused(String),
}

/// A container that runs.
pub struct Running {
    /// Its keeper.
    pub keeper: Keeper,
    /// Process 1 as the host numbers it.
    pub process: i32,
    /// Ends with the exit code and the time of the end, when everything in the container has ended and its log is complete.
    pub end: JoinHandle<(i32, Timestamp)>,
}

/// Start a container as its spec says.
pub async fn start(stage: &StageCommand, spec: &ContainerSpec, log: Arc<Log>) -> io::Result<Start> {
    let path = spec.directory.join("spec.json");
    write_spec(&path, spec)?;
    let (reader, writer) = io::pipe()?;
    let (errors, output) = (writer.try_clone()?, writer);
    let (mut child, mut reports, keeper) =
        launch(stage, "keep", &path, OwnedFd::from(output).into(), OwnedFd::from(errors).into())?;
    let pump = tokio::spawn(log::pump(log, pipe::Receiver::from_owned_fd(reader.into())?));
    let process = match next(&mut reports).await {
        Some(Report::Started(process)) => process,
        Some(Report::Refused(words)) => {
            child.wait().await?;
            pump.await?;
            return Ok(Start::Refused(words));
        }
        other => {
            child.wait().await?;
            pump.await?;
            return Ok(Start::Refused(format!("the container's keeper ended: {other:?}")));
        }
    };
    let end = tokio::spawn(async move {
        let code = match next(&mut reports).await {
            Some(Report::Exited(code)) => code,
            _ => KILLED,
        };
        let finished_at = clock::now();
        // The keeper ends by itself now.
        let _ = child.wait().await;
        let _ = tokio::time::timeout(LAST_WORDS, pump).await;
        (code, finished_at)
    });
    Ok(Start::Running(Running { keeper, process, end }))
}

/// A process that holds the volumes in memory of a pod.
pub struct Holder {
    /// Its keeper side; the volumes go when it is dropped.
    pub keeper: Keeper,
    child: Child,
}

impl Holder {
    /// Let the volumes go and wait until they are gone.
    pub async fn release(mut self) {
        drop(self.keeper);
        let _ = self.child.wait().await;
    }
}

/// Mount volumes in memory.
pub async fn hold(stage: &StageCommand, spec: &HoldSpec, path: &Path) -> io::Result<Result<Holder, String>> {
    write_spec(path, spec)?;
    let (mut child, mut reports, keeper) = launch(stage, "hold", path, Stdio::null(), Stdio::null())?;
    match next(&mut reports).await {
        Some(Report::Started(_)) => {
            // Nothing more comes; the socket stays open in both directions.
            Ok(Ok(Holder { keeper, child }))
        }
        other => {
            child.wait().await?;
            Ok(Err(match other {
                Some(Report::Refused(words)) => words,
                other => format!("the holder of the volumes ended: {other:?}"),
            }))
        }
    }
}

type Reports = Lines<BufReader<OwnedReadHalf>>;

fn launch(
    stage: &StageCommand,
    step: &str,
    spec: &Path,
    output: Stdio,
    errors: Stdio,
) -> io::Result<(Child, Reports, Keeper)> {
    let (ours, theirs) = StdSocket::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::new(&stage.program);
    command.args(&stage.arguments).arg(step).arg(spec);
    // A group of its own: keys pressed at a terminal are not for containers.
    command.stdin(OwnedFd::from(theirs)).stdout(output).stderr(errors).process_group(0);
    let child = command.spawn()?;
    let process = child.id().and_then(|id| i32::try_from(id).ok()).unwrap_or_default();
    let (reader, control) = UnixStream::from_std(ours)?.into_split();
    Ok((child, BufReader::new(reader).lines(), Keeper { process, control }))
}

async fn next(reports: &mut Reports) -> Option<Report> {
    let line = reports.next_line().await.ok().flatten()?;
    serde_json::from_str(&line).ok()
}

/// Write down what a stage process reads.
pub fn write_spec<S: serde::Serialize>(path: &Path, spec: &S) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(path, serde_json::to_vec(spec)?)
}
