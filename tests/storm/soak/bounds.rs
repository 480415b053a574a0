//! How much more a stack at rest may use after a soak than before it.

use crate::soak::sample::Sample;

/// KiB that the largest instance of a function may have grown by: allocators keep what they once had, and more at once needs more.
const FUNCTION_KIB: u64 = 8 * 1024;

/// KiB for the embedded cluster: it keeps the last changes for watches (about 50 MiB) and events for an hour, as an API server does.
const CLUSTER_KIB: u64 = 80 * 1024;

/// KiB for the command that follows a log.
const COMMAND_KIB: u64 = 8 * 1024;

/// Open files of one process: connections that are kept for the next request.
const OPEN_FILES: usize = 12;

/// Processes of all functions: the emulator starts one for each batch in flight at once, 5 for a queue and 20 for that of `collect`, and keeps some.
const INSTANCES: usize = 46;

/// Messages that are not due yet: looks at limits that never came.
const DELAYED: u32 = 8;

/// What has grown beyond its bound, in words; nothing else may have grown at all.
pub fn grown(warm: &Sample, end: &Sample) -> Vec<String> {
    let mut grown = Vec::new();
    let mut compare = |what: &str, before: u64, after: u64, more: u64| {
        if after > before + more {
            grown.push(format!(
                "{what}: {before} after the warm-up, {after} at the end, {more} more are allowed"
            ));
        }
    };
    for (name, after) in &end.functions {
        // One that is new at the end is compared with the largest of the others.
        let others = warm.functions.values().map(|instances| instances.memory_kib).max().unwrap_or(0);
        let before = warm.functions.get(name).map_or(others, |instances| instances.memory_kib);
        compare(&format!("KiB of {name}"), before, after.memory_kib, FUNCTION_KIB);
        let files = warm.functions.values().map(|instances| instances.open_files).max().unwrap_or(0);
        compare(&format!("open files of {name}"), files as u64, after.open_files as u64, OPEN_FILES as u64);
    }
    let instances: usize = end.functions.values().map(|instances| instances.count).sum();
    compare("instances of functions", 0, instances as u64, INSTANCES as u64);
    compare("KiB of the cluster", warm.cluster_kib, end.cluster_kib, CLUSTER_KIB);
    compare("KiB of the command", warm.command_kib, end.command_kib, COMMAND_KIB);
    for (what, before, after, more) in [
        ("open files of the cluster", warm.cluster_files, end.cluster_files, OPEN_FILES),
        ("open files of the command", warm.command_files, end.command_files, OPEN_FILES),
        ("processes of pods", warm.processes, end.processes, 0),
        ("mounts", warm.mounts, end.mounts, 0),
        ("files", warm.files, end.files, 0),
        ("active objects", warm.active, end.active, 0),
        ("cursors", warm.cursors, end.cursors, 0),
        ("pods", warm.pods, end.pods, 0),
    ] {
        compare(what, before as u64, after as u64, more as u64);
    }
    compare("messages due", u64::from(warm.due), u64::from(end.due), 0);
    compare("messages not due yet", u64::from(warm.delayed), u64::from(end.delayed), u64::from(DELAYED));
    grown
}

#[test]
fn what_stays_is_no_growth_and_what_leaks_is_named() {
    use crate::soak::sample::Instances;
    let poll = |memory_kib, open_files| {
        [("poll".to_owned(), Instances { count: 1, memory_kib, open_files })].into_iter().collect()
    };
    let warm = Sample { functions: poll(20_000, 14), mounts: 30, files: 100, ..Sample::default() };
    let same = Sample {
        functions: poll(20_000 + FUNCTION_KIB, 14),
        results: 900,
        emulator_kib: 1 << 30,
        ..warm.clone()
    };
    assert_eq!(grown(&warm, &same), Vec::<String>::new());
    let leaks =
        Sample { functions: poll(20_001 + FUNCTION_KIB, 40), mounts: 31, files: 101, due: 1, ..warm.clone() };
    let named: Vec<String> =
        grown(&warm, &leaks).iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(named, ["KiB of poll", "open files of poll", "mounts", "files", "messages due"]);
}
