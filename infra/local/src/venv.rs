//! The emulator's own Python environment.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::{StackError, tail};

/// The emulator: ministack (MIT), pinned. `full` brings the SAM transform.
const REQUIREMENT: &str = "ministack[full]==1.5.33";

/// Name of the environment's directory in the cache; changes with the requirement.
const NAME: &str = "ministack-1.5.33";

/// The Python that can run the emulator; makes its environment unless it is there.
///
/// The environment is made under another name and renamed when it is complete, so that a broken one is never found.
/// `making` is called when it has to be made, which takes about half a minute and needs the network.
///
/// # Errors
///
/// No `python3`, no `venv` module, or pip could not install the emulator.
pub(crate) async fn ensure(
    host_python: impl AsRef<OsStr>,
    cache: &Path,
    making: impl FnOnce(),
) -> Result<PathBuf, StackError> {
    std::fs::create_dir_all(cache).map_err(StackError::file("make", cache))?;
    let environment = cache.join(NAME);
    if is_usable(&environment) {
        return Ok(python(&environment));
    }
    making();
    let _one_at_a_time = lock(cache.join("environment.lock")).await?;
    if is_usable(&environment) {
        return Ok(python(&environment));
    }
    let incomplete = cache.join(format!("{NAME}.incomplete"));
    for leftover in [&incomplete, &environment] {
        if leftover.symlink_metadata().is_ok() {
            std::fs::remove_dir_all(leftover).map_err(StackError::file("remove", leftover))?;
        }
    }
    make(host_python.as_ref(), &incomplete).await?;
    install(&incomplete).await?;
    std::fs::rename(&incomplete, &environment).map_err(StackError::file("rename", incomplete))?;
    Ok(python(&environment))
}

/// The interpreter is a link to the host's, which may have been replaced by another version since.
fn is_usable(environment: &Path) -> bool {
    let Ok(libraries) = std::fs::read_dir(environment.join("lib")) else { return false };
    let installed =
        libraries.flatten().any(|version| version.path().join("site-packages/ministack").is_dir());
    installed && python(environment).exists()
}

fn python(environment: &Path) -> PathBuf {
    environment.join("bin/python3")
}

async fn make(host_python: &OsStr, environment: &Path) -> Result<(), StackError> {
    let mut command = Command::new(host_python);
    command.args(["-m", "venv"]).arg(environment);
    let output = match output(command).await {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(StackError::PythonMissing),
        Err(source) => return Err(StackError::Start { program: host_python.display().to_string(), source }),
    };
    if output.status.success() { Ok(()) } else { Err(StackError::VenvMissing { said: said(&output) }) }
}

async fn install(environment: &Path) -> Result<(), StackError> {
    let program = python(environment);
    let mut command = Command::new(&program);
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        REQUIREMENT,
    ]);
    let output = output(command)
        .await
        .map_err(|source| StackError::Start { program: program.display().to_string(), source })?;
    if output.status.success() {
        Ok(())
    } else {
        Err(StackError::Install { requirement: REQUIREMENT.into(), said: said(&output) })
    }
}

async fn output(mut command: Command) -> std::io::Result<Output> {
    command.stdin(Stdio::null()).kill_on_drop(true).output().await
}

/// `venv` complains on standard output, pip on standard error.
fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    tail::of(&String::from_utf8_lossy(&text))
}

async fn lock(path: PathBuf) -> Result<File, StackError> {
    let file = File::create(&path).map_err(StackError::file("open", &path))?;
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    locked.map_err(std::io::Error::other).flatten().map_err(StackError::file("lock", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

    use super::{NAME, ensure, is_usable};
    use crate::StackError;

    /// A `python3` whose `-m venv` copies it into the environment, and whose pip does `install` there.
    fn host_python(directory: &Path, venv: &str, install: &str) -> PathBuf {
        let script = format!(
            "#!/bin/sh\nset -e\nif [ \"$2\" = venv ]; then\n{venv}\nmkdir -p $3/bin\ncp $0 $3/bin/python3\n\
             else\nsite=$(dirname $0)/../lib/python3.13/site-packages\nmkdir -p $site\n{install}\nfi\n"
        );
        let path = directory.join("python3");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn a_machine_without_python_is_told_what_to_install() {
        let cache = tempfile::tempdir().unwrap();
        let error = ensure("/no/such/python3", cache.path(), || ()).await.unwrap_err();
        assert!(matches!(error, StackError::PythonMissing), "{error}");
        assert!(error.to_string().contains("apt install python3"), "{error}");
    }

    #[tokio::test]
    async fn a_python_without_venv_is_named_with_its_words() {
        let cache = tempfile::tempdir().unwrap();
        let python = host_python(cache.path(), "echo 'ensurepip is not available'; exit 1", "");
        let error = ensure(&python, cache.path(), || ()).await.unwrap_err().to_string();
        assert!(error.contains("python3-venv") && error.contains("ensurepip is not available"), "{error}");
    }

    #[tokio::test]
    async fn an_environment_that_pip_did_not_finish_is_made_again_and_then_kept() {
        let cache = tempfile::tempdir().unwrap();
        let python = host_python(cache.path(), "", "mkdir $site/ministack; echo 'no network' >&2; exit 1");
        let error = ensure(&python, cache.path(), || ()).await.unwrap_err().to_string();
        assert!(error.contains("no network") && error.contains("ministack[full]==1.5.33"), "{error}");
        assert!(!cache.path().join(NAME).exists());

        let python = host_python(cache.path(), "", "mkdir $site/ministack");
        let made = ensure(&python, cache.path(), || ()).await.unwrap();
        assert_eq!(made, cache.path().join(NAME).join("bin/python3"));
        let kept = ensure("/no/such/python3", cache.path(), || panic!("it is made again")).await.unwrap();
        assert_eq!(kept, made);
    }

    #[test]
    fn an_environment_whose_interpreter_is_gone_or_whose_emulator_is_missing_is_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let environment = directory.path();
        std::fs::create_dir_all(environment.join("bin")).unwrap();
        std::fs::create_dir_all(environment.join("lib/python3.11/site-packages")).unwrap();
        std::os::unix::fs::symlink("/bin/sh", environment.join("bin/python3")).unwrap();
        assert!(!is_usable(environment));
        std::fs::create_dir(environment.join("lib/python3.11/site-packages/ministack")).unwrap();
        assert!(is_usable(environment));
        std::fs::remove_file(environment.join("bin/python3")).unwrap();
        std::os::unix::fs::symlink("/no/such/python", environment.join("bin/python3")).unwrap();
        assert!(!is_usable(environment));
    }
}
