//! The manifest of the inputs, line by line: `size|sha256 or -|mode|url|path:`.

use shared::outputs::paths;

use crate::failure::Failure;

/// The first line of a manifest of this version.
pub const HEADER: &str = "longshore-inputs 1";

/// One file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Bytes.
    pub size: u64,
    /// Lower-case hex, when known.
    pub sha256: Option<String>,
    /// Permissions.
    pub mode: u32,
    /// Link to its content.
    pub url: String,
    /// Path below the working directory, checked.
    pub path: String,
}

/// Read one line.
///
/// # Errors
/// A line of another form, and a path that leaves the working directory, by name.
pub fn line(text: &str) -> Result<Input, Failure> {
    let mut fields = text.splitn(5, '|');
    let mut field = || fields.next().unwrap_or_default();
    let (size, hash, mode, url, path) = (field(), field(), field(), field(), field());
    let (Ok(size), Ok(mode), Some(path)) =
        (size.parse(), u32::from_str_radix(mode, 8), path.strip_suffix(':'))
    else {
        return Err(Failure::Mismatch("the input manifest is not one of this version".to_owned()));
    };
    Ok(Input {
        size,
        sha256: (hash != "-").then(|| hash.to_owned()),
        mode: mode & 0o777,
        url: url.to_owned(),
        path: paths::safe(path)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_to_fetch_and_where_to_put_it() {
        let input = line("3|-|666|http://s/k?a=1&b=%7C|a dir/x|y: z:").unwrap();
        assert_eq!((input.size, input.sha256, input.mode), (3, None, 0o666));
        assert_eq!((input.url.as_str(), input.path.as_str()), ("http://s/k?a=1&b=%7C", "a dir/x|y: z"));
        assert_eq!(line("0|ab|777|u|run:").unwrap().sha256.as_deref(), Some("ab"));
    }

    #[test]
    fn a_path_that_leaves_the_working_directory_is_refused_by_name() {
        for path in ["../x", "/etc/passwd", "a/../../b", ""] {
            let error = line(&format!("0|-|666|u|{path}:")).unwrap_err();
            assert_eq!(error.exit_code(), 78, "{path}");
            assert!(crate::failure::chain(&error).contains(path), "{error}");
        }
        assert!(matches!(line("x|-|666|u|a:"), Err(Failure::Mismatch(_))));
        assert!(matches!(line("1|-|666|u|a"), Err(Failure::Mismatch(_))));
    }
}
