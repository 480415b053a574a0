//! Starting the containers of a pod, in order, again where they come back, and noting how they ended.

use super::container::{BACK_OFF_FORGOTTEN, Ended, FIRST_BACK_OFF, Role, State};
use super::environment::{self, ConfigProblem, Variables};
use super::exec::Target;
use super::image::{self, Image, ImageProblem};
use super::instance::{self, Start};
use super::log::Log;
use super::pod::{Notice, Worker};
use super::status::ADDRESS;
use super::{discard, log_reader, volumes};
use crate::clock;
use crate::container::{ContainerSpec, MountSpec, Program};
use crate::random;
use crate::store::{Kind, text};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// When a configuration that led nowhere is looked at again.
const CONFIG_PAUSE: Duration = Duration::from_secs(2);
/// How long a pull is shown as failed before it is shown as waiting for the next one.
const PULL_ERROR_SHOWN: Duration = Duration::from_secs(1);
/// The most of a termination message that is kept (the kubelet's limit).
const MAX_MESSAGE_BYTES: usize = 4096;
const MAX_HOSTNAME: usize = 63;
const HOSTS: &str = "/etc/hosts";
const DEFAULT_MESSAGE_PATH: &str = "/dev/termination-log";
/// What a runtime says before its reason.
const RUNTIME: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: \
                       runc create failed: unable to start container process: ";

impl Worker {
    /// Start every container whose turn it is.
    pub(super) async fn start_due(&mut self) {
        let mut has_started_mains = false;
        for index in 0..self.containers.len() {
            let Some(container) = self.containers.get(index) else { return };
            let role = container.role;
            let is_done = container.is_running()
                || container
                    .ended()
                    .is_some_and(|end| !container.restarts_after(end.exit_code, self.policy()));
            if !is_done {
                if self.is_due(index) {
                    self.start(index).await;
                    has_started_mains |= role == Role::Main;
                }
                if role != Role::Main {
                    self.show();
                }
            }
            let Some(container) = self.containers.get(index) else { return };
            let is_passed = match role {
                Role::Init => container.has_succeeded(),
                Role::Sidecar => container.has_been_started,
                Role::Main => true,
            };
            if !is_passed {
                return;
            }
        }
        if has_started_mains {
            self.show();
        }
    }

    /// Whether a container that does not run is to be started now; shows it as waiting otherwise.
    fn is_due(&mut self, index: usize) -> bool {
        let full_name = environment::full_name(&self.pod);
        let Some(container) = self.containers.get_mut(index) else { return false };
        let Some(at) = container.retry_at else { return true };
        let now = clock::instant();
        if at <= now {
            return true;
        }
        let name = container.name().to_owned();
        match &container.state {
            State::Terminated(ended) => {
                let ended = ended.clone();
                let pause = container.pause;
                container.last = Some(ended);
                container.state = State::Waiting {
                    reason: "CrashLoopBackOff".into(),
                    message: Some(format!(
                        "back-off {} restarting failed container={name} pod={full_name}",
                        go_duration(pause)
                    )),
                };
                let message = format!("Back-off restarting failed container {name} in pod {full_name}");
                self.event("Warning", "BackOff", message, Some(index));
                self.show();
            }
            State::Waiting { .. } | State::Running { .. } => {}
        }
        false
    }

