//! The daemon: it owns the emulator and the embedded cluster, and ends both when it ends.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;

use tokio::signal::unix::{SignalKind, signal};

use crate::deploy::{self, Parameters};
use crate::directory::Directory;
use crate::embedded::Embedded;
use crate::emulator::{self, Emulator, Settings};
use crate::endpoints::FORMAT_VERSION;
use crate::package::{self, Package};
use crate::{
    ClusterChoice, Endpoints, Progress, StackError, StackOptions, clock, functions, process, sessions, venv,
};

/// Where the helper lies in its image.
const HELPER: &str = "longshore-helper";

/// What a daemon tells while it comes up.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Progress(Progress),
    Ready(Box<Endpoints>),
}

/// Runs a stack in this process until SIGTERM, SIGINT or SIGHUP, or until the owning process has ended.
///
/// The program that calls this must call [`crate::reenter`] first in its `main`. When it returns, no process, mount
/// or file of the stack is left but the logs.
///
/// # Errors
///
/// The stack could not be brought up, another one runs in the same state directory, or the emulator ended by itself.
pub async fn serve(options: StackOptions) -> Result<(), StackError> {
    serve_and_tell(options, None, |_| ()).await
}

/// Like [`serve`]; `starter` is the process whose end ends the stack as long as it is not ready.
pub(crate) async fn serve_and_tell(
    options: StackOptions,
    starter: Option<u32>,
    tell: impl Fn(News),
) -> Result<(), StackError> {
    let options = options.absolute()?;
    let directory = Directory::new(&options.state)?;
    directory.create()?;
    let _one_per_state = directory.lock_daemon()?;
    directory.clear()?;
    let mut parts = Parts::default();
    let ended = run(&options, &directory, &mut parts, starter, tell).await;
    tracing::info!("the stack ends");
    parts.shutdown().await;
    directory.clear()?;
    ended
}

/// What has to be shut down.
#[derive(Default)]
struct Parts {
    embedded: Option<Embedded>,
    emulator: Option<Emulator>,
}

