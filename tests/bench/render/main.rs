//! The time of `longshore render` as a process, from its start to its end: for an example, and for a document as large as people's get.
//!
//! `cargo bench -p longshore-tests --bench render`, after `cargo build --release -p longshore-cli`: the program beside the benchmark in the target
//! directory is measured, or the one whose path is given after `--`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use serde_json::{Map, Value, json};
use shared::clock::{Clock, SystemClock};

/// Measured processes for each document.
const RUNS: usize = 50;

/// Processes before them, for the page cache.
const WARM_UP: usize = 5;

/// The goal for the median, in milliseconds.
const GOAL_MS: f64 = 20.0;

fn main() -> Result<()> {
    let program = program()?;
    let folder = tempfile::tempdir()?;
    let large = folder.path().join("large.json");
    std::fs::write(&large, large_document().to_string())?;
    let yaml = folder.path().join("large.yaml");
    std::fs::write(&yaml, format!("# the same, read as YAML\n{:#}", large_document()))?;
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/examples/hello.yaml");
    println!("{:<28} {:>10} {:>10} {:>10} {:>10}", "document", "bytes", "median ms", "p90 ms", "max ms");
    let mut medians = Vec::new();
    for (name, path) in
        [("hello.yaml", small), ("large document, JSON", large), ("large document, YAML", yaml)]
    {
        let times = measure(&program, &path)?;
        let at =
            |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).copied().unwrap_or(f64::NAN);
        let bytes = std::fs::metadata(&path)?.len();
        println!("{name:<28} {bytes:>10} {:>10.1} {:>10.1} {:>10.1}", at(0.5), at(0.9), at(1.0));
        medians.push(at(0.5));
    }
    let is_reached = medians.iter().all(|median| *median <= GOAL_MS);
    println!("goal: median of {GOAL_MS} ms: {}", if is_reached { "reached" } else { "missed" });
    Ok(())
}

/// The one that is named, else the one beside this benchmark.
fn program() -> Result<PathBuf> {
    // cargo adds `--bench`
    if let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) {
        return Ok(path.into());
    }
    let here = std::env::current_exe()?;
    let directory = here.parent().and_then(Path::parent).context("the benchmark has no target directory")?;
    Ok(directory.join("longshore"))
}

/// Milliseconds of each process, sorted.
fn measure(program: &PathBuf, document: &Path) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(RUNS);
    for run in 0..RUNS + WARM_UP {
        let begun = SystemClock.now();
        let status = Command::new(program)
            .args(["render", "--json"])
            .arg(document)
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("cannot start `{}`; build it first", program.display()))?;
        let taken = SystemClock.now().duration_since(begun);
        ensure!(status.success(), "`{}` is not rendered", document.display());
        if run >= WARM_UP {
            times.push(taken.as_secs_f64() * 1000.0);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// 300 commands with templates, 200 variables, 100 input files of 1 KiB, 20 sidecars with 20 mounts each.
fn large_document() -> Value {
    let name = |kind: &str, number: usize| format!("{kind}{number}");
    let env: Map<String, Value> = (0..200)
        .map(|number| (name("VARIABLE_", number), format!("{{{{ flow.id }}}} {number}").into()))
        .collect();
    let inputs: Map<String, Value> =
        (0..100).map(|number| (format!("in/{number}.txt"), "0123456789abcde\n".repeat(64).into())).collect();
    let volumes: Vec<Value> =
        (0..20).map(|number| json!({"name": name("v", number), "emptyDir": {}})).collect();
    let mounts: Vec<Value> = (0..20)
        .map(|number| json!({"name": name("v", number), "mountPath": format!("/volumes/{number}")}))
        .collect();
    let sidecars: Vec<Value> = (0..20)
        .map(|number| json!({"name": name("side-", number), "image": "busybox", "command": ["sleep", "1"], "volumeMounts": mounts}))
        .collect();
    let commands: Vec<String> =
        (0..300).map(|number| format!("echo {{{{ vars.place }}}} {number}")).collect();
    json!({
        "id": "large",
        "namespace": "bench",
        "variables": {"place": "here"},
        "tasks": [{
            "id": "load",
            "type": "io.kestra.plugin.scripts.shell.Commands",
            "commands": commands,
            "env": env,
            "inputFiles": inputs,
            "outputFiles": ["out/**"],
            "taskRunner": {
                "type": "io.kestra.plugin.kubernetes.runner.Kubernetes",
                "podSpec": {"containers": sidecars, "volumes": volumes},
                "containerDefaultSpec": {"securityContext": {"runAsNonRoot": true}, "env": [{"name": "SHARED", "value": "yes"}]},
            },
        }],
    })
}
