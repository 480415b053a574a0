//! A state directory of its own for every test, with functions in Python that put what they are given into the bucket.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use local::{ClusterChoice, Endpoints, FunctionBuild, StackOptions, up};
use tempfile::TempDir;

/// A Lambda function that stores its event, its environment and the description of its cluster under `seen/`.
const FUNCTION: &str = r#"
import json, os, urllib.request
def call(url, method="GET", data=None):
    return urllib.request.urlopen(urllib.request.Request(url, data=data, method=method))
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    invocation = call(api + "next")
    id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
    seen = {"event": json.load(invocation), "environment": dict(os.environ)}
    eks = os.environ.get("AWS_ENDPOINT_URL_EKS")
    if eks:
        seen["cluster"] = json.load(call(eks + "/clusters/" + os.environ["LONGSHORE_CLUSTER"]))
    name = NAME
    bucket = os.environ["AWS_ENDPOINT_URL"] + "/" + os.environ["LONGSHORE_BUCKET"]
    for record in seen["event"]["Records"]:
        call(bucket + "/seen/" + name + "/" + record["messageId"], "PUT", json.dumps(seen).encode())
    call(api + id + "/response", "POST", b'{"batchItemFailures":[]}')
"#;

/// Where a test works.
pub struct Desk {
    directory: TempDir,
}

impl Desk {
    pub fn new() -> Desk {
        let directory = tempfile::Builder::new().prefix("longshore-stack-").tempdir().unwrap();
        let programs = directory.path().join("functions");
        std::fs::create_dir(&programs).unwrap();
        let python =
            Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
        let python = String::from_utf8(python.stdout).unwrap();
        for name in local::FUNCTIONS {
            let program = programs.join(name);
            std::fs::write(
                &program,
                format!("#!{}\n{}", python.trim(), FUNCTION.replace("NAME", &format!("'{name}'"))),
            )
            .unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        Desk { directory }
    }

    pub fn options(&self) -> StackOptions {
        StackOptions {
            state: self.directory.path().join("state"),
            cache: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stack-cache/longshore"),
            workspace: Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."),
            images: Vec::new(),
            program: env!("CARGO_BIN_EXE_longshore-stack").into(),
            functions: FunctionBuild::Directory(self.directory.path().join("functions")),
            cluster: ClusterChoice::Embedded,
            enforce_roles: false,
            owner: Some(std::process::id()),
        }
    }

    pub fn state(&self) -> PathBuf {
        self.options().state
    }

    pub async fn up(&self) -> Endpoints {
        up(self.options(), |_| ()).await.unwrap()
    }

    pub fn kill(&self, pid: u32) {
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
    }

    /// What is in the state directory besides the logs and the locks.
    pub fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.state()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.ends_with(".log") && !name.ends_with(".lock")).collect()
    }

    /// The living processes that have to do with this desk: it is in their arguments or in their environment.
    pub fn processes(&self) -> Vec<String> {
        let mark = self.directory.path().to_str().unwrap();
        let read =
            |path: PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .filter(|process| !process.ends_with(std::process::id().to_string()))
            .map(|process| (read(process.join("cmdline")), read(process.join("environ"))))
            .filter(|(arguments, environment)| arguments.contains(mark) || environment.contains(mark))
            .map(|(arguments, _)| arguments.replace('\0', " "))
            .collect()
    }

    /// Waits until no process is left. One that is being killed loses its command line, by which it is found, a moment before it has ended.
    pub async fn no_process_soon(&self) {
        let gone = async {
            while !self.processes().is_empty() || local::running(&self.state()).is_some() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), gone).await;
        assert!(ended.is_ok(), "processes are left: {:?}", self.processes());
    }
}
