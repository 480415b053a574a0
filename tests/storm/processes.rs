//! The processes of a stack, from `/proc`: those that its daemon started, and theirs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    parent: u32,
    /// When it started, in clock ticks since the machine did; with the id it names a process for good.
    started: u64,
    /// Clock ticks that it has worked.
    pub worked: u64,
    /// Resident memory in KiB.
    pub memory_kib: u64,
    /// What it was started as.
    pub program: String,
}

impl Process {
    /// What is known of a process; `None` when it has ended.
    pub fn read(pid: u32) -> Option<Process> {
        let directory = directory(pid);
        let stat = std::fs::read_to_string(directory.join("stat")).ok()?;
        // The name in parentheses may hold anything; the fields after it are counted from the state, the third.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields.get(index - 3)?.parse::<u64>().ok();
        if matches!(*fields.first()?, "Z" | "X") {
            return None;
        }
        let status = std::fs::read_to_string(directory.join("status")).ok()?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let arguments = std::fs::read(directory.join("cmdline")).ok()?;
        let program = arguments.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(Process {
            pid,
            parent: u32::try_from(number(4)?).ok()?,
            started: number(22)?,
            worked: number(14)? + number(15)?,
            memory_kib: memory.and_then(|text| text.trim().split(' ').next()?.parse().ok()).unwrap_or(0),
            program: String::from_utf8_lossy(program).into_owned(),
        })
    }

    /// How many files it has open.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(directory(self.pid).join("fd")).map_or(0, Iterator::count)
    }

    /// The function whose program it is, if it is one: by the variable that the emulator sets.
    pub fn function(&self) -> Option<String> {
        if !self.program.ends_with("/bootstrap") {
            return None;
        }
        let environment = std::fs::read(directory(self.pid).join("environ")).ok()?;
        environment.split(|byte| *byte == 0).find_map(|variable| {
            let name = variable.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME=")?;
            Some(String::from_utf8_lossy(name).into_owned())
        })
    }

    /// End it at once, if it is still the one that was read; it does not notice.
    pub fn destroy(&self) -> bool {
        let is_same = Process::read(self.pid).is_some_and(|now| now.started == self.started);
        let pid = i32::try_from(self.pid).map(Pid::from_raw);
        is_same && pid.is_ok_and(|pid| kill(pid, Signal::SIGKILL).is_ok())
    }
}

fn directory(pid: u32) -> PathBuf {
    PathBuf::from("/proc").join(pid.to_string())
}

/// A process and all that descend from it.
pub fn tree(root: u32) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut children: BTreeMap<u32, Vec<Process>> = BTreeMap::new();
    for process in pids.filter_map(Process::read) {
        children.entry(process.parent).or_default().push(process);
    }
    let (mut found, mut next) = (Vec::from_iter(Process::read(root)), vec![root]);
    while let Some(parent) = next.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            next.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// The processes of a stack by what they are.
#[derive(Clone, Debug, Default)]
pub struct Census {
    /// The daemon, which is the embedded cluster.
    pub daemon: Option<Process>,
    /// The AWS emulator.
    pub emulator: Option<Process>,
    /// The functions, each with the name that it is deployed under.
    pub functions: Vec<(String, Process)>,
    /// All others: containers and what holds them.
    pub others: Vec<Process>,
}

/// Who lives in the stack of a daemon.
pub fn census(daemon: u32) -> Census {
    let mut census = Census::default();
    for process in tree(daemon) {
        if process.pid == daemon {
            census.daemon = Some(process);
        } else if let Some(function) = process.function() {
            census.functions.push((function, process));
        } else if process.parent == daemon && process.program.contains("python") {
            census.emulator = Some(process);
        } else {
            census.others.push(process);
        }
    }
    census
}

/// `longshore-SubmitFunction-abc` is `Submit`.
pub fn short(function: &str) -> &str {
    let name = function.strip_prefix("longshore-").unwrap_or(function);
    name.split_once("Function").map_or(name, |(short, _)| short)
}
