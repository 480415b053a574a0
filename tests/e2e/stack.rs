//! The local stack of the tests: one for the whole program, ended with it, and stacks of their own for tests that spoil theirs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use fixtures::binaries;
use local::{ClusterChoice, Endpoints};
use serde_json::Value;
use tokio::process::Command;

use crate::cloud::Cloud;
use crate::ground::{Ground, enforces_roles, ground};

/// The image of the one example that needs a Python package.
pub const KESTRA_IMAGE: &str = "ghcr.io/kestra-io/pydata:latest";

/// A stack that runs.
pub struct Stack {
    programs: PathBuf,
    state: PathBuf,
    /// Where it answers.
    pub endpoints: Endpoints,
    /// Its bucket, queues and functions.
    pub cloud: Cloud,
}

/// What a stack is before it runs.
pub struct Site {
    programs: PathBuf,
    /// Its state directory.
    pub state: PathBuf,
    enforces_roles: bool,
    /// Directories that stand for images.
    images: Vec<(String, PathBuf)>,
}

impl Stack {
    /// The stack that all tests share; the first to ask starts it, and it ends with the test program or, where every test is a process, with
    /// the runner.
    pub async fn shared() -> Result<Stack> {
        let owner = runner();
        let site = Site::new(&format!("shared-{owner}"))?;
        let _one_at_a_time = lock().await?;
        match local::running(&site.state) {
            Some(endpoints) => Ok(site.stack(endpoints)),
            None => site.up(owner).await,
        }
    }

    /// A stack of one test's own.
    pub async fn own(name: &str) -> Result<Stack> {
        let owner = std::process::id();
        Site::new(&format!("{name}-{owner}"))?.up(owner).await
    }

    /// A stack that somebody started at a place.
    pub fn found(site: &Site, endpoints: Endpoints) -> Stack {
        let (programs, state) = (site.programs.clone(), site.state.clone());
        Site { programs, state, images: Vec::new(), ..*site }.stack(endpoints)
    }

    /// `longshore` on this stack, without arguments yet.
    pub fn command(&self) -> Command {
        command(&self.programs, &self.state)
    }

    /// Where it keeps its state.
    pub fn state_directory(&self) -> &Path {
        &self.state
    }

