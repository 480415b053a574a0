//! Which files of the working directory are outputs.

use thiserror::Error;

use crate::spec::pattern::{Pattern, PatternError};

/// A declared glob that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("output glob `{glob}` cannot be used")]
pub struct GlobError {
    /// Its place among the declared globs, from 0.
    pub index: usize,
    /// As it was written.
    pub glob: String,
    /// What is wrong with it.
    #[source]
    pub reason: PatternError,
}

/// The outputs as declared: globs relative to the working directory, and the output directory with everything below it. The default selects nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    declared: Vec<(String, Pattern)>,
    output_dir: Option<String>,
}

impl Selection {
    /// Read the declared globs and the name of the output directory (below the working directory, without slash at the end).
    ///
    /// # Errors
    /// Every glob that cannot be used.
    pub fn new(globs: &[String], output_dir: Option<&str>) -> Result<Self, Vec<GlobError>> {
        let mut declared = Vec::new();
        let mut errors = Vec::new();
        for (index, glob) in globs.iter().enumerate() {
            match Pattern::new(glob) {
                Ok(pattern) => declared.push((glob.clone(), pattern)),
                Err(reason) => errors.push(GlobError { index, glob: glob.clone(), reason }),
            }
        }
        let output_dir = output_dir.map(|directory| format!("{}/", directory.trim_matches('/')));
        if errors.is_empty() { Ok(Selection { declared, output_dir }) } else { Err(errors) }
    }

    /// The path, relative to the working directory and in normal form, is an output.
    pub fn selects(&self, path: &str) -> bool {
        let below = self.output_dir.as_ref().is_some_and(|directory| path.starts_with(directory));
        below || self.declared.iter().any(|(_, pattern)| pattern.matches(path))
    }

    /// The declared globs, as written, that match none of the paths. The output directory may be empty and is never among them.
    pub fn unmatched<P: AsRef<str>>(&self, paths: &[P]) -> Vec<&str> {
        let misses = |pattern: &Pattern| !paths.iter().any(|path| pattern.matches(path.as_ref()));
        self.declared.iter().filter(|(_, pattern)| misses(pattern)).map(|(glob, _)| glob.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(list: &[&str]) -> Vec<String> {
        list.iter().map(|glob| (*glob).to_owned()).collect()
    }

    #[test]
    fn everything_below_the_output_directory_is_selected() {
        let selection = Selection::new(&globs(&["*.json"]), Some("out")).unwrap();
        for (path, expected) in [
            ("out/a", true),
            ("out/a/.b", true),
            ("out", false),
            ("outer/a", false),
            ("x.json", true),
            ("sub/x.json", false),
        ] {
            assert_eq!(selection.selects(path), expected, "{path}");
        }
    }

    #[test]
    fn globs_that_select_nothing_are_named_as_written() {
        let selection = Selection::new(&globs(&["./a.txt", "*.csv", "**/b"]), Some("out")).unwrap();
        assert_eq!(selection.unmatched(&["a.txt", "x/b"]), ["*.csv"]);
        assert_eq!(selection.unmatched::<String>(&[]), ["./a.txt", "*.csv", "**/b"]);
    }

    #[test]
    fn every_bad_glob_is_reported_with_its_place() {
        let errors = Selection::new(&globs(&["a", "[", "ok/*", "../x"]), None).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.index).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(errors[1].to_string(), "output glob `../x` cannot be used");
    }

    #[test]
    fn nothing_declared_selects_nothing() {
        let selection = Selection::default();
        assert!(!selection.selects("a"));
        assert!(selection.unmatched(&["a"]).is_empty());
    }
}
