//! What a stack uses at one moment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::Result;

use crate::processes::{Process, census, short};
use crate::scene::Scene;

/// The processes of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    /// How many.
    pub count: usize,
    /// Resident memory of the largest, in KiB.
    pub memory_kib: u64,
    /// Open files of the one that has most.
    pub open_files: usize,
}

/// A look at everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Seconds since the stack came up.
    pub seconds: u64,
    /// Results so far.
    pub results: usize,
    /// Functions, by name.
    pub functions: BTreeMap<String, Instances>,
    /// Resident memory of the embedded cluster, in KiB.
    pub cluster_kib: u64,
    /// Its open files.
    pub cluster_files: usize,
    /// Resident memory of the emulator, in KiB; it keeps the bucket.
    pub emulator_kib: u64,
    /// Resident memory of the command that follows a log, in KiB.
    pub command_kib: u64,
    /// Its open files.
    pub command_files: usize,
    /// Processes of pods.
    pub processes: usize,
    /// Mounts that the cluster sees.
    pub mounts: usize,
    /// Files and directories of the stack but for the emulator's.
    pub files: usize,
    /// Messages that are due.
    pub due: u32,
    /// Messages that are not due yet.
    pub delayed: u32,
    /// Objects below `active/`, `waiting/` and `heartbeats/`.
    pub active: usize,
    /// Objects below `cursors/`.
    pub cursors: usize,
    /// Pods that are there.
    pub pods: usize,
}

impl Sample {
    /// What the columns of a line are.
    pub const HEAD: &str = "   s results | MiB: functions (largest) cluster command emulator | instances open-files | processes mounts files | due delayed active cursors pods";

    /// Look; `follower` is the process of the command.
    pub async fn take(scene: &Scene, follower: u32, results: usize) -> Result<Sample> {
        let rest = scene.rest().await?;
        let endpoints = &scene.stack.endpoints;
        let census = census(endpoints.pid);
        let mut functions: BTreeMap<String, Instances> = BTreeMap::new();
        for (name, process) in &census.functions {
            let instances = functions.entry(name.clone()).or_default();
            instances.count += 1;
            instances.memory_kib = instances.memory_kib.max(process.memory_kib);
            instances.open_files = instances.open_files.max(process.open_files());
        }
        let memory = |process: &Option<Process>| process.as_ref().map_or(0, |process| process.memory_kib);
        let files = |process: &Option<Process>| process.as_ref().map_or(0, Process::open_files);
        let command = Process::read(follower);
        let mounts = std::fs::read_to_string(format!("/proc/{}/mountinfo", endpoints.pid))?;
        Ok(Sample {
            seconds: scene.seconds(),
            results,
            functions,
            cluster_kib: memory(&census.daemon),
            cluster_files: files(&census.daemon),
            emulator_kib: memory(&census.emulator),
            command_kib: memory(&command),
            command_files: files(&command),
            processes: census.others.len(),
            mounts: mounts.lines().count(),
            files: count(scene.stack.state_directory(), "emulator"),
            due: rest.due.values().sum(),
            delayed: rest.delayed,
            active: rest.active.len(),
            cursors: scene.stack.cloud.keys("cursors/").await?.len(),
            pods: rest.pods.len(),
        })
    }
}

/// Files and directories below a directory; what is called `except` there is left out.
fn count(directory: &Path, except: &str) -> usize {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let counted = entries.filter(|entry| entry.file_name() != except).map(|entry| {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        1 + if is_directory { count(&entry.path(), "") } else { 0 }
    });
    counted.sum()
}

impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |kib: u64| (kib + 512) / 1024;
        let largest: Vec<String> = self
            .functions
            .iter()
            .map(|(name, instances)| format!("{} {}", short(name), mib(instances.memory_kib)))
            .collect();
        let instances: usize = self.functions.values().map(|instances| instances.count).sum();
        let files = self.functions.values().map(|instances| instances.open_files).max().unwrap_or(0);
        write!(
            formatter,
            "{:>4} {:>5} | {}; {} {} {} | {instances} {}+{}+{files} | {} {} {} | {} {} {} {} {}",
            self.seconds,
            self.results,
            largest.join(", "),
            mib(self.cluster_kib),
            mib(self.command_kib),
            mib(self.emulator_kib),
            self.cluster_files,
            self.command_files,
            self.processes,
            self.mounts,
            self.files,
            self.due,
            self.delayed,
            self.active,
            self.cursors,
            self.pods,
        )
    }
}
