//! What the pages call a test is one.

use std::path::Path;

/// The pages with tables of tests.
const PAGES: [&str; 2] = ["docs/RELIABILITY.md", "SECURITY.md"];

/// Where tests are written.
const SOURCES: [&str; 4] = ["shared", "functions", "tests", "infra"];

fn sources(directory: &Path, text: &mut String) {
    for path in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut text = String::new();
    for folder in SOURCES {
        sources(&root.join(folder), &mut text);
    }
    let mut count = 0;
    for page in PAGES {
        let page = std::fs::read_to_string(root.join(page)).unwrap();
        let last_cells =
            page.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.rsplit(" | ").next());
        let words = last_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        for name in words.filter(|word| word.matches('_').count() > 2) {
            assert!(text.contains(&format!("fn {name}(")), "there is no test `{name}`");
            count += 1;
        }
    }
    assert!(count > 50, "{count} names were found");
}
