//! The AWS emulator as a child process.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use hyper::Method;
use tokio::process::{Child, ChildStdin, Command};

use crate::directory::Directory;
use crate::{StackError, http, tail};

/// The region that the emulator and everything in it is in.
pub(crate) const REGION: &str = "us-east-1";

/// The access key of every function: the emulator gives them its account's id.
pub(crate) const ACCESS_KEY_ID: &str = "000000000000";

/// Its secret.
pub(crate) const SECRET_ACCESS_KEY: &str = "test";

/// It is ready within a second; a machine that is busy compiling may need much longer.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often it is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(25);

/// Another program may take the port between its choice and its use.
const PORTS_TRIED: usize = 3;

/// Standard input is a lifeline: when it closes, because this process wants it or has died, the emulator ends, and the
/// functions that it started with it, since they are in its process group.
const PROGRAM: &str = "\
import os, signal, sys, threading
def hold():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=hold, daemon=True).start()
sys.argv = ['ministack']
from ministack.app import main
main()
";

/// What differs between emulators.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The interpreter that has the emulator.
    pub python: PathBuf,
    /// Listen on every interface instead of loopback, so that pods of another cluster reach S3.
    pub public: bool,
    /// Refuse the functions what their roles do not allow.
    pub enforce_roles: bool,
    /// The endpoint that functions ask about EKS clusters.
    pub eks_endpoint_url: Option<String>,
}

/// A running emulator.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    lifeline: Option<ChildStdin>,
    log: PathBuf,
    /// The port that it listens on.
    pub port: u16,
}

impl Emulator {
    /// Starts the emulator and waits until it answers.
    pub async fn start(directory: &Directory, settings: &Settings) -> Result<Emulator, StackError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let mut emulator = Emulator::spawn(directory, settings, free_port()?)?;
            match emulator.ready().await {
                Ok(()) => return Ok(emulator),
                Err(StackError::EmulatorEnded { said, .. })
                    if tried < PORTS_TRIED && said.contains("already in use") => {}
                Err(error) => {
                    emulator.shutdown().await;
                    return Err(error);
                }
            }
        }
    }

    fn spawn(directory: &Directory, settings: &Settings, port: u16) -> Result<Emulator, StackError> {
        let home = directory.emulator();
        for part in ["home", "temporary", "data", "state"] {
            let path = home.join(part);
            std::fs::create_dir_all(&path).map_err(StackError::file("make", path))?;
        }
        let log = directory.emulator_log();
        let output = File::create(&log).map_err(StackError::file("make", &log))?;
        let errors = output.try_clone().map_err(StackError::file("open", &log))?;
        let mut command = Command::new(&settings.python);
        command
            .args(["-c", PROGRAM])
            .current_dir(&home)
            .env_clear()
            .envs(environment(&home, settings, port))
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true);
        let program = || settings.python.display().to_string();
        let mut child = command.spawn().map_err(|source| StackError::Start { program: program(), source })?;
        Ok(Emulator { lifeline: child.stdin.take(), child, log, port })
    }

    async fn ready(&mut self) -> Result<(), StackError> {
        let port = self.port;
        let answers = async {
            while http::send(port, Method::GET, "/_ministack/ready", "text/plain", "", "be ready")
                .await
                .is_err()
            {
                tokio::time::sleep(ASK_EVERY).await;
            }
        };
        let silent = StackError::EmulatorSilent { seconds: READY_WITHIN.as_secs(), log: self.log.clone() };
        tokio::select! {
            answered = tokio::time::timeout(READY_WITHIN, answers) => answered.map_err(|_| silent),
            error = self.ended() => Err(error),
        }
    }

    /// Waits until the emulator ends by itself, which it should not.
    pub async fn ended(&mut self) -> StackError {
        let status = self.child.wait().await;
        StackError::EmulatorEnded {
            status: status.map_or_else(|error| error.to_string(), |status: ExitStatus| status.to_string()),
            log: self.log.clone(),
            said: tail::of_file(&self.log),
        }
    }

    /// Ends the emulator and the functions, and waits for it.
    pub async fn shutdown(mut self) {
        drop(self.lifeline.take());
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "the emulator cannot be waited for");
        }
    }
}

/// The functions inherit all of it, so nothing of the user's own environment is in it.
fn environment(home: &Path, settings: &Settings, port: u16) -> Vec<(&'static str, String)> {
    let path = |part: &str| home.join(part).display().to_string();
    let mut environment = vec![
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("HOME", path("home")),
        ("TMPDIR", path("temporary")),
        ("S3_DATA_DIR", path("data")),
        ("STATE_DIR", path("state")),
        ("GATEWAY_PORT", port.to_string()),
        ("BIND_HOST", if settings.public { "0.0.0.0" } else { "127.0.0.1" }.to_owned()),
        ("MINISTACK_HOST", "127.0.0.1".to_owned()),
        ("AUTH", settings.enforce_roles.to_string()),
        ("MINISTACK_ACCOUNT_ID", ACCESS_KEY_ID.to_owned()),
        ("MINISTACK_REGION", REGION.to_owned()),
        // What functions get as their endpoint and their secret.
        ("AWS_ENDPOINT_URL", endpoint_url(port)),
        ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        // Listeners with fixed ports that nothing here uses, and the user's containers, which are none of its business.
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("SFTP_ENABLED", "0".to_owned()),
        ("DOCKER_HOST", format!("unix://{}", path("no-docker.sock"))),
    ];
    environment.extend(settings.eks_endpoint_url.clone().map(|url| ("AWS_ENDPOINT_URL_EKS", url)));
    environment
}

/// Where the emulator answers.
pub(crate) fn endpoint_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn free_port() -> Result<u16, StackError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| StackError::Start { program: "a listener on 127.0.0.1".into(), source })
}
