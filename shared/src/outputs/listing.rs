//! What lies in the working directory, as the carrier lists it.
//!
//! The command runs with any POSIX shell that has `find` and `stat -c` (busybox, GNU). It prints fields that each end with NUL, so that names may
//! hold anything: for each batch of files their number, one line of facts for each, and their names; at last `end` and the exit code of `find`.

use thiserror::Error;

use super::paths;

/// Longest listing that is read; some 150,000 files.
pub const MAX_LISTING_BYTES: usize = 16 * 1024 * 1024;

/// Gets the directory as `$1` and the script for a batch as `$2`.
const OUTER: &str = r#"cd "$1" || exit 1
find . ! -type d -exec sh -c "$2" sh {} +
printf 'end\0%s\0' "$?""#;

/// One `stat` for a whole batch. When a file vanished meanwhile, they are asked for one by one, and one that is still there is told as `?`.
/// The facts are: raw mode in hex, number of hard links, device and inode, size.
const BATCH: &str = r#"if facts=$(stat -c '%f %h %d:%i %s' "$@" 2>/dev/null)
then printf '%s\0' "$#" "$facts" "$@"
else for name do
if facts=$(stat -c '%f %h %d:%i %s' "$name" 2>/dev/null); then printf '%s\0' 1 "$facts" "$name"
elif [ -e "$name" ] || [ -L "$name" ]; then printf '%s\0' 1 '?' "$name"; fi
done; fi"#;

/// The command to run in the carrier. Exit code 0 with an `end` in the output, else nothing could be listed.
pub fn command(directory: &str) -> Vec<String> {
    ["sh", "-c", OUTER, "sh", directory, BATCH].map(str::to_owned).to_vec()
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Everything but directories, in the order of the listing.
    pub entries: Vec<Entry>,
    /// Files that cannot be outputs, and why.
    pub warnings: Vec<String>,
}

/// A file, or something else that is no directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// Path below the working directory in normal form.
    pub path: String,
    /// `device:inode` of a file that has further names; an archive holds the content once for all of them.
    pub shared_inode: Option<String>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic link; never followed.
    Symlink,
    /// A socket, a pipe, a device.
    Other,
}

/// Why a listing cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ListingError {
    /// The stream broke off.
    #[error(
        "the listing of the working directory ends after {bytes} bytes without its last field; list again"
    )]
    Cut {
        /// Bytes that arrived.
        bytes: usize,
    },
    /// It is longer than [`MAX_LISTING_BYTES`].
    #[error(
        "the listing of the working directory is longer than {MAX_LISTING_BYTES} bytes; write fewer files or pack them"
    )]
    TooLong,
    /// A field is not what the command prints.
    #[error(
        "the listing of the working directory has an unexpected field `{field}`; the carrier needs a POSIX shell, `find` and `stat -c`"
    )]
    Unexpected {
        /// The field's beginning.
        field: String,
    },
}

/// Read what [`command`] printed.
///
/// # Errors
/// A listing that is cut, too long or of another form. Names that cannot be outputs are warnings.
pub fn parse(bytes: &[u8]) -> Result<Listing, ListingError> {
    if bytes.len() > MAX_LISTING_BYTES {
        return Err(ListingError::TooLong);
    }
    let cut = || ListingError::Cut { bytes: bytes.len() };
    // A field counts only with the NUL behind it.
    let mut fields = bytes.split_inclusive(|byte| *byte == 0).map_while(|field| field.strip_suffix(&[0]));
    let mut listing = Listing::default();
    loop {
        let head = fields.next().ok_or_else(cut)?;
        if head == b"end" {
            if fields.next().ok_or_else(cut)? != b"0" {
                listing.warnings.push("some directories could not be read; files in them are missing".into());
            }
            return if fields.next().is_none() { Ok(listing) } else { Err(unexpected(b"(after the end)")) };
        }
        let count: usize = number(head).ok_or_else(|| unexpected(head))?;
        let facts = fields.next().ok_or_else(cut)?;
        let mut lines = facts.split(|byte| *byte == b'\n');
        for _ in 0..count {
            let name = fields.next().ok_or_else(cut)?;
            let line = lines.next().ok_or_else(|| unexpected(facts))?;
            listing.note(line, name)?;
        }
        if lines.next().is_some() {
            return Err(unexpected(facts));
        }
    }
}

impl Listing {
    fn note(&mut self, facts: &[u8], name: &[u8]) -> Result<(), ListingError> {
        let path = match paths::safe(name) {
            Ok(path) => path,
            Err(error) => {
                self.warnings.push(format!("a file cannot be an output: {error}"));
                return Ok(());
            }
        };
        if facts == b"?" {
            self.warnings.push(format!("`{path}` could not be examined and is left out"));
            return Ok(());
        }
        let mut words = facts.split(|byte| *byte == b' ');
        let (Some(mode), Some(links), Some(inode), Some(size), None) =
            (words.next(), words.next(), words.next(), words.next(), words.next())
        else {
            return Err(unexpected(facts));
        };
        let mode = std::str::from_utf8(mode).ok().and_then(|mode| u32::from_str_radix(mode, 16).ok());
        let (Some(mode), Some(links), Some(size)) = (mode, number::<u64>(links), number(size)) else {
            return Err(unexpected(facts));
        };
        // S_IFMT of sys/stat.h
        let kind = match mode & 0o170_000 {
            0o100_000 => Kind::File,
            0o120_000 => Kind::Symlink,
            _ => Kind::Other,
        };
        let shared_inode = (links > 1 && kind == Kind::File).then(|| paths::shown(inode));
        self.entries.push(Entry { kind, size, path, shared_inode });
        Ok(())
    }
}

fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn unexpected(field: &[u8]) -> ListingError {
    ListingError::Unexpected { field: paths::shown(field) }
}

#[cfg(test)]
mod tests;