    async fn start(&mut self, index: usize) {
        let Some(container) = self.containers.get_mut(index) else { return };
        container.retry_at = None;
        let spec = container.spec.clone();
        self.has_address = true;
        self.look_for_pull_secrets();
        let name = text(&spec, "/image").to_owned();
        let policy = text(&spec, "/imagePullPolicy");
        let unpullable = self.host.config.faults.pull(&self.pod, text(&spec, "/name"), &name);
        let found = match unpullable {
            Some(words) => Err(ImageProblem::Missing(words)),
            None => image::find(&name, policy, &self.host.config.images, &self.host.python),
        };
        let image = match found {
            Ok(image) => image,
            Err(problem) => return self.note_image_problem(index, &name, problem),
        };
        let message =
            format!("Container image \"{name}\" already present on machine and can be accessed by the pod");
        self.event("Normal", "Pulled", message, Some(index));
        let prepared = self.prepare(index, &spec, image);
        let (container_spec, log) = match prepared {
            Ok(prepared) => prepared,
            Err(ConfigProblem(message)) => {
                self.event("Warning", "Failed", format!("Error: {message}"), Some(index));
                return self.wait(index, "CreateContainerConfigError", message, CONFIG_PAUSE);
            }
        };
        self.event("Normal", "Created", "Container created".into(), Some(index));
        let id = self.begin_instance(index, log.clone());
        match instance::start(&self.host.config.stage, &container_spec, log.clone()).await {
            Ok(Start::Running(running)) => {
                self.event("Normal", "Started", "Container started".into(), Some(index));
                let target = Target {
                    stage: self.host.config.stage.clone(),
                    directory: container_spec.directory.clone(),
                    keeper: running.keeper.process,
                    process: running.process,
                    environment: container_spec.program.environment.clone(),
                    working_directory: container_spec.program.working_directory.clone(),
                };
                self.view.change(text(&spec, "/name"), |seen| seen.target = Some(target));
                self.keepers.insert(index, running.keeper);
                if let Some(container) = self.containers.get_mut(index) {
                    let before = std::mem::replace(
                        &mut container.state,
                        State::Running { started_at: clock::now(), id },
                    );
                    container.held = Some(before);
                }
                self.note_running(index);
                self.disturb(index);
                let notices = self.notices.clone();
                tokio::spawn(async move {
                    let (code, finished_at) = running.end.await.unwrap_or((137, clock::now()));
                    // The worker waits for every container before it ends.
                    let _ = notices.send(Notice::Ended { index, code, finished_at });
                });
            }
            Ok(Start::Refused(words)) => self.note_start_error(index, id, &words),
            Err(error) => self.note_start_error(index, id, &error.to_string()),
        }
        if !self.containers.get(index).is_some_and(|container| container.is_running()) {
            log.close();
        }
    }

    /// The spec of the process side, and an empty log.
    fn prepare(
        &self,
        index: usize,
        spec: &Value,
        image: Image,
    ) -> Result<(ContainerSpec, std::sync::Arc<Log>), ConfigProblem> {
        environment::check_identity(&self.pod, spec)?;
        let identity = environment::identity(&self.pod, spec);
        let hostname = self.hostname();
        let home = if identity.user == 0 { "/root" } else { "/" };
        let mut base: Variables = image.environment;
        base.extend([("HOME".into(), home.into()), ("HOSTNAME".into(), hostname.clone())]);
        base.extend(self.host.config.environment.iter().cloned());
        let variables = environment::of(&self.host, &self.pod, spec, base)?;
        let directory = self.instance_directory(index);
        let failed = |error: io::Error| ConfigProblem(error.to_string());
        let mut mounts = volumes::mounts_of(spec, &self.volumes, &variables).map_err(failed)?;
        mounts.push(message_file(spec, &directory).map_err(failed)?);
        if !mounts.iter().any(|mount| mount.target == Path::new(HOSTS)) {
            mounts.push(hosts_file(&hostname, &directory).map_err(failed)?);
        }
        let working_directory = text(spec, "/workingDir");
        let program = Program {
            command: environment::command(spec, &variables),
            environment: variables,
            working_directory: if working_directory.is_empty() { "/" } else { working_directory }.into(),
        };
        let read_only_root = spec.pointer("/securityContext/readOnlyRootFilesystem").and_then(Value::as_bool);
        if program.command.is_empty() {
            let words =
                "no command specified: images are not pulled here, so that `command` must say what runs";
            return Err(ConfigProblem(words.into()));
        }
        let log = Log::create(&self.log_base(index)).map_err(failed)?;
        let made = ContainerSpec {
            directory,
            root: image.root,
            read_only_root: read_only_root == Some(true),
            mounts,
            hostname,
            identity,
            program,
            join: self.holder.as_ref().map(|holder| holder.keeper.process),
        };
        Ok((made, log))
    }

    fn begin_instance(&mut self, index: usize, log: std::sync::Arc<Log>) -> String {
        let attempt = self.attempt(index);
        let uid = text(&self.pod, "/metadata/uid").to_owned();
        let Some(container) = self.containers.get_mut(index) else { return String::new() };
        let id = random::hex(&Sha256::digest(format!("{uid}/{}/{attempt}", container.name())));
        container.restarts = attempt;
        (container.stopping, container.is_announced) = (false, false);
        (container.has_started, container.is_ready) = (false, false);
        container.id = Some(id.clone());
        if let State::Terminated(ended) = &container.state {
            container.last = Some(ended.clone());
        }
        self.view.change(container.name(), |seen| {
            if let Some(older) = std::mem::replace(&mut seen.previous, seen.log.replace(log)) {
                older.remove();
            }
        });
        id
    }

