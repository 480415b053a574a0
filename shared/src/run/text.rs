//! Cutting foreign text to a length for people.

/// The beginning of a text, at most that many characters, on one line.
pub(super) fn head(text: &str, characters: usize) -> String {
    let line = one_line(text);
    let mut kept: String = line.chars().take(characters).collect();
    if kept.len() < line.len() {
        kept.push('…');
    }
    kept
}

/// The end of a text, at most that many characters, on one line: the last words of a log tell more than its first.
pub(super) fn tail(text: &str, characters: usize) -> String {
    let line = one_line(text);
    let skipped = line.chars().count().saturating_sub(characters);
    if skipped == 0 { line } else { format!("…{}", line.chars().skip(skipped).collect::<String>()) }
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ")
}
