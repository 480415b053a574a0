//! Paths below the working directory that are safe to write to, to list and to use as the end of an object key.

use thiserror::Error;

/// Longest path in bytes. An S3 key has at most 1024 bytes, and the longest prefix before a path is
/// `runs/<128>/attempts/<10 digits>/outputs/`, which takes 162.
pub const MAX_PATH_BYTES: usize = 1024 - 162;

/// Longest name between two slashes in bytes: `NAME_MAX` of Linux.
pub const MAX_NAME_BYTES: usize = 255;

/// Most names in one path.
pub const MAX_DEPTH: usize = 64;

/// Why a path is refused. Names the offender, with whatever is not UTF-8 replaced and control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// Nothing, or nothing but `.` and `/`.
    #[error("a path is empty; name a file below the working directory")]
    Empty,
    /// It begins with `/`.
    #[error("path `{0}` is absolute; write it relative to the working directory")]
    Absolute(String),
    /// A part is `..`.
    #[error("path `{0}` contains `..`; stay below the working directory")]
    Parent(String),
    /// A NUL byte.
    #[error("path `{0}` contains a NUL byte")]
    Nul(String),
    /// It ends with `/`.
    #[error("path `{0}` names a directory; name a file")]
    Directory(String),
    /// Bytes that are no UTF-8.
    #[error("path `{0}` is not UTF-8; rename the file")]
    NotUtf8(String),
    /// More bytes than an object key has room for.
    #[error("path `{path}` has {bytes} bytes, more than the {MAX_PATH_BYTES} that fit into an object key")]
    TooLong {
        /// The path's beginning.
        path: String,
        /// Its length.
        bytes: usize,
    },
    /// A name longer than a file system takes.
    #[error("path `{0}` contains a name of more than {MAX_NAME_BYTES} bytes")]
    NameTooLong(String),
    /// Too many directories.
    #[error("path `{0}` is more than {MAX_DEPTH} directories deep")]
    TooDeep(String),
}

/// The path in normal form: relative, UTF-8 as it is, single `/` between names, no `.` and no `..`.
///
/// # Errors
/// See [`PathError`]; `..` is refused even where it would lead back inside.
pub fn safe(path: impl AsRef<[u8]>) -> Result<String, PathError> {
    let bytes = path.as_ref();
    if bytes.is_empty() {
        return Err(PathError::Empty);
    }
    if bytes.contains(&0) {
        return Err(PathError::Nul(shown(bytes)));
    }
    if bytes.starts_with(b"/") {
        return Err(PathError::Absolute(shown(bytes)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| PathError::NotUtf8(shown(bytes)))?;
    let names: Vec<&str> = text.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    if names.contains(&"..") {
        return Err(PathError::Parent(shown(bytes)));
    }
    if names.is_empty() {
        return Err(PathError::Empty);
    }
    if matches!(text.rsplit('/').next(), Some("" | ".")) {
        return Err(PathError::Directory(shown(bytes)));
    }
    if names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        return Err(PathError::NameTooLong(shown(bytes)));
    }
    if names.len() > MAX_DEPTH {
        return Err(PathError::TooDeep(shown(bytes)));
    }
    let normal = names.join("/");
    if normal.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong { path: shown(bytes), bytes: normal.len() });
    }
    Ok(normal)
}

/// A name for people: at most 120 characters, control characters escaped, bytes that are no UTF-8 replaced.
pub fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let mut shown = String::new();
    for (index, letter) in text.chars().enumerate() {
        if index == 120 {
            shown.push('…');
            break;
        }
        if letter.is_control() { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_paths_come_out_in_normal_form() {
        for (given, normal) in [
            ("a.txt", "a.txt"),
            ("./a.txt", "a.txt"),
            ("a//b/./c", "a/b/c"),
            ("sub dir/more special file.txt", "sub dir/more special file.txt"),
            ("ünïcode/+%41&=?#.bin", "ünïcode/+%41&=?#.bin"),
            (".hidden", ".hidden"),
            ("...", "..."),
            ("a..b/..c", "a..b/..c"),
            ("back\\slash", "back\\slash"),
            ("new\nline", "new\nline"),
            ("-rf", "-rf"),
        ] {
            assert_eq!(safe(given), Ok(normal.to_owned()), "{given:?}");
        }
    }

    #[test]
    fn bad_paths_are_refused_by_name() {
        let long = format!("{}/x", "n".repeat(256));
        let far = vec!["d"; MAX_DEPTH + 1].join("/");
        let big = vec!["n".repeat(200); 5].join("/");
        let cases: Vec<(Vec<u8>, PathError)> = vec![
            (b"".to_vec(), PathError::Empty),
            (b".".to_vec(), PathError::Empty),
            (b"././".to_vec(), PathError::Empty),
            (b"/etc/passwd".to_vec(), PathError::Absolute("/etc/passwd".into())),
            (b"..".to_vec(), PathError::Parent("..".into())),
            (b"../a".to_vec(), PathError::Parent("../a".into())),
            (b"a/../../b".to_vec(), PathError::Parent("a/../../b".into())), // K-IN-03
            (b"a/../b".to_vec(), PathError::Parent("a/../b".into())),
            (b"a/".to_vec(), PathError::Directory("a/".into())),
            (b"a/.".to_vec(), PathError::Directory("a/.".into())),
            (b"a\0b".to_vec(), PathError::Nul("a\\u{0}b".into())),
            (b"a\xff".to_vec(), PathError::NotUtf8("a\u{fffd}".into())),
            (long.clone().into_bytes(), PathError::NameTooLong(shown(long.as_bytes()))),
            (far.clone().into_bytes(), PathError::TooDeep(shown(far.as_bytes()))),
            (big.clone().into_bytes(), PathError::TooLong { path: shown(big.as_bytes()), bytes: big.len() }),
        ];
        for (given, error) in cases {
            assert_eq!(safe(&given), Err(error), "{}", shown(&given));
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_below_the_directory(bytes in prop::collection::vec(prop::sample::select(&b"./a\\ \xc3\xa9-\0"[..]), 0..24)) {
            if let Ok(path) = safe(&bytes) {
                prop_assert!(path.split('/').all(|name| !matches!(name, "" | "." | "..")));
                prop_assert!(!path.contains('\0'));
                prop_assert_eq!(safe(&path), Ok(path.clone()));
            }
        }
    }
}
