//! The end of what a program said.

use std::path::Path;

/// Lines that an error message repeats.
const LINES: usize = 20;

/// The last lines of a text.
pub(crate) fn of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let start = lines.len().saturating_sub(LINES);
    lines.into_iter().skip(start).collect::<Vec<_>>().join("\n")
}

/// The last lines of a log file; nothing when it cannot be read.
pub(crate) fn of_file(path: &Path) -> String {
    std::fs::read(path).map(|bytes| of(&String::from_utf8_lossy(&bytes))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_long_text_is_cut_to_its_last_twenty_lines() {
        let text: String = (0..30).map(|line| format!("line {line}\n\n")).collect();
        let tail = super::of(&text);
        assert!(tail.starts_with("line 10\n") && tail.ends_with("line 29"), "{tail}");
    }
}
