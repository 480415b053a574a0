//! The two commands that Longshore's collection runs in a carrier, answered from the files of the script: a listing by
//! `find` and `stat`, and an archive by `tar`. Every other command is refused.

use super::script::File;
use crate::node::{ExecOptions, ExecSession, Exit, NodeError, Output};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tar::{Builder, Header};

/// How much is sent at once.
const CHUNK: usize = 64 * 1024;
/// Chunks under way before the command has to wait.
const QUEUE: usize = 16;

/// Answer a command.
pub(super) fn open(files: &[File], options: &ExecOptions) -> Result<ExecSession, NodeError> {
    let script = options.command.iter().find(|word| word.contains(' ')).map_or("", String::as_str);
    if options.tty {
        return Err(NodeError::Unsupported("terminals (tty)".into()));
    }
    if files.is_empty() {
        return Err(NodeError::Unsupported("commands in a hollow pod whose script has no files".into()));
    }
    let (sender, output) = mpsc::channel(QUEUE);
    let (exit_sender, exit) = oneshot::channel();
    let (ours, theirs) = tokio::io::duplex(CHUNK);
    if script.contains("find ") {
        let listing = listing(files);
        tokio::spawn(async move {
            let mut theirs = theirs;
            // A reader that is gone wants nothing.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut theirs, &listing).await;
        });
    } else if script.contains("tar ") {
        let wanted: Vec<File> = options
            .command
            .iter()
            .filter_map(|word| {
                let path = word.strip_prefix("./")?;
                files.iter().find(|file| file.path == path).cloned()
            })
            .collect();
        tokio::spawn(archive(wanted, theirs));
    } else {
        return Err(NodeError::Unsupported(
            "commands other than listing and archiving in a hollow pod".into(),
        ));
    }
    tokio::spawn(async move {
        forward(ours, sender).await;
        // Whoever asked may be gone.
        let _ = exit_sender.send(Exit::Code(0));
    });
    let stdin = options.stdin.then(|| mpsc::channel(1).0);
    Ok(ExecSession { stdin, output, exit })
}

async fn forward(mut from: DuplexStream, to: mpsc::Sender<Output>) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let bytes = Bytes::copy_from_slice(chunk.get(..count).unwrap_or_default());
        if to.send(Output::Stdout(bytes)).await.is_err() {
            return;
        }
    }
}

/// As the shell of the carrier prints it: the number of files, a line of facts for each, their names; `end` and `find`'s code.
fn listing(files: &[File]) -> Vec<u8> {
    let facts: Vec<String> = files
        .iter()
        .enumerate()
        .map(|(index, file)| format!("81a4 1 1:{} {}", index + 1, file.bytes))
        .collect();
    let names: String = files.iter().map(|file| format!("./{}\0", file.path)).collect();
    format!("{}\0{}\0{names}end\x000\0", files.len(), facts.join("\n")).into_bytes()
}

async fn archive(files: Vec<File>, to: DuplexStream) {
    let mut builder = Builder::new(to);
    for file in files {
        let mut header = Header::new_gnu();
        header.set_size(file.bytes);
        header.set_mode(0o644);
        let content = tokio::io::repeat(b'x').take(file.bytes);
        if builder.append_data(&mut header, format!("./{}", file.path), content).await.is_err() {
            return;
        }
    }
    // A reader that is gone wants no end either.
    let _ = builder.finish().await;
}
