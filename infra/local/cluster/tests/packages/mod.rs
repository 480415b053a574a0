//! Clients from PyPI, installed once beside the build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// This machine has no Python that makes virtual environments, or no room for one.
    #[error("no virtual environment: {0}")]
    Python(String),
    /// The package does not come.
    #[error("no package: {0}")]
    Package(String),
}

/// The virtual environment with `package` in it; the reason when there can be none.
///
/// Several tests may ask at once: each builds a directory of its own, and the first to finish gives it the name.
pub fn environment_with(package: &str) -> Result<PathBuf, Missing> {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let wanted = place.join(format!("python-{package}"));
    if wanted.exists() {
        return Ok(wanted);
    }
    fs::create_dir_all(place).map_err(|error| Missing::Python(error.to_string()))?;
    let fresh = tempfile::tempdir_in(place).map_err(|error| Missing::Python(error.to_string()))?;
    run(Command::new("python3").args(["-m", "venv"]).arg(fresh.path())).map_err(Missing::Python)?;
    let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--retries", "1", package];
    run(Command::new(fresh.path().join("bin/python")).args(pip)).map_err(Missing::Package)?;
    match fs::rename(fresh.path(), &wanted) {
        Err(error) if !wanted.exists() => Err(Missing::Python(error.to_string())),
        _ => Ok(wanted),
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
