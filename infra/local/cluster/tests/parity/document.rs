//! `docs/PARITY.md`: one page, written in two parts by the two comparisons.

use std::fs;
use std::path::Path;

/// The heading that the second part begins with.
const SECOND: &str = "# Parity with real pods\n";

/// A part of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Requests and answers.
    Requests,
    /// How pods move.
    Pods,
}

/// Compare a part of the page with what it should be; write it when `LONGSHORE_WRITE_DOCS` is set.
pub fn check(part: Part, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/PARITY.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    let (requests, pods) = page.split_once(SECOND).unwrap_or((&page, ""));
    let (found, whole) = match part {
        Part::Requests => (requests.trim_end(), format!("{}\n\n{SECOND}{pods}", wanted.trim_end())),
        Part::Pods => (pods.trim(), format!("{}\n\n{SECOND}\n{}\n", requests.trim_end(), wanted.trim_end())),
    };
    let is_same = found == wanted.trim();
    if is_writing() {
        fs::write(&path, whole).unwrap();
    } else {
        assert!(is_same, "docs/PARITY.md is out of date: run this test with LONGSHORE_WRITE_DOCS=1");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test asks whether it should write")]
fn is_writing() -> bool {
    std::env::var_os("LONGSHORE_WRITE_DOCS").is_some()
}

/// Text that cannot break a table.
pub fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
