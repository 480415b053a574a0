//! What a stack that comes up is doing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of bringing up a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Progress {
    /// The emulator's Python environment is being made (once per version).
    MakingEnvironment,
    /// The functions are being built.
    BuildingFunctions {
        /// The latest line that cargo wrote, for example `Compiling shared v0.1.0`.
        latest: Option<String>,
    },
    /// The functions are being packaged.
    Packaging,
    /// The emulator starts.
    StartingEmulator,
    /// The embedded cluster starts.
    StartingCluster,
    /// The template is being deployed.
    Deploying,
    /// Everything answers.
    Ready,
}

impl fmt::Display for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Progress::MakingEnvironment => formatter.write_str("installing the AWS emulator"),
            Progress::BuildingFunctions { latest: None } => formatter.write_str("building the functions"),
            Progress::BuildingFunctions { latest: Some(line) } => {
                write!(formatter, "building the functions: {line}")
            }
            Progress::Packaging => formatter.write_str("packaging the functions"),
            Progress::StartingEmulator => formatter.write_str("starting the AWS emulator"),
            Progress::StartingCluster => formatter.write_str("starting the embedded cluster"),
            Progress::Deploying => formatter.write_str("deploying `template.yaml`"),
            Progress::Ready => formatter.write_str("ready"),
        }
    }
}
