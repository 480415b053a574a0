//! Names and paths that the document's author, the pod and the collection must agree on. Those of the paths are Kestra's, so that its tasks run unchanged.

/// Name of the container that a script task runs in.
pub const MAIN: &str = "main";

/// Name of the init container that prepares the working directory and fetches input files.
pub const INIT_CARRIER: &str = "init-files";

/// Name of the sidecar through which output files are collected.
pub const OUT_CARRIER: &str = "out-files";

/// Name of the volume that the containers share.
pub const VOLUME: &str = "kestra-files";

/// Name of the volume for a return value.
pub const VALUE_VOLUME: &str = "longshore-value";

/// Where the volume that they share is mounted in every container.
pub const VOLUME_PATH: &str = "/kestra";

/// The working directory: `{{ workingDir }}`, `WORKING_DIR`.
pub const WORKING_DIR: &str = "/kestra/working-dir";

/// Name of the output directory below the working directory: `{{ outputDir }}`, `OUTPUT_DIR`.
pub const OUTPUT_DIR: &str = "outputs";

/// Folder in the working directory for scripts too long for a command line. No input file may be put there.
pub const SCRIPT_DIR: &str = ".longshore";

/// Where the helper lies in its own image.
pub const HELPER: &str = "/longshore-helper";

/// Where the helper is put for the other containers of a pod: on the shared volume, beside the working directory.
pub const HELPER_COPY: &str = "/kestra/.longshore/helper";

/// Seconds that a pod may live beyond its waiting and running limits, so that its files can be collected.
pub const COLLECTION_SECONDS: u64 = 900;
