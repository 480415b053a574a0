//! A large file passes through a small function.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;

use crate::stack::Stack;
use crate::tasks::{Document, shell};

const BYTES: u64 = 200 * 1024 * 1024;

#[tokio::test]
async fn a_file_of_200_mib_passes_while_collect_stays_within_its_memory() -> Result<()> {
    let stack = Stack::shared().await?;
    let commands = [
        format!("head -c {BYTES} /dev/urandom > large.bin"),
        r#"printf '::{"outputs":{"sha256":"%s"}}::\n' "$(sha256sum large.bin | cut -d' ' -f1)""#.to_owned(),
    ];
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let document = Document::of(&shell("large", &commands, json!({"outputFiles": ["large.bin"]})))?;
    let out = document.beside("out");
    let arguments =
        ["run".as_ref(), document.file.as_os_str(), "--json".as_ref(), "--out".as_ref(), out.as_os_str()];
    let run = stack.longshore(&arguments);
    let watch = peak_of_collect(&stack);
    // The function lives on after the run, so its peak is read last; a look now and then is for one that does not.
    let mut watch = Box::pin(watch);
    let outcome = tokio::select! {
        outcome = run => outcome?,
        never = &mut watch => never?,
    };
    let result = outcome.ended_with(0)?;
    let hash = result.outputs.get("sha256").and_then(|value| value.as_str()).context("no hash was told")?;
    let [file] = result.output_files.as_slice() else { panic!("{:?}", result.output_files) };
    assert_eq!((file.path.as_str(), file.size, file.sha256.as_str()), ("large.bin", BYTES, hash));
    assert_eq!(sha256sum(&out.join("large.bin"))?, hash);

    let (peak, limit) = (peaks(&stack)?, memory_size()?);
    let peak = peak.into_iter().max().context("the function `collect` does not live")?;
    println!("collect: peak {} MiB of {limit} MiB", peak / 1024);
    assert!(peak < limit * 1024, "collect took {peak} KiB of {limit} MiB");
    Ok(())
}

/// Never ends but with an error: that of an instance that passed the limit.
async fn peak_of_collect(stack: &Stack) -> Result<crate::command::Outcome> {
    let limit = memory_size()? * 1024;
    loop {
        if let Some(peak) = peaks(stack)?.into_iter().find(|peak| *peak >= limit) {
            anyhow::bail!("collect took {peak} KiB, and may take {limit}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// The most memory in KiB that each living instance of `collect` has had.
fn peaks(stack: &Stack) -> Result<Vec<u64>> {
    let function = format!("AWS_LAMBDA_FUNCTION_NAME={}", stack.endpoints.collect_function);
    let endpoint = format!("AWS_ENDPOINT_URL={}", stack.endpoints.endpoint_url);
    let mut peaks = Vec::new();
    for process in std::fs::read_dir("/proc")?.flatten().map(|entry| entry.path()) {
        let read = |name: &str| std::fs::read(process.join(name)).unwrap_or_default();
        let environment = read("environ");
        let has = |wanted: &str| environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes());
        if !has(&function) || !has(&endpoint) {
            continue;
        }
        let status = String::from_utf8_lossy(&read("status")).into_owned();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peaks.extend(peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()));
    }
    Ok(peaks)
}

/// `MemorySize` of the functions in the template, in MiB.
fn memory_size() -> Result<u64> {
    let template = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml"))?;
    let mut sizes = template.lines().filter_map(|line| line.trim().strip_prefix("MemorySize: "));
    let size = sizes.next().context("the template says nothing about memory")?;
    anyhow::ensure!(sizes.next().is_none(), "the template has several memory sizes");
    Ok(size.parse()?)
}

/// By another program than the one under test.
fn sha256sum(file: &Path) -> Result<String> {
    let output = Command::new("sha256sum").arg(file).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}
