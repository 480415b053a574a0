//! A file that a container writes to hand a value on.

use serde::{Deserialize, Serialize};

/// A file whose value becomes an output of the run. It lies in a volume of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueFile {
    /// The container that may write it.
    pub container: String,
    /// Where the volume is mounted, an absolute path.
    pub directory: String,
    /// Name of the file in it.
    pub file: String,
    /// Name of the output.
    pub output: String,
}

impl ValueFile {
    /// Absolute path of the file.
    pub fn path(&self) -> String {
        format!("{}/{}", self.directory, self.file)
    }
}
