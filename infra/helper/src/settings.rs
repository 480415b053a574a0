//! What the pod says: the only reader of the environment.

use std::path::PathBuf;

use shared::spec::layout::WORKING_DIR;

/// The variable that leads to the grants; the task's program does not get it.
pub const GRANTS: &str = "LONGSHORE_GRANTS";

/// Settings of a helper, from its environment, which the pod's builder writes.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `LONGSHORE_WORKING_DIR`: the working directory of the task.
    pub working_dir: PathBuf,
    /// `LONGSHORE_OUTPUT_DIR`: the output directory, absolute, when there is one.
    pub output_dir: Option<PathBuf>,
    /// `LONGSHORE_MANIFEST`: link to the manifest of the inputs.
    pub manifest: Option<String>,
    /// `LONGSHORE_GRANTS`: link to the grants for outputs and logs.
    pub grants: Option<String>,
    /// `LONGSHORE_INSTALL`: where `in` puts a copy of this program for the other containers.
    pub install: Option<PathBuf>,
    /// `LONGSHORE_TERMINATION_LOG`: where the reason of a failure is told to the cluster.
    pub termination_log: PathBuf,
}

impl Settings {
    /// Read the environment of this process.
    pub fn from_environment() -> Self {
        Self::read(environment)
    }

    /// Read from any source of variables; an empty one is none.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| get(name).filter(|text| !text.is_empty());
        let path = |name: &str| value(name).map(PathBuf::from);
        Settings {
            working_dir: path("LONGSHORE_WORKING_DIR").unwrap_or_else(|| WORKING_DIR.into()),
            output_dir: path("LONGSHORE_OUTPUT_DIR"),
            manifest: value("LONGSHORE_MANIFEST"),
            grants: value(GRANTS),
            install: path("LONGSHORE_INSTALL"),
            termination_log: path("LONGSHORE_TERMINATION_LOG")
                .unwrap_or_else(|| "/dev/termination-log".into()),
        }
    }

    /// A file of the helper's own: beside the working directory, so that no glob finds it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.working_dir.parent().unwrap_or(&self.working_dir).join(name)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
