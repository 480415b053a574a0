//! Cold starts: from the start of each program to its first question for work and to its first answer, and the size of its package.

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::book::{Chapter, Goal, Row, Samples};
use crate::desk::objects::BUCKET;
use crate::desk::queue::{Message, batch};
use crate::desk::{Desk, GROUP, ms, now, task};

/// What is said of a figure without a package.
const UNPACKED: &str =
    "of the release program: `.ci/package x86_64` was not run before, whose profile makes smaller ones";

/// Starts of each program.
const STARTS: usize = 15;

/// Measure.
pub async fn measure(chapter: &mut Chapter) -> Result<()> {
    let desk = Desk::start(Some(json!({"rules": [{"steps": [{"turn": {"running": {}}}]}]}))).await?;
    // A run whose pod runs, so that the functions have something to look at.
    let submit = desk.function("submit").await?;
    submit.invoke(&batch(&[task("there", "true")]), Duration::from_secs(60)).await?;
    drop(submit);
    for function in local::FUNCTIONS {
        let packaged = packaged(function);
        let program = packaged.clone().unwrap_or_else(|| desk.program(function));
        let what = if packaged.is_some() { "as `.ci/package` made it" } else { UNPACKED };
        let (mut ready, mut answered) = (Vec::new(), Vec::new());
        for start in 0..STARTS {
            let begun = now();
            let instance = desk.instance(&program).await?;
            instance
                .invoke(&work(function, start), Duration::from_secs(if function == "poll" { 5 } else { 60 }))
                .await?;
            answered.push(ms(begun.elapsed()));
            ready.push(ms(instance.ready_after));
        }
        chapter.rows.extend([
            Row::median(&format!("cold start: {function} to its first question"), &Samples::of(ready), "ms")
                .with(Goal::AtMost(25.0)),
            Row::median(&format!("cold start: {function} to its first answer"), &Samples::of(answered), "ms")
                .with(Goal::AtMost(150.0)),
            Row::new(&format!("package of {function}, zipped"), zipped(&program)?, "MB")
                .with(Goal::AtMost(8.0))
                .noted(what),
        ]);
    }
    desk.end().await;
    Ok(())
}

/// The program of a package, where `.ci/package` has made one for this machine's architecture.
fn packaged(function: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/lambda");
    let program = folder.join(function).join("bootstrap");
    let bytes = std::fs::read(&program).ok()?;
    // e_machine of the ELF header: 62 is x86-64, 183 is AArch64.
    let machine: u8 = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
    (bytes.get(18) == Some(&machine)).then_some(program)
}

/// An invocation that goes to every service that the function usually meets.
fn work(function: &str, start: usize) -> Value {
    let look = json!({"group": GROUP, "runId": "there"});
    let message = |queue: &str, body: Value| batch(&[Message::new(queue, "cold", body.to_string())]);
    match function {
        "submit" => batch(&[task(&format!("cold-{start}"), "true")]),
        // Its deadline is so near that it looks once and ends.
        "poll" => message("wake.fifo", json!({"wake": {"group": GROUP}})),
        "collect" => message("collect", look),
        "cancel" => message("cancel", json!({"cancel": {"runId": format!("nobody-{start}")}})),
        "notify" => {
            let place = json!({"bucket": {"name": BUCKET}, "object": {"key": "runs/nobody/result.json"}});
            message("notify", json!({"Records": [{"eventSource": "aws:s3", "s3": place}]}))
        }
        _ => {
            let place = json!({
                "bucket": {"name": BUCKET},
                "object": {"key": format!("uploads/{start}"), "size": 1, "eTag": "e", "sequencer": "1"},
            });
            let event = json!({
                "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                "eventTime": "2026-11-21T00:00:00.000Z", "s3": place,
            });
            message("uploads", json!({"Records": [event]}))
        }
    }
}

/// Millions of bytes of the package, compressed as `.ci/package` does.
fn zipped(program: &Path) -> Result<f64> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file("bootstrap", options)?;
    writer.write_all(&std::fs::read(program)?)?;
    Ok(writer.finish()?.into_inner().len() as f64 / 1e6)
}
