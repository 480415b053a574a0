//! The files of the workspace, as they lie there.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the workspace.
pub struct File {
    /// Path from the root of the workspace, with `/` between parts.
    pub path: String,
    /// Content.
    pub text: String,
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Content of a file by its path from the root.
pub fn read(path: &str) -> String {
    let full = root().join(path);
    fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

/// A page of `docs/` is what the code says; with `LONGSHORE_WRITE_DOCS=1` it is written anew.
pub fn assert_page(path: &str, page: &str) {
    if is_to_be_written() {
        fs::write(root().join(path), page).unwrap();
    }
    assert!(read(path) == page, "{path} is not what the code says; `just docs` writes it anew");
}

#[expect(clippy::disallowed_methods, reason = "a wish of the caller, not a setting of the product")]
fn is_to_be_written() -> bool {
    std::env::var_os("LONGSHORE_WRITE_DOCS").is_some()
}

/// Every file of text below a folder (`""` for all), without what is built, recorded or somebody's own.
pub fn files(folder: &str) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "there is nothing in `{folder}`");
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// The Rust files below a folder.
pub fn rust(folder: &str) -> Vec<File> {
    files(folder).into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

fn walk(folder: &Path, found: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let path_here = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || is_foreign(&name, &path_here) {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push(File { path: path_here, text });
        }
    }
}

/// Built (`target`), recorded (pods of a real cluster), generated (the lock file), or none of the project's.
fn is_foreign(name: &str, path: &str) -> bool {
    let own = [".ci", ".config", ".gitignore", ".github"];
    name.starts_with("target")
        || name == "Cargo.lock"
        || path == "tests/fixtures/pods"
        || (name.starts_with('.') && !own.contains(&name))
}