    /// How a container ended that ran; whether it was ended in order to start again.
    pub(super) async fn note_end(&mut self, index: usize, code: i32, finished_at: Timestamp) -> bool {
        let directory = self.instance_directory(index);
        let policy = self.policy().to_owned();
        let is_stopping = self.stop.is_some();
        let Some(container) = self.containers.get_mut(index) else { return false };
        let State::Running { started_at, id } = container.state.clone() else { return false };
        let seen = self.view.get(container.name());
        let message = termination_message(&container.spec, &directory, code, seen.log.as_deref()).await;
        let reason = match code {
            _ if std::mem::take(&mut container.is_out_of_memory) => "OOMKilled",
            0 => "Completed",
            _ => "Error",
        };
        let ended = Ended {
            exit_code: code,
            reason,
            message,
            started_at: Some(started_at),
            finished_at: Some(finished_at),
            id: Some(id),
        };
        container.state = State::Terminated(ended);
        let ran = finished_at.duration_since(started_at);
        if ran.unsigned_abs() >= BACK_OFF_FORGOTTEN {
            container.back_off = None;
        }
        let comes_back = !is_stopping && container.restarts_after(code, &policy);
        let was_ended = container.kill_at.take().is_some() || container.stopping;
        // Ended by the kubelet itself, its first end is no reason for a pause yet.
        if comes_back && !(was_ended && container.last.is_none()) {
            schedule_restart(container);
        }
        self.view.change(container.name(), |seen| seen.target = None);
        if comes_back {
            // What it wrote into its own root is gone; what is left for the end of the pod is removed then.
            let _ = tokio::task::spawn_blocking(move || discard::discard(&directory)).await;
        }
        comes_back && was_ended
    }

    fn note_start_error(&mut self, index: usize, id: String, words: &str) {
        let message = format!("{RUNTIME}{words}");
        self.event("Warning", "Failed", format!("Error: {message}"), Some(index));
        let policy = self.policy().to_owned();
        let Some(container) = self.containers.get_mut(index) else { return };
        container.state = State::Terminated(Ended {
            exit_code: 128,
            reason: "StartError",
            message: Some(message),
            started_at: Some(Timestamp::UNIX_EPOCH),
            finished_at: Some(clock::now()),
            id: Some(id),
        });
        if container.restarts_after(128, &policy) {
            schedule_restart(container);
        }
    }

    /// Pull secrets are of no use here; that one is missing is told all the same.
    fn look_for_pull_secrets(&self) {
        let listed = self.pod.pointer("/spec/imagePullSecrets").and_then(Value::as_array);
        let names = listed.into_iter().flatten().map(|secret| text(secret, "/name"));
        let namespace = text(&self.pod, "/metadata/namespace");
        let missing: Vec<&str> =
            names.filter(|name| self.host.store.get(Kind::Secret, namespace, name).is_none()).collect();
        if !missing.is_empty() {
            let names = missing.join(", ");
            let message = format!(
                "Unable to retrieve some image pull secrets ({names}); attempting to pull the image may not succeed."
            );
            self.event("Warning", "FailedToRetrieveImagePullSecret", message, None);
        }
    }

    fn note_image_problem(&mut self, index: usize, name: &str, problem: ImageProblem) {
        let waits_already = self.containers.get(index).is_some_and(
            |container| matches!(&container.state, State::Waiting { reason, .. } if reason == "ErrImagePull"),
        );
        match problem {
            ImageProblem::Invalid(message) => {
                self.event("Warning", "InspectFailed", message.clone(), Some(index));
                self.event("Warning", "Failed", "Error: InvalidImageName".into(), Some(index));
                self.wait(index, "InvalidImageName", message, FIRST_BACK_OFF);
            }
            ImageProblem::NeverPulled(message) => {
                self.event("Warning", "ErrImageNeverPull", message.clone(), Some(index));
                self.event("Warning", "Failed", "Error: ErrImageNeverPull".into(), Some(index));
                self.wait(index, "ErrImageNeverPull", message, FIRST_BACK_OFF);
            }
            ImageProblem::Missing(words) if waits_already => {
                let message = format!("Back-off pulling image \"{name}\"");
                self.event("Normal", "BackOff", message.clone(), Some(index));
                self.event("Warning", "Failed", "Error: ImagePullBackOff".into(), Some(index));
                let pause = self
                    .containers
                    .get_mut(index)
                    .map_or(FIRST_BACK_OFF, |container| container.next_back_off());
                self.wait(index, "ImagePullBackOff", format!("{message}: ErrImagePull: {words}"), pause);
            }
            ImageProblem::Missing(words) => {
                self.event("Normal", "Pulling", format!("Pulling image \"{name}\""), Some(index));
                self.event(
                    "Warning",
                    "Failed",
                    format!("Failed to pull image \"{name}\": {words}"),
                    Some(index),
                );
                self.event("Warning", "Failed", "Error: ErrImagePull".into(), Some(index));
                self.wait(index, "ErrImagePull", words, PULL_ERROR_SHOWN);
            }
        }
    }

