//! The local stack: this repository's `template.yaml` deployed to an AWS emulator, and the embedded cluster.
//!
//! [`up`] starts a daemon (the program that calls it, entered again through [`reenter`]) and waits until it is ready.
//! The daemon owns everything: the emulator is its child, the embedded cluster runs inside it, and when it ends,
//! however it ends, nothing stays behind. [`running`] finds it and [`down`] ends it.

pub mod aws;
pub mod cargo;
mod clock;
mod cloudformation;
mod daemon;
mod deploy;
mod directory;
mod down;
mod eks;
mod embedded;
mod emulator;
mod endpoints;
mod error;
mod functions;
mod http;
mod options;
mod package;
mod process;
mod progress;
mod rbac;
mod reenter;
mod sessions;
mod tail;
mod up;
mod venv;

pub use daemon::serve;
pub use down::{Stopped, down};
pub use endpoints::{Endpoints, running};
pub use error::StackError;
pub use functions::FUNCTIONS;
pub use options::{ClusterChoice, FunctionBuild, Profile, StackOptions};
pub use progress::Progress;
pub use reenter::reenter;
pub use up::up;
