//! Small files, and functions that begin in a few lines.

use super::tree;

const MAIN_LINES: usize = 30;
const LONGEST: usize = 600;

#[test]
fn a_function_begins_in_thirty_lines() {
    let mains: Vec<_> =
        tree::rust("functions").into_iter().filter(|file| file.path.ends_with("/src/main.rs")).collect();
    assert!(mains.len() >= 4, "there are four functions at least");
    for main in mains {
        let lines = main.text.lines().count();
        assert!(lines <= MAIN_LINES, "{} has {lines} lines", main.path);
    }
}

#[test]
fn no_file_is_longer_than_six_hundred_lines_and_nine_in_ten_are_shorter_than_four_hundred() {
    let is_test =
        |path: &str| path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
    let mut sizes: Vec<(usize, String)> = tree::rust("")
        .into_iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| (file.text.lines().count(), file.path))
        .collect();
    sizes.sort();
    let short = sizes.iter().filter(|(lines, _)| *lines < 400).count();
    println!(
        "{} Rust files without tests: median {} lines, {short} below 400, longest {:?}",
        sizes.len(),
        sizes[sizes.len() / 2].0,
        sizes.last().unwrap()
    );
    let long: Vec<_> = sizes.iter().filter(|(lines, _)| *lines > LONGEST).collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines: {long:?}");
    assert!(short * 10 >= sizes.len() * 9, "{short} of {} files are below 400 lines", sizes.len());
}