    fn wait(&mut self, index: usize, reason: &str, message: String, pause: Duration) {
        let Some(container) = self.containers.get_mut(index) else { return };
        if let State::Terminated(ended) = &container.state {
            container.last = Some(ended.clone());
        }
        container.state = State::Waiting { reason: reason.into(), message: Some(message) };
        container.retry_at = clock::instant().checked_add(pause);
    }

    /// The number of the instance that is started next, or of the one there is.
    fn attempt(&self, index: usize) -> u32 {
        let Some(container) = self.containers.get(index) else { return 0 };
        match (&container.state, &container.id) {
            (State::Running { .. }, _) | (_, None) => container.restarts,
            _ => container.restarts + 1,
        }
    }

    /// `spec.hostname` or the name of the pod, cut to what the kernel takes (as the kubelet does).
    fn hostname(&self) -> String {
        let own = text(&self.pod, "/spec/hostname");
        let name = if own.is_empty() { text(&self.pod, "/metadata/name") } else { own };
        let cut: String = name.chars().take(MAX_HOSTNAME).collect();
        cut.trim_end_matches(['-', '.']).to_owned()
    }

    fn instance_directory(&self, index: usize) -> PathBuf {
        let name = self.containers.get(index).map_or("", |container| container.name());
        self.directory.join("containers").join(name).join(self.attempt(index).to_string())
    }

    fn log_base(&self, index: usize) -> PathBuf {
        let name = self.containers.get(index).map_or("", |container| container.name());
        self.directory.join("logs").join(name).join(self.attempt(index).to_string())
    }
}

fn schedule_restart(container: &mut super::container::Container) {
    let now = clock::instant();
    container.retry_at = match container.back_off {
        // The first time there is no pause.
        None => {
            container.back_off = Some(FIRST_BACK_OFF);
            None
        }
        Some(_) => now.checked_add(container.next_back_off()),
    };
}

/// A duration as Go writes it: `10s`, `1m20s`, `5m0s`.
fn go_duration(duration: Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

fn message_file(spec: &Value, directory: &Path) -> io::Result<MountSpec> {
    let source = directory.join("termination-log");
    fs::create_dir_all(directory)?;
    fs::write(&source, "")?;
    let target = Some(text(spec, "/terminationMessagePath")).filter(|path| !path.is_empty());
    Ok(MountSpec { source, target: target.unwrap_or(DEFAULT_MESSAGE_PATH).into(), read_only: false })
}

/// The names that the machine knows, and the container's own.
fn hosts_file(hostname: &str, directory: &Path) -> io::Result<MountSpec> {
    let source = directory.join("hosts");
    let known = fs::read_to_string(HOSTS).unwrap_or_default();
    fs::write(&source, format!("{known}\n{ADDRESS}\t{hostname}\n"))?;
    Ok(MountSpec { source, target: HOSTS.into(), read_only: false })
}

/// What the container says about its end, from its file or, if asked for, from its log.
async fn termination_message(spec: &Value, directory: &Path, code: i32, log: Option<&Log>) -> Option<String> {
    let mut message = fs::read(directory.join("termination-log")).unwrap_or_default();
    message.truncate(MAX_MESSAGE_BYTES);
    if message.is_empty() && code != 0 && text(spec, "/terminationMessagePolicy") == "FallbackToLogsOnError" {
        message = match log {
            Some(log) => log_reader::last_words(log).await,
            None => message,
        };
    }
    (!message.is_empty()).then(|| String::from_utf8_lossy(&message).into_owned())
}
