//! Globs of output files, relative to the working directory.

use super::pattern::Pattern;

/// What problems say is accepted.
pub const ACCEPTED: &str =
    "a glob relative to the working directory, such as out.txt, *.csv, data/**, {a,b}.txt";

/// The glob without a leading `./` or `/`.
///
/// # Errors
///
/// Says in a lowercase fragment what is wrong: empty, leaving the working directory, or no glob at all.
pub fn normalise(pattern: &str) -> Result<String, String> {
    let mut rest = pattern.trim();
    while let Some(shorter) = rest.strip_prefix("./").or_else(|| rest.strip_prefix('/')) {
        rest = shorter;
    }
    if rest.is_empty() || rest == "." {
        return Err("names nothing".to_owned());
    }
    if rest.contains(['\0', '\n']) {
        return Err("has a line break or NUL in it".to_owned());
    }
    if rest.split('/').any(|part| part == "..") {
        return Err("leaves the working directory".to_owned());
    }
    if rest.starts_with("regex:") || rest.starts_with("glob:") {
        return Err("has a `regex:` or `glob:` prefix, which is not supported".to_owned());
    }
    // the very reading by which files are chosen once the task is over: nothing is refused only then
    match Pattern::new(rest) {
        Ok(_) => Ok(rest.to_owned()),
        Err(error) => Err(format!("is no glob: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_dot_or_slash_is_dropped() {
        for (pattern, expected) in [
            ("out.txt", "out.txt"),
            ("./out.txt", "out.txt"),
            ("/out.txt", "out.txt"),
            (".//out.txt", "out.txt"),
            ("**/*.txt", "**/*.txt"),
            ("my-dir/**", "my-dir/**"),
            (".hidden", ".hidden"),
            ("{a,b}[cd]?", "{a,b}[cd]?"),
            ("sub dir/more special file.txt", "sub dir/more special file.txt"),
        ] {
            assert_eq!(normalise(pattern).as_deref(), Ok(expected), "{pattern}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (pattern, part) in [
            ("", "names nothing"),
            ("./", "names nothing"),
            ("/", "names nothing"),
            ("../x", "leaves"),
            ("a/../../x", "leaves"),
            ("[ab", "is no glob"),
            ("{a,b", "is no glob"),
            ("regex:.*", "prefix"),
            ("a\nb", "line break"),
            ("{a,..}/x", "contains `..`"),
            (&"{a,b}".repeat(9), "stand for more than 256 patterns"),
            (&"a".repeat(1025), "more than 1024 bytes"),
        ] {
            let error = normalise(pattern).unwrap_err();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }
}
