//! Where the pods of the tests run: in the embedded cluster of each stack, or in a real one that variables name.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// A cluster for a stack.
#[derive(Clone, Debug)]
pub enum Ground {
    /// The one that comes with the stack.
    Embedded,
    /// The same with hollow pods that follow this script.
    Hollow(PathBuf),
    /// Somebody else's.
    Real {
        /// How to reach it.
        kubeconfig: PathBuf,
        /// At which address its pods reach the stack's bucket.
        host: String,
    },
}

/// The ground of this run of the tests: `LONGSHORE_E2E_KUBECONFIG` and `LONGSHORE_E2E_HOST`, or the embedded cluster.
///
/// # Errors
/// A kubeconfig without a host.
pub fn ground() -> Result<Ground> {
    let Some(kubeconfig) = variable("LONGSHORE_E2E_KUBECONFIG") else { return Ok(Ground::Embedded) };
    let host = variable("LONGSHORE_E2E_HOST")
        .context("set LONGSHORE_E2E_HOST to the address at which the cluster's pods reach this machine")?;
    Ok(Ground::Real { kubeconfig: kubeconfig.into(), host })
}

/// Whether a test must be left out because it needs more than any cluster has; says so.
#[expect(clippy::print_stdout, reason = "the one who runs the tests is told")]
pub fn lacks(need: &str) -> bool {
    let lacks = variable("LONGSHORE_E2E_KUBECONFIG").is_some();
    if lacks {
        println!("skipped: needs {need}");
    }
    lacks
}

/// The image of shell tasks: `LONGSHORE_E2E_BUSYBOX`.
pub fn busybox() -> String {
    variable("LONGSHORE_E2E_BUSYBOX").unwrap_or_else(|| "busybox:1.37".into())
}

/// The image of Python tasks, with the package `kestra` in it: `LONGSHORE_E2E_PYTHON`.
pub fn python() -> String {
    variable("LONGSHORE_E2E_PYTHON").unwrap_or_else(|| "ghcr.io/kestra-io/pydata:latest".into())
}

/// Whether the functions of all stacks are held to their roles: `LONGSHORE_E2E_ENFORCE_ROLES=true`.
pub fn enforces_roles() -> bool {
    variable("LONGSHORE_E2E_ENFORCE_ROLES").is_some_and(|value| value == "true")
}

#[expect(clippy::disallowed_methods, reason = "the one who runs the tests says where by variables")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
