//! What the machine was.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A machine at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// Processors that this program may use.
    pub cores: usize,
    /// What they are.
    pub model: String,
    /// Memory.
    pub memory_gib: f64,
    /// Version of Linux.
    pub kernel: String,
    /// Programs that wanted to run, average of the last minute.
    pub load: f64,
    /// Others were at work: figures of time are worth less.
    pub loaded: bool,
    /// When.
    pub at: Timestamp,
}

/// Above this share of the cores the machine counts as loaded.
const QUIET: f64 = 0.5;

impl Machine {
    /// This machine.
    #[expect(clippy::disallowed_methods, reason = "a benchmark tells real time")]
    pub fn now() -> Machine {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let total = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kib: f64 = total.trim_end_matches(" kB").parse().unwrap_or(f64::NAN);
        let load = read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok());
        let load = load.unwrap_or(f64::NAN);
        Machine {
            cores,
            model: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned()),
            memory_gib: kib / 1024.0 / 1024.0,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load,
            loaded: load > QUIET * cores as f64,
            at: Timestamp::now(),
        }
    }
}
