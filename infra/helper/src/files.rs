//! The files of the working directory: listed, opened without following links, hashed.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use sha2::{Digest, Sha256};
use shared::outputs::listing::{Entry, Kind, Listing};
use shared::outputs::paths;

/// Bytes read at once.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Everything in a directory but directories; links are listed and not followed. A name that cannot be an output is a warning.
///
/// # Errors
/// When the directory itself cannot be read.
pub fn list(directory: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let mut open = VecDeque::from([PathBuf::new()]);
    while let Some(folder) = open.pop_front() {
        let entries = match fs::read_dir(directory.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if folder.as_os_str().is_empty() => return Err(error),
            Err(error) => {
                listing.warnings.push(format!("`{}` could not be read: {error}", folder.display()));
                continue;
            }
        };
        for entry in entries {
            let Ok(entry) = entry else { continue };
            let relative = folder.join(entry.file_name());
            // Of the entry itself, not of what it leads to.
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_dir() {
                open.push_back(relative);
                continue;
            }
            let kind = match facts.file_type() {
                kind if kind.is_file() => Kind::File,
                kind if kind.is_symlink() => Kind::Symlink,
                _ => Kind::Other,
            };
            match paths::safe(relative.as_os_str().as_bytes()) {
                Ok(path) => {
                    listing.entries.push(Entry { kind, size: facts.size(), path, shared_inode: None })
                }
                Err(error) => listing.warnings.push(format!("a file cannot be an output: {error}")),
            }
        }
    }
    Ok(listing)
}

/// Open a regular file below a directory. No part of the path is followed if it is a link, whoever puts one there meanwhile.
///
/// # Errors
/// The system's, and what is no regular file.
pub fn open(directory: &Path, path: &str) -> io::Result<File> {
    let mut at = OwnedFd::from(File::open(directory)?);
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        let last = names.peek().is_none();
        // A pipe would wait for somebody who writes to it.
        let kind = if last { OFlag::O_NONBLOCK } else { OFlag::O_DIRECTORY };
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | kind;
        at = openat(at.as_fd(), name, flags, Mode::empty())?;
    }
    let file = File::from(at);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file any more"));
    }
    Ok(file)
}

/// Hash of a file from where it stands to its end, in lower-case hex.
///
/// # Errors
/// The disk's.
pub fn sha256(mut file: &File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            length => hasher.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // writing to a String cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_listed_and_links_are_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/b/c.txt"), "hello").unwrap();
        symlink("/etc/passwd", at("link")).unwrap();
        symlink("/etc", at("folder")).unwrap();
        let mut listing = list(directory.path()).unwrap();
        listing.entries.sort_by(|one, other| one.path.cmp(&other.path));
        let found: Vec<_> =
            listing.entries.iter().map(|entry| (entry.path.as_str(), entry.kind, entry.size)).collect();
        assert_eq!(found[0], ("a/b/c.txt", Kind::File, 5));
        assert_eq!((found[1].0, found[1].1), ("folder", Kind::Symlink));
        assert_eq!((found[2].0, found[2].1), ("link", Kind::Symlink));
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn neither_a_link_nor_what_lies_behind_one_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        fs::write(directory.path().join("plain"), "p").unwrap();
        symlink(outside.path(), directory.path().join("folder")).unwrap();
        symlink(outside.path().join("secret"), directory.path().join("link")).unwrap();
        assert!(open(directory.path(), "plain").is_ok());
        for path in ["link", "folder/secret", "folder"] {
            assert!(open(directory.path(), path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_hash_is_written_as_the_manifest_writes_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let empty = sha256(&File::open(file.path()).unwrap()).unwrap();
        assert_eq!(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
