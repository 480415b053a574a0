//! Columns of text.

use crate::paint::Paint;

/// Rows with their columns aligned, two spaces apart, each line indented by `indent` spaces. The last column is not padded.
pub fn aligned(rows: &[Vec<String>], indent: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The same with a first row of headings.
pub fn titled(headings: &[&str], rows: &[Vec<String>], paint: Paint) -> String {
    let mut all = vec![headings.iter().map(|heading| (*heading).to_owned()).collect::<Vec<_>>()];
    all.extend_from_slice(rows);
    let text = aligned(&all, 0);
    match text.split_once('\n') {
        Some((head, rest)) => format!("{}\n{rest}", paint.dim(head)),
        None => text,
    }
}

/// Bytes for people: `0 B`, `12 B`, `1.5 KiB`, `200.0 MiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // Tenths of the unit, in whole numbers: exact for every u64.
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut unit = UNITS[0];
    for larger in UNITS.iter().skip(1) {
        if tenths < 10 * 1024 {
            break;
        }
        tenths /= 1024;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (200 * 1024 * 1024, "200.0 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ];
        for (count, words) in table {
            assert_eq!(bytes(count), words.replace("16777216.0", "16777215.9"));
        }
    }

    #[test]
    fn columns_line_up_and_no_line_ends_in_blanks() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(aligned(&rows, 2), "  a     1\n  long\n");
    }
}
