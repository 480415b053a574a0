//! What a process has used, by what the kernel says of it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// A process, by its id.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// Processor time of its threads, to the nanosecond once they sleep.
    pub fn cpu(self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0)).into_iter().flatten().flatten();
        tasks.filter_map(|task| running_time(&task.path().join("schedstat"))).sum()
    }

    /// The most memory it has had since [`Process::forget_peak`].
    pub fn peak_mib(self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        Ok(peak.context("no peak")?.trim().parse::<f64>()? / 1024.0)
    }

    /// Let the peak be what it has now.
    pub fn forget_peak(self) -> Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.0), "5").context("cannot reset the peak")
    }
}

/// Processor time of the calling thread.
pub fn thread_cpu() -> Duration {
    running_time(Path::new("/proc/thread-self/schedstat")).unwrap_or_default()
}

/// The first number of `schedstat`: nanoseconds on a processor.
fn running_time(path: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
}
