//! Bringing a stack up.

use std::fs::File;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::daemon::prepare;
use crate::directory::Directory;
use crate::reenter::{Line, Order};
use crate::{
    ClusterChoice, Endpoints, FunctionBuild, Progress, StackError, StackOptions, process, running, tail,
};

/// Brings a stack up, or returns the one that runs in the state directory already.
///
/// What takes long on a fresh machine, the emulator's environment and the functions, is made in this process; then the
/// daemon is started in a session of its own, its words going to `daemon.log` in the state directory, and waited for.
/// When the future is dropped or this process ends before the stack is ready, the daemon ends too.
///
/// # Errors
///
/// Whatever keeps the stack from coming up, and a running stack on another cluster or without the images asked for.
pub async fn up(options: StackOptions, progress: impl Fn(Progress)) -> Result<Endpoints, StackError> {
    let options = options.absolute()?;
    let directory = Directory::new(&options.state)?;
    directory.create()?;
    // One that runs needs no lock, so that several commands at once find it.
    if let Some(endpoints) = running(&options.state) {
        return same(endpoints, &options);
    }
    let _one_at_a_time = directory.lock_change()?;
    if let Some(endpoints) = running(&options.state) {
        return same(endpoints, &options);
    }
    // Building may take minutes: fail or finish here, where somebody sees it, not in the daemon.
    let programs = prepare(&options, &progress).await?.programs;
    let options = StackOptions { functions: FunctionBuild::Directory(programs), ..options };
    let mut daemon = Daemon(Some(spawn(options, &directory)?));
    let endpoints = daemon.told(&directory, &progress).await?;
    daemon.0 = None;
    progress(Progress::Ready);
    Ok(endpoints)
}

/// The running stack, if it is one that the options would make.
fn same(endpoints: Endpoints, options: &StackOptions) -> Result<Endpoints, StackError> {
    if endpoints.cluster != options.cluster {
        return Err(StackError::Different {
            running: name(&endpoints.cluster),
            wanted: name(&options.cluster),
        });
    }
    if options.enforce_roles && !endpoints.enforces_roles {
        return Err(StackError::Different {
            running: "functions that may do everything".to_owned(),
            wanted: "functions that are held to their roles".to_owned(),
        });
    }
    let missing = options.images.iter().find(|image| !endpoints.images.contains(image));
    match missing {
        Some((image, directory)) => Err(StackError::Different {
            running: "other images".to_owned(),
            wanted: format!("the image `{image}` from `{}`", directory.display()),
        }),
        None => Ok(endpoints),
    }
}

fn name(cluster: &ClusterChoice) -> String {
    match cluster {
        ClusterChoice::Embedded => "the embedded cluster".to_owned(),
        ClusterChoice::Hollow { script } => format!("hollow pods by `{}`", script.display()),
        ClusterChoice::Kubeconfig { file, .. } => format!("the cluster of `{}`", file.display()),
    }
}

fn spawn(options: StackOptions, directory: &Directory) -> Result<Child, StackError> {
    let program = options.program.clone();
    let log = directory.daemon_log();
    let errors = File::create(&log).map_err(StackError::file("make", log))?;
    let order = Order { options, starter: std::process::id() };
    let failed = |source| StackError::Start { program: program.display().to_string(), source };
    let arguments = order.arguments().map_err(std::io::Error::other).map_err(failed)?;
    Command::new(&program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(failed)
}

/// A daemon that is not ready: dropping it tells it to end.
struct Daemon(Option<Child>);

impl Daemon {
    /// Listens until the daemon is ready or has failed.
    async fn told(
        &mut self,
        directory: &Directory,
        progress: &impl Fn(Progress),
    ) -> Result<Endpoints, StackError> {
        let output = self.0.as_mut().and_then(|daemon| daemon.stdout.take());
        if let Some(output) = output {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                match serde_json::from_str(&line) {
                    Ok(Line::Progress(Progress::Packaging)) => {}
                    Ok(Line::Progress(step)) => progress(step),
                    Ok(Line::Ready(endpoints)) => return Ok(*endpoints),
                    Ok(Line::Failed(message)) => return Err(StackError::Daemon(message)),
                    Err(error) => tracing::warn!(%error, line, "the daemon said something else"),
                }
            }
        }
        let log = directory.daemon_log();
        Err(StackError::DaemonEnded { said: tail::of_file(&log), log })
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(pid) = self.0.as_ref().and_then(Child::id) {
            process::terminate(pid);
        }
    }
}