impl Parts {
    /// The functions first, then the pods that they would otherwise miss.
    async fn shutdown(self) {
        if let Some(emulator) = self.emulator {
            emulator.shutdown().await;
        }
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}

async fn run(
    options: &StackOptions,
    directory: &Directory,
    parts: &mut Parts,
    starter: Option<u32>,
    tell: impl Fn(News),
) -> Result<(), StackError> {
    let mut signals = pin!(signals());
    let endpoints = {
        let started = start(options, directory, parts, &tell);
        tokio::select! {
            endpoints = started => endpoints?,
            () = &mut signals => return Err(StackError::Interrupted),
            () = gone(starter.or(options.owner)) => return Err(StackError::Interrupted),
        }
    };
    endpoints.save(directory)?;
    tracing::info!(endpoint = endpoints.endpoint_url, "the stack is ready");
    tell(News::Ready(Box::new(endpoints)));
    let emulator_ended = async {
        match &mut parts.emulator {
            Some(emulator) => emulator.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = signals => Ok(()),
        () = gone(options.owner) => Ok(()),
        error = emulator_ended => Err(error),
    }
}

/// The image that has the helper is the deployment's.
fn helper_image(options: &StackOptions) -> String {
    let has_helper = |(_, directory): &&(String, PathBuf)| directory.join(HELPER).is_file();
    options.images.iter().find(has_helper).map(|(name, _)| name.clone()).unwrap_or_default()
}

async fn start(
    options: &StackOptions,
    directory: &Directory,
    parts: &mut Parts,
    tell: &impl Fn(News),
) -> Result<Endpoints, StackError> {
    let progress = |step| tell(News::Progress(step));
    let Prepared { python, packages, .. } = prepare(options, &progress).await?;
    let mut parameters = Parameters {
        cluster_name: String::new(),
        presign_endpoint: String::new(),
        helper_image: helper_image(options),
    };
    let mut settings =
        Settings { python, public: false, eks_endpoint_url: None, enforce_roles: options.enforce_roles };
    let kubeconfig = match &options.cluster {
        ClusterChoice::Embedded | ClusterChoice::Hollow { .. } => {
            progress(Progress::StartingCluster);
            let embedded = parts.embedded.insert(Embedded::start(options, directory).await?);
            embedded.name().clone_into(&mut parameters.cluster_name);
            settings.eks_endpoint_url = Some(embedded.eks_url());
            directory.kubeconfig()
        }
        ClusterChoice::Kubeconfig { file, advertise } => {
            settings.public = advertise.as_deref().is_some_and(|host| !is_loopback(host));
            file.clone()
        }
    };
    progress(Progress::StartingEmulator);
    let port = parts.emulator.insert(Emulator::start(directory, &settings).await?).port;
    if let ClusterChoice::Kubeconfig { advertise: Some(host), .. } = &options.cluster {
        parameters.presign_endpoint = format!("http://{host}:{port}");
    }
    progress(Progress::Deploying);
    let outputs = deploy::deploy(port, &options.workspace, &packages, &parameters).await?;
    let roles = outputs.get("FunctionRoles").unwrap_or_default().to_owned();
    let endpoints = endpoints(options, parts, settings, kubeconfig, port, outputs)?;
    if let Some(embedded) = parts.embedded.as_ref().filter(|_| options.enforce_roles) {
        // Which of them has which role is not told; a session that does not exist does no harm.
        for function in [&endpoints.submit_function, &endpoints.poll_function, &endpoints.collect_function] {
            for role in roles.split(',') {
                let (access_key_id, secret_access_key) = sessions::session(function, role);
                embedded.keys().admit(access_key_id, secret_access_key);
            }
        }
    }
    Ok(endpoints)
}

/// What a stack is started from.
pub(crate) struct Prepared {
    /// The interpreter that has the emulator.
    python: PathBuf,
    /// The directory of the functions' programs.
    pub programs: PathBuf,
    packages: Vec<Package>,
}

/// What can be done without starting anything: the emulator's environment, the functions, their packages.
pub(crate) async fn prepare(
    options: &StackOptions,
    progress: &impl Fn(Progress),
) -> Result<Prepared, StackError> {
    let python = venv::ensure("python3", &options.cache, || progress(Progress::MakingEnvironment)).await?;
    let programs = functions::programs(&options.functions, &options.workspace, progress).await?;
    progress(Progress::Packaging);
    let directory = programs.first().and_then(|program| program.path.parent()).map(Path::to_path_buf);
    let cache = options.cache.clone();
    let packaging = move || {
        programs.iter().map(|program| package::package(program, &cache)).collect::<Result<Vec<_>, _>>()
    };
    let packages = tokio::task::spawn_blocking(packaging).await;
    let failed = |error| StackError::Start { program: "packaging".into(), source: io::Error::other(error) };
    Ok(Prepared { python, programs: directory.unwrap_or_default(), packages: packages.map_err(failed)?? })
}

fn endpoints(
    options: &StackOptions,
    parts: &Parts,
    settings: Settings,
    kubeconfig: PathBuf,
    port: u16,
    mut outputs: deploy::Outputs,
) -> Result<Endpoints, StackError> {
    let pid = std::process::id();
    Ok(Endpoints {
        format_version: FORMAT_VERSION,
        pid,
        process_start: process::start_time(pid).unwrap_or_default(),
        started_at: clock::now().to_string(),
        endpoint_url: emulator::endpoint_url(port),
        emulator_port: port,
        eks_endpoint_url: settings.eks_endpoint_url,
        region: emulator::REGION.to_owned(),
        access_key_id: emulator::ACCESS_KEY_ID.to_owned(),
        secret_access_key: emulator::SECRET_ACCESS_KEY.to_owned(),
        bucket: outputs.take("Bucket")?,
        submissions_queue: outputs.take("SubmissionsQueue")?,
        collect_queue: outputs.take("CollectQueue")?,
        cancel_queue: outputs.take("CancelQueue")?,
        uploads_queue: outputs.take("UploadsQueue")?,
        notify_queue: outputs.take("NotifyQueue")?,
        wake_queue: outputs.take("WakeQueue")?,
        submit_function: outputs.take("SubmitFunction")?,
        poll_function: outputs.take("PollFunction")?,
        collect_function: outputs.take("CollectFunction")?,
        cancel_function: outputs.take("CancelFunction")?,
        trigger_function: outputs.take("TriggerFunction")?,
        notify_function: outputs.take("NotifyFunction")?,
        enforces_roles: options.enforce_roles,
        cluster: options.cluster.clone(),
        cluster_name: parts.embedded.as_ref().map(|embedded| embedded.name().to_owned()),
        cluster_url: parts.embedded.as_ref().map(|embedded| embedded.url().to_owned()),
        faults_url: parts.embedded.as_ref().map(|embedded| embedded.faults_url().to_owned()),
        kubeconfig,
        images: options.images.clone(),
    })
}

/// Whether pods that reach this machine by that name are on it.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Waits for a signal that means: end.
async fn signals() {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let [terminate, interrupt, hangup] = kinds.map(signal);
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = (terminate, interrupt, hangup) else {
        tracing::error!("signals cannot be received");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
        _ = hangup.recv() => (),
    }
}

/// Waits until a process has ended; for ever when there is none to wait for.
async fn gone(pid: Option<u32>) {
    let Some(pid) = pid else { return std::future::pending().await };
    if let Some(started) = process::start_time(pid) {
        process::ended(pid, started).await;
    }
}
