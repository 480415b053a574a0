//! Names that Kubernetes, S3 and file systems accept.

/// At most 63 of `a-z 0-9 -`, beginning and ending with a letter or digit (a DNS-1123 label): containers, volumes, namespaces.
pub fn is_dns_label(name: &str) -> bool {
    name.len() <= 63 && is_dashed(name)
}

/// At most 253, labels joined by dots (a DNS-1123 subdomain): pods, service accounts.
pub fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_dashed)
}

fn is_dashed(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// At most 63 of `A-Z a-z 0-9 - _ .`, beginning and ending with a letter or digit; or empty.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_qualified_part(value)
}

/// `[prefix/]name`: the prefix a DNS subdomain, the name like a label value but not empty.
pub fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_qualified_part(name),
        None => is_qualified_part(key),
    }
}

fn is_qualified_part(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && edge(text.as_bytes().first())
        && edge(text.as_bytes().last())
}

/// Why a path cannot be the path of an input file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// Nothing left.
    #[error("is empty")]
    Empty,
    /// Begins with `/`.
    #[error("is absolute; give a path below the working directory")]
    Absolute,
    /// Has a `..` in it.
    #[error("has `..` in it; give a path below the working directory")]
    Parent,
    /// Line breaks and NUL do not pass the manifest.
    #[error("has a control character in it")]
    Control,
    /// Longer than 1024 bytes.
    #[error("is longer than 1024 bytes")]
    TooLong,
    /// A name that Longshore uses itself.
    #[error("is reserved")]
    Reserved,
}

/// The path of an input file: relative, normalised (no `.`, no empty parts), at most 1024 bytes, without control characters.
///
/// # Errors
///
/// Says why the path is refused.
pub fn file_path(path: &str) -> Result<String, FileNameError> {
    if path.len() > 1024 {
        return Err(FileNameError::TooLong);
    }
    if path.starts_with('/') {
        return Err(FileNameError::Absolute);
    }
    if path.chars().any(char::is_control) {
        return Err(FileNameError::Control);
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        return Err(FileNameError::Parent);
    }
    match parts.first() {
        None => Err(FileNameError::Empty),
        Some(first) if *first == super::layout::SCRIPT_DIR => Err(FileNameError::Reserved),
        Some(_) if path.ends_with('/') => Err(FileNameError::Empty),
        Some(_) => Ok(parts.join("/")),
    }
}

/// An image reference that a container runtime can read: no white space, no upper case before the tag, `name[:tag][@digest]`.
pub fn is_image(image: &str) -> bool {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let after_host = name.rsplit_once('/').map_or(name, |(_, last)| last);
    let (path, tag) = match after_host.split_once(':') {
        Some((last, tag)) => (name.strip_suffix(&format!(":{tag}")).unwrap_or(last), Some(tag)),
        None => (name, None),
    };
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let mut parts = path.split('/');
    let first_may_be_host = path.contains('/');
    let first = parts.next().unwrap_or_default();
    let host = |part: &str| part.bytes().all(|byte| is_word(byte) || matches!(byte, b':' | b'[' | b']'));
    let component = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| is_word(byte) && !byte.is_ascii_uppercase())
            && part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    let is_host = first.contains(['.', ':'])
        || first == "localhost"
        || first.bytes().any(|byte| byte.is_ascii_uppercase());
    let first_is_fine = if first_may_be_host && is_host { host(first) } else { component(first) };
    first_is_fine
        && parts.all(component)
        && tag.is_none_or(|tag| {
            !tag.is_empty() && tag.len() <= 128 && tag.bytes().all(is_word) && !tag.starts_with(['.', '-'])
        })
        && digest.is_none_or(|digest| {
            digest.split_once(':').is_some_and(|(kind, hex)| {
                !kind.is_empty() && hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_containers() {
        for (name, fine) in [
            ("main", true),
            ("a-1", true),
            ("-a", false),
            ("a-", false),
            ("A", false),
            ("a.b", false),
            ("", false),
            ("init_files", false),
        ] {
            assert_eq!(is_dns_label(name), fine, "{name}");
        }
        assert!(!is_dns_label(&"a".repeat(64)));
        assert!(is_dns_subdomain("a.b-c.d"));
        assert!(!is_dns_subdomain("a..b"));
    }

    #[test]
    fn labels() {
        for (value, fine) in [
            ("", true),
            ("a", true),
            ("a._-", false),
            ("-lead", false),
            ("has space", false),
            ("Case.OK_1", true),
            ("ü", false),
        ] {
            assert_eq!(is_label_value(value), fine, "{value}");
        }
        for (key, fine) in [
            ("team", true),
            ("longshore.dev/run-id", true),
            ("/x", false),
            ("x/", false),
            ("a/b/c", false),
            ("Up.per/x", false),
            ("", false),
        ] {
            assert_eq!(is_label_key(key), fine, "{key}");
        }
    }

    #[test]
    fn paths_of_input_files() {
        for (path, expected) in [
            ("a.txt", Ok("a.txt")),
            ("./a.txt", Ok("a.txt")),
            ("dir//sub/./a b.txt", Ok("dir/sub/a b.txt")),
            ("ünïcode|'\"%\\.txt", Ok("ünïcode|'\"%\\.txt")),
            ("..a", Ok("..a")),
            ("/etc/passwd", Err(FileNameError::Absolute)),
            ("../x", Err(FileNameError::Parent)),
            ("a/../../b", Err(FileNameError::Parent)),
            ("a/..", Err(FileNameError::Parent)),
            ("", Err(FileNameError::Empty)),
            (".", Err(FileNameError::Empty)),
            ("dir/", Err(FileNameError::Empty)),
            ("a\nb", Err(FileNameError::Control)),
            (".longshore/script", Err(FileNameError::Reserved)),
        ] {
            assert_eq!(file_path(path), expected.map(str::to_owned), "{path:?}");
        }
        assert_eq!(file_path(&"x".repeat(1025)), Err(FileNameError::TooLong));
    }

    #[test]
    fn images() {
        for image in [
            "busybox",
            "debian:stable-slim",
            "ghcr.io/kestra-io/pydata:latest",
            "localhost:5000/a/b:1",
            "repo/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "a__b/c",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.2",
        ] {
            assert!(is_image(image), "{image}");
        }
        for image in ["", "Busybox", "a b", "a:", "a:b c", ":tag", "a//b", "a@", "a:-x", "http://x/y"] {
            assert!(!is_image(image), "{image}");
        }
    }
}
