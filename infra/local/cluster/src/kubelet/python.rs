//! The Python of this machine, wherever it is, made visible in every container.

use crate::container::is_in_userland;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// How long the question may take that is asked once at the start.
const PATIENCE: Duration = Duration::from_secs(20);
const QUESTION: &str = "import sys; print(sys.executable); print(sys.prefix); print(sys.base_prefix)";

/// What containers need to run the Python of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Python {
    /// Directories outside of the userland, to be shown at their own paths.
    pub visible: Vec<PathBuf>,
    /// Directories for the front of `PATH`.
    pub search_path: Vec<PathBuf>,
    /// The interpreter, when it has no sibling called `python`.
    pub executable: Option<PathBuf>,
}

impl Python {
    /// Ask the `python3` on the `PATH`; a machine without one gets containers without one.
    pub async fn find() -> Python {
        let mut command = tokio::process::Command::new("python3");
        command
            .args(["-I", "-c", QUESTION])
            .current_dir("/")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, command.output()).await else {
            return Python::default();
        };
        let answer = String::from_utf8_lossy(&answer.stdout);
        let mut lines = answer.lines().map(PathBuf::from);
        let (Some(executable), Some(prefix), Some(base)) = (lines.next(), lines.next(), lines.next()) else {
            return Python::default();
        };
        Python::at(&executable, &[prefix, base])
    }

    fn at(executable: &Path, prefixes: &[PathBuf]) -> Python {
        let mut python = Python { visible: hidden(prefixes), ..Python::default() };
        let directory = executable.parent().map(Path::to_owned).unwrap_or_default();
        if !directory.join("python").exists() {
            python.executable = Some(executable.to_owned());
            python.search_path.push(crate::container::PYTHON_DIRECTORY.into());
        }
        if !is_in_userland(&directory) {
            python.search_path.push(directory);
        }
        python
    }

    /// The directories that a virtual environment needs: itself and the installation it was made from.
    pub fn of_environment(directory: &Path) -> Vec<PathBuf> {
        let text = std::fs::read_to_string(directory.join("pyvenv.cfg")).unwrap_or_default();
        let home = text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "home");
        let home = home.map(|(_, value)| PathBuf::from(value.trim()));
        // `home` is the directory of the interpreter; libraries are beside it.
        let installations =
            home.iter().flat_map(|home| [Some(home.clone()), home.canonicalize().ok()]).flatten();
        let mut needed: Vec<PathBuf> =
            installations.map(|home| home.parent().map(Path::to_owned).unwrap_or(home)).collect();
        needed.push(directory.to_owned());
        hidden(&needed)
    }
}

/// Those that the userland does not show, each once.
fn hidden(directories: &[PathBuf]) -> Vec<PathBuf> {
    let mut hidden: Vec<PathBuf> = Vec::new();
    for directory in directories {
        let is_shown = is_in_userland(directory) || directory.parent().is_none() || !directory.is_dir();
        if !is_shown && !hidden.contains(directory) {
            hidden.push(directory.clone());
        }
    }
    hidden
}
