//! The helper's transfers against those of the SDK, on the same store in the same run, turn about.
//!
//! `just bench-direct`, or `cargo bench -p longshore-tests --bench direct -- MIB` for another size. The helper is the static one of `just helper`.

#[path = "../../e2e/cloud.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod cloud;
#[path = "../../e2e/ground.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod ground;
#[path = "../../e2e/stack.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod stack;

#[path = "../book/mod.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest")]
mod book;
mod helper;
mod plain;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::book::{Chapter, Goal, Row, Samples};
use crate::helper::Helper;
use crate::plain::Plain;
use crate::stack::Stack;

/// Rounds of each transfer.
const ROUNDS: u32 = 3;

const MIB: u64 = 1024 * 1024;

#[tokio::main]
async fn main() -> Result<()> {
    let mib = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1024_u64);
    let stack = Stack::own("direct").await?;
    let outcome = measure(&stack, mib).await;
    let down = stack.command().arg("down").output().await?;
    ensure!(down.status.success(), "the stack does not stop: {}", String::from_utf8_lossy(&down.stderr));
    let mut chapter = Chapter::begin("direct");
    chapter.rows = outcome?;
    chapter.tell()
}

async fn measure(stack: &Stack, mib: u64) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let work = folder.path().join("work");
    std::fs::create_dir(&work)?;
    let file = work.join("large.bin");
    fill(&file, mib)?;
    let plain = Plain::on(stack, mib * MIB);
    let helper = Helper::find(stack, folder.path())?;
    let (mut out, mut into, mut joining) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak = 0;
    for round in 0..ROUNDS {
        let sent = plain.upload(&file).await?;
        let uploaded = helper.upload(round).await?;
        let joined = helper.join(round).await?;
        // Nobody's writing waits for what another one has written.
        written().await?;
        let got = plain.download(&folder.path().join("plain")).await?;
        written().await?;
        let fetched = helper.fetch(round, &file).await?;
        peak = peak.max(uploaded.peak_kib).max(fetched.peak_kib);
        out.push(ratio(sent, uploaded.took + joined));
        into.push(ratio(got, fetched.took));
        joining.push(joined.as_secs_f64() / (uploaded.took + joined).as_secs_f64());
        helper.forget(round, stack).await?;
    }
    let size = std::fs::metadata(&helper.program)?.len() as f64 / 1e6;
    let median = |name: &str, figures, unit: &str| Row::median(name, &Samples::of(figures), unit);
    Ok(vec![
        median(&format!("direct: {mib} MiB out, of the SDK's rate"), out, "ratio")
            .with(Goal::AtLeast(0.8))
            .if_missed(
                "the store reads and hashes every byte again when it joins the pieces, see the share below",
            ),
        median(&format!("direct: {mib} MiB in, of the SDK's rate"), into, "ratio").with(Goal::AtLeast(0.8)),
        median("direct: joining, share of the way out", joining, "ratio"),
        Row::new("direct: helper on disk", size, "MB").with(Goal::AtMost(6.0)),
        Row::new("direct: helper in memory, peak", peak as f64 / 1024.0, "MiB").with(Goal::AtMost(48.0)),
    ])
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// Wait until all that was written is on the disk.
async fn written() -> Result<()> {
    ensure!(Command::new("sync").status().await?.success(), "sync fails");
    Ok(())
}

fn ratio(plain: Duration, direct: Duration) -> f64 {
    plain.as_secs_f64() / direct.as_secs_f64()
}

/// Bytes that do not repeat within a piece.
fn fill(file: &Path, mib: u64) -> Result<()> {
    use std::io::Write as _;
    let mut writer = std::io::BufWriter::new(std::fs::File::create(file)?);
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..mib * MIB / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        writer.write_all(&state.to_le_bytes())?;
    }
    writer.flush().context("no room for the file")
}