    /// The last errors in the log of the emulator and the functions. An invoke that failed under `lambda:invoke.waitForTaskToken` shows here and nowhere
    /// else: this emulator lets the state wait on.
    pub fn complaints(&self) -> String {
        let log = std::fs::read(self.state.join("emulator.log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let mut errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
        let last = errors.split_off(errors.len().saturating_sub(20));
        format!("the last errors of the stack:\n{}", last.join("\n"))
    }

    /// A client of its cluster.
    pub async fn cluster(&self) -> Result<kube::Client> {
        let file = kube::config::Kubeconfig::read_from(&self.endpoints.kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(file, &Default::default()).await?;
        Ok(kube::Client::try_from(config)?)
    }

    /// Whether it has the image with the `kestra` package; without the package index the embedded cluster has not.
    pub fn has_kestra(&self) -> bool {
        self.is_on_real_ground() || self.endpoints.images.iter().any(|(name, _)| name == KESTRA_IMAGE)
    }

    /// Whether its pods run in a cluster that is not its own.
    pub fn is_on_real_ground(&self) -> bool {
        matches!(self.endpoints.cluster, ClusterChoice::Kubeconfig { .. })
    }

    /// A task for a message to the queue: on real ground with the connection that the command would give it.
    pub fn placed(&self, mut task: Value) -> Result<Value> {
        if let ClusterChoice::Kubeconfig { file, .. } = &self.endpoints.cluster {
            let connection = shared::cluster::kubeconfig::connection(file, None)?;
            let runner = task.get_mut("taskRunner").and_then(Value::as_object_mut);
            let runner = runner.context("a task without a runner")?;
            runner.insert("config".to_owned(), serde_json::to_value(connection)?);
        }
        Ok(task)
    }
}

impl Site {
    /// A place for a stack that does not run yet.
    pub fn new(name: &str) -> Result<Site> {
        let places = temporary().join("e2e");
        let state = places.join(name);
        std::fs::create_dir_all(&state)?;
        remove_old(&places);
        Ok(Site {
            programs: binaries::directory()?,
            state,
            enforces_roles: enforces_roles(),
            images: Vec::new(),
        })
    }

    /// `longshore` at this place, without arguments yet.
    pub fn command(&self) -> Command {
        command(&self.programs, &self.state)
    }

    /// The directory of the functions' programs.
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// The same, with a directory that stands for an image.
    pub fn with_image(mut self, name: &str, directory: PathBuf) -> Site {
        self.images.push((name.to_owned(), directory));
        self
    }

    /// The same, with functions that are held to their roles.
    pub fn enforcing_roles(self) -> Site {
        Site { enforces_roles: true, ..self }
    }

    /// `longshore up` where the tests of this run happen.
    pub async fn up(self, owner: u32) -> Result<Stack> {
        let ground = ground()?;
        self.up_on(&ground, owner).await
    }

    /// `longshore up` on a cluster.
    pub async fn up_on(self, ground: &Ground, owner: u32) -> Result<Stack> {
        let mut command = self.command();
        command.args(["up", "--owner", &owner.to_string(), "--functions"]).arg(&self.programs);
        if self.enforces_roles {
            command.arg("--enforce-roles");
        }
        for (name, directory) in &self.images {
            command.arg("--image").arg(format!("{name}={}", directory.display()));
        }
        match ground {
            Ground::Real { kubeconfig, host } => {
                command.arg("--kubeconfig").arg(kubeconfig).args(["--advertise", host]);
            }
            Ground::Hollow(script) => {
                command.arg("--hollow").arg(script);
            }
            Ground::Embedded => {
                if let Some(directory) = kestra().await? {
                    command.arg("--image").arg(format!("{KESTRA_IMAGE}={}", directory.display()));
                }
            }
        }
        let output = command.stdin(Stdio::null()).output().await?;
        ensure!(
            output.status.success(),
            "the stack does not come up:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let endpoints = local::running(&self.state).context("the stack is up and does not run")?;
        Ok(self.stack(endpoints))
    }

    fn stack(self, endpoints: Endpoints) -> Stack {
        let cloud = Cloud::of(&endpoints);
        Stack { programs: self.programs, state: self.state, endpoints, cloud }
    }
}

/// The command with a state directory, and with the emulator's environment that all tests of this workspace share.
fn command(programs: &Path, state: &Path) -> Command {
    let mut command = Command::new(programs.join("longshore"));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("LONGSHORE_STATE", state)
        .env("XDG_CACHE_HOME", temporary().join("stack-cache"))
        .env_remove("LONGSHORE_WORKSPACE");
    command
}

/// Places end with the id of the process that their stacks end with; those of processes that are no more hold logs that nobody reads.
fn remove_old(places: &Path) {
    for place in std::fs::read_dir(places).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let owner = place.file_name().and_then(|name| name.to_str()).and_then(|name| name.rsplit_once('-'));
        if owner.is_some_and(|(_, pid)| !Path::new("/proc").join(pid).exists()) {
            // What cannot be removed now, because its stack is just ending, is removed next time.
            let _ = std::fs::remove_dir_all(place);
        }
    }
}

fn temporary() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// Held while the shared stack or the Python environment is made; several tests ask at once.
async fn lock() -> Result<File> {
    let path = temporary().join("e2e.lock");
    let file = File::create(path)?;
    Ok(tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await??)
}

/// The process that all tests have in common: this one, or nextest, which starts one for every test.
#[expect(clippy::disallowed_methods, reason = "the runner says by its variable that it is there")]
fn runner() -> u32 {
    match std::env::var_os("NEXTEST") {
        Some(_) => std::os::unix::process::parent_id(),
        None => std::process::id(),
    }
}

/// A Python environment with the package `kestra`, made once. `None` when the package cannot be had.
async fn kestra() -> Result<Option<PathBuf>> {
    let directory = temporary().join("kestra");
    let complete = directory.join("complete");
    if complete.is_file() {
        return Ok(Some(directory));
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory).output().await?;
    ensure!(made.status.success(), "python3 -m venv: {}", String::from_utf8_lossy(&made.stdout));
    let mut pip = Command::new(directory.join("bin/pip"));
    pip.args(["install", "--quiet", "--no-input", "--disable-pip-version-check", "kestra"]);
    if !pip.output().await?.status.success() {
        return Ok(None);
    }
    std::fs::write(complete, "")?;
    Ok(Some(directory))
}
