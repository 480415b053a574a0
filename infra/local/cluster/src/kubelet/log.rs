//! The log of one instance of a container: a file of entries, each with its time.
//!
//! An entry is the time (RFC 3339, nanoseconds), a blank, `F` or `P`, a blank, the text and a line feed. `P` is a part of a
//! line that goes on with the next entry, as container runtimes write it. Above [`MAX_BYTES`] a new file is begun
//! and the one before is dropped, as log rotation does.

use crate::clock;
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::watch;

/// The most that is kept of a log (the kubelet's default `containerLogMaxSize`).
pub const MAX_BYTES: u64 = 10 * 1024 * 1024;
/// A longer line is written in parts (container runtimes do the same).
const MAX_PART: usize = 16 * 1024;
/// How much is read at once; the size of a pipe.
const CHUNK: usize = 64 * 1024;

/// How far a log has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Number of the file that is written now.
    pub generation: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Nothing comes any more.
    pub is_closed: bool,
}

/// Where a log is and how far it has come.
#[derive(Debug)]
pub struct Log {
    base: PathBuf,
    progress: watch::Sender<Progress>,
}

impl Log {
    /// A new log; `base` is its path without the number of the file.
    pub fn create(base: &Path) -> io::Result<Arc<Log>> {
        if let Some(parent) = base.parent() {
            fs::create_dir_all(parent)?;
        }
        let log = Log { base: base.to_owned(), progress: watch::Sender::new(Progress::default()) };
        File::create(log.file(0))?;
        Ok(Arc::new(log))
    }

    /// The file of that number.
    pub fn file(&self, generation: u64) -> PathBuf {
        self.base.with_extension(format!("{generation}.log"))
    }

    /// How far it has come, now and later.
    pub fn watch(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Say that nothing comes any more.
    pub fn close(&self) {
        self.progress.send_modify(|progress| progress.is_closed = true);
    }

    /// Forget the log.
    pub fn remove(&self) {
        // A file that is gone already is as good.
        let _ = fs::remove_file(self.file(self.progress.borrow().generation));
    }
}

/// Write down what comes out of a pipe until it ends.
pub async fn pump(log: Arc<Log>, mut output: pipe::Receiver) {
    let mut writer =
        Writer { log: &log, file: None, progress: Progress::default(), line: Vec::new(), last: None };
    let mut chunk = vec![0; CHUNK];
    loop {
        match output.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(length) => {
                if let Err(error) = writer.write(chunk.get(..length).unwrap_or_default()) {
                    tracing::warn!(log = %log.base.display(), %error, "container output could not be written down");
                }
            }
        }
    }
    let rest = std::mem::take(&mut writer.line);
    if !rest.is_empty() {
        let mut entries = Vec::new();
        writer.entry(&mut entries, 'P', &rest);
        // The container has ended; there is nobody to tell.
        let _ = writer.append(&entries);
    }
    log.close();
}

struct Writer<'a> {
    log: &'a Log,
    file: Option<File>,
    progress: Progress,
    line: Vec<u8>,
    last: Option<Timestamp>,
}

impl Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut entries = Vec::with_capacity(bytes.len() + 256);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if self.line.last() == Some(&b'\n') {
                let mut line = std::mem::take(&mut self.line);
                line.pop();
                self.entry(&mut entries, 'F', &line);
            } else if self.line.len() >= MAX_PART {
                let part = std::mem::take(&mut self.line);
                self.entry(&mut entries, 'P', &part);
            }
        }
        if entries.is_empty() { Ok(()) } else { self.append(&entries) }
    }

    fn entry(&mut self, entries: &mut Vec<u8>, flag: char, text: &[u8]) {
        let mut time = clock::now();
        // Times rise strictly, so that a reader can go on after the last one it has seen.
        if let Some(last) = self.last.filter(|last| *last >= time) {
            time = Timestamp::from_nanosecond(last.as_nanosecond() + 1).unwrap_or(last);
        }
        self.last = Some(time);
        entries.extend_from_slice(clock::nanos(time).as_bytes());
        entries.extend_from_slice(&[b' ', if flag == 'F' { b'F' } else { b'P' }, b' ']);
        entries.extend_from_slice(text);
        entries.push(b'\n');
    }

    fn append(&mut self, entries: &[u8]) -> io::Result<()> {
        if self.progress.length >= MAX_BYTES {
            let before = self.log.file(self.progress.generation);
            self.progress = Progress { generation: self.progress.generation + 1, ..Progress::default() };
            self.file = Some(File::create(self.log.file(self.progress.generation))?);
            fs::remove_file(before)?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::options().append(true).open(self.log.file(self.progress.generation))?),
        };
        file.write_all(entries)?;
        self.progress.length += entries.len() as u64;
        self.log.progress.send_replace(self.progress);
        Ok(())
    }
}
