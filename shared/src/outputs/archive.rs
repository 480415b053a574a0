//! The archives in which files come out of the carrier.
//!
//! A batch is one `tar` over one exec. Names travel as arguments: there is no way to hand a list of names to the `tar` of busybox that survives
//! line feeds in them. The exec's arguments are part of the URL of a WebSocket handshake, which bounds a batch.

use std::collections::HashSet;

use super::listing::Entry;

/// Most bytes of one exec's names in a URL. A URL has at most 65,534 bytes in the `http` crate; a quarter is left for the rest of it.
pub const MAX_URL_BYTES: usize = 48 * 1024;

/// Gets the directory as `$1` and names after it. GNU tar undoes escapes in its arguments (`\n`) unless told otherwise; others have no such option.
const SCRIPT: &str = r#"cd "$1" || exit 1
shift
case $(tar --version 2>/dev/null) in
*'GNU tar'*) exec tar --no-unquote -cf - "$@" ;;
*) exec tar -cf - "$@" ;;
esac"#;

/// Files that come out together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// In the order in which the archive holds them.
    pub files: Vec<&'a Entry>,
}

impl Batch<'_> {
    /// The command to run in the carrier; it writes the archive to standard output. Names begin with `./`. Exit code 1 of GNU tar means that a file
    /// changed while it was read.
    pub fn command(&self, directory: &str) -> Vec<String> {
        let fixed = ["sh", "-c", SCRIPT, "sh", directory].map(str::to_owned);
        fixed.into_iter().chain(self.files.iter().map(|file| format!("./{}", file.path))).collect()
    }
}

/// The files in batches whose commands fit into a URL. Names of the same file go into different batches, since `tar` writes the content only for
/// the first of them; otherwise the order is kept.
pub fn batches<'a>(files: &[&'a Entry]) -> Vec<Batch<'a>> {
    let mut finished = Vec::new();
    let mut waiting: Vec<&'a Entry> = files.to_vec();
    while !waiting.is_empty() {
        let (mut batch, mut later) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        let mut inodes = HashSet::new();
        let mut full = false;
        for file in waiting {
            let is_first_name = file.shared_inode.as_ref().is_none_or(|inode| inodes.insert(inode));
            let more = url_bytes(&file.path);
            full |= !batch.is_empty() && bytes + more > MAX_URL_BYTES;
            if is_first_name && !full {
                bytes += more;
                batch.push(file);
            } else {
                later.push(file);
            }
        }
        finished.push(Batch { files: batch });
        waiting = later;
    }
    finished
}

/// Bytes of `&command=./path` in a URL, where everything but letters, digits and `-._~` takes three.
fn url_bytes(path: &str) -> usize {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let path: usize = path.bytes().map(|byte| if plain(byte) { 1 } else { 3 }).sum();
    "&command=.%2F".len() + path
}

#[cfg(test)]
mod tests;
