//! The input manifest: what `init-files` fetches, as a text that a POSIX shell reads line by line.
//!
//! First line `longshore-inputs 1`, then for each file `size|sha256 or -|mode|url|path:`. The path is the rest of the line without its last `:`, so it
//! may hold spaces, `|`, quotes, `%` and backslashes.

use std::fmt::Write as _;

/// The first line.
pub const HEADER: &str = "longshore-inputs 1";

/// One file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Bytes.
    pub size: u64,
    /// Lower-case hex, when known.
    pub sha256: Option<&'a str>,
    /// May be executed.
    pub executable: bool,
    /// Presigned URL; has no `|` and no white space.
    pub url: &'a str,
    /// Path below the working directory.
    pub path: &'a str,
}

/// The manifest of some files.
pub fn text(lines: &[Line<'_>]) -> String {
    let mut text = format!("{HEADER}\n");
    for line in lines {
        let mode = if line.executable { "777" } else { "666" };
        // writing to a String cannot fail
        let _ =
            writeln!(text, "{}|{}|{mode}|{}|{}:", line.size, line.sha256.unwrap_or("-"), line.url, line.path);
    }
    text
}
