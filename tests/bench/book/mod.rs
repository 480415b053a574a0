//! What benchmarks found: rows with goals, kept in `bench.json` of the target directory, and one table of them all.

mod machine;
mod row;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub use machine::Machine;
pub use row::{Goal, Row, Samples};

/// Version of the file.
const FORMAT_VERSION: u32 = 1;

/// What one benchmark found, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chapter {
    /// Name of the benchmark.
    pub bench: String,
    /// Debug or release programs.
    pub profile: String,
    /// The machine, when it began.
    pub machine: Machine,
    /// The figures.
    pub rows: Vec<Row>,
}

/// Everything in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Book {
    format_version: u32,
    chapters: Vec<Chapter>,
}

impl Chapter {
    /// An empty chapter about this machine.
    pub fn begin(bench: &str) -> Chapter {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        Chapter {
            bench: bench.to_owned(),
            profile: profile.to_owned(),
            machine: Machine::now(),
            rows: Vec::new(),
        }
    }

    /// Put the chapter into the file, in place of an earlier one of the same benchmark, and print it.
    ///
    /// # Errors
    /// When the file cannot be written.
    #[expect(clippy::print_stdout, reason = "a benchmark prints what it found")]
    pub fn tell(self) -> Result<()> {
        let path = path()?;
        let mut book = Book::read(&path);
        println!("{}", table::of(std::slice::from_ref(&self)));
        book.chapters.retain(|chapter| chapter.bench != self.bench);
        book.chapters.push(self);
        Ok(std::fs::write(&path, serde_json::to_vec_pretty(&book)?)?)
    }
}

impl Book {
    /// What is in the file; nothing when there is none, or one of another version.
    fn read(path: &Path) -> Book {
        let read = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<Book>(&bytes).ok());
        read.filter(|book| book.format_version == FORMAT_VERSION)
            .unwrap_or(Book { format_version: FORMAT_VERSION, chapters: Vec::new() })
    }
}

/// Print everything that the file holds.
///
/// # Errors
/// When there is no target directory.
#[expect(clippy::print_stdout, reason = "a benchmark prints what it found")]
pub fn print() -> Result<()> {
    let path = path()?;
    println!("{}\nwritten to {}", table::of(&Book::read(&path).chapters), path.display());
    Ok(())
}

/// `bench.json` in the target directory.
fn path() -> Result<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target directory")?;
    Ok(target.join("bench.json"))
}
