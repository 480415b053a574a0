//! The local stack as the commands need it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use local::{ClusterChoice, Endpoints, FunctionBuild, Profile};
use shared::cluster::kubeconfig;

use crate::arguments::StackOptions;
use crate::environment::Environment;
use crate::exit::{CANCELLED, Failure};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::workspace;

/// A stack that answers.
#[derive(Debug)]
pub struct Stack {
    /// Where.
    pub endpoints: Endpoints,
    /// This command started it.
    pub started: bool,
}

/// The stack that runs.
///
/// # Errors
/// When none does.
pub fn running(environment: &Environment) -> Result<Endpoints, Failure> {
    local::running(&environment.state).ok_or_else(|| {
        Failure::unreachable("the local stack does not run").remedy("start it with `longshore up`")
    })
}

/// The running stack, or a new one. A new one ends with the process that owns it; without an owner it stays.
///
/// # Errors
/// When it cannot be started, or somebody interrupts; then nothing of it is left.
pub async fn ensure(
    typed: &StackOptions,
    owner: Option<u32>,
    environment: &Environment,
    progress: &mut Progress,
    interrupt: &Interrupt,
) -> Result<Stack, Failure> {
    let state = &environment.state;
    let ran_before = local::running(state).is_some();
    let options = options(typed, owner, environment)?;
    progress.begin("stack", if ran_before { "looking" } else { "starting" });
    let started = {
        let telling = RefCell::new(&mut *progress);
        tokio::select! {
            biased;
            () = interrupt.reached(1) => None,
            started = local::up(options, |step| telling.borrow_mut().detail(&step.to_string())) => Some(started),
        }
    };
    match started {
        Some(Ok(endpoints)) => {
            progress.done(if ran_before { "running already" } else { "up" });
            Ok(Stack { endpoints, started: !ran_before })
        }
        Some(Err(error)) => {
            progress.failed("does not come up");
            Err(Failure::unreachable("cannot start the local stack").because(&error))
        }
        None => {
            progress.failed("interrupted");
            if !ran_before {
                stop(state, progress).await?;
            }
            Err(Failure { code: CANCELLED, ..Failure::failed("interrupted before the stack was up") })
        }
    }
}

/// Stop the stack and everything in it; the answer says whether there was one.
///
/// # Errors
/// When it does not end.
pub async fn stop(state: &Path, progress: &mut Progress) -> Result<bool, Failure> {
    progress.begin("down", "stopping the local stack");
    match local::down(state).await {
        Ok(stopped) => {
            let was_running = matches!(stopped, local::Stopped::Stopped);
            progress.done(if was_running {
                "the local stack is stopped"
            } else {
                "no local stack was running"
            });
            Ok(was_running)
        }
        Err(error) => {
            progress.failed("the local stack does not stop");
            Err(Failure::unreachable("cannot stop the local stack").because(&error))
        }
    }
}

fn options(
    typed: &StackOptions,
    owner: Option<u32>,
    environment: &Environment,
) -> Result<local::StackOptions, Failure> {
    let unreadable =
        |what: &str, error: &std::io::Error| Failure::failed(format!("cannot find {what}")).because(error);
    let current = std::env::current_dir().map_err(|error| unreadable("the current directory", &error))?;
    let program = std::env::current_exe().map_err(|error| unreadable("this program", &error))?;
    let functions = match &typed.functions {
        Some(directory) => FunctionBuild::Directory(absolute(directory)?),
        // The profile this command was built with: its dependencies are compiled already.
        None if cfg!(debug_assertions) => FunctionBuild::Cargo(Profile::Debug),
        None => FunctionBuild::Cargo(Profile::Release),
    };
    Ok(local::StackOptions {
        state: environment.state.clone(),
        cache: environment.cache.clone(),
        workspace: workspace::find(environment, &current)?,
        images: typed.images.clone(),
        program,
        functions,
        cluster: cluster(typed, environment)?,
        enforce_roles: typed.enforce_roles,
        owner,
    })
}

/// The cluster that was typed, else that of the stack that runs, else the embedded one.
///
/// # Errors
/// When a file cannot be read, or is no kubeconfig that functions can use.
pub fn cluster(typed: &StackOptions, environment: &Environment) -> Result<ClusterChoice, Failure> {
    Ok(match (&typed.kubeconfig, &typed.hollow) {
        (Some(file), _) => {
            let path = absolute(file)?;
            // Before the functions are built, which takes minutes; and functions run no credential plugins.
            kubeconfig::connection(&path, None).map_err(|error| {
                Failure::wrong(format!("cannot use `--kubeconfig {}`", file.display())).because(&error)
            })?;
            ClusterChoice::Kubeconfig { file: path, advertise: typed.advertise.clone() }
        }
        (None, Some(script)) => ClusterChoice::Hollow { script: absolute(script)? },
        (None, None) => {
            local::running(&environment.state).map_or(ClusterChoice::Embedded, |endpoints| endpoints.cluster)
        }
    })
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize()
        .map_err(|error| Failure::wrong(format!("cannot read `{}`", path.display())).because(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::WRONG;

    #[test]
    fn a_kubeconfig_that_is_none_is_told_before_anything_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, "root:x:0:0:root:/root:/bin/bash\n").unwrap();
        let typed = StackOptions { kubeconfig: Some(file), ..StackOptions::default() };
        let failure = cluster(&typed, &Environment::default()).unwrap_err();
        assert_eq!(failure.code, WRONG);
        assert!(failure.what.starts_with("cannot use `--kubeconfig "), "{}", failure.what);
        assert!(!failure.causes.is_empty());
    }
}
