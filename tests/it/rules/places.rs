//! Nothing tells where it was written: no folder of somebody's machine, no host of a package registry.

use super::tree;

/// Written in two pieces, so that this file is searched too. A folder counts where a path begins.
const FOLDERS: [&str; 3] = [concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/ho", "me/")];
const HOSTS: [&str; 3] = [concat!("crates", ".io"), concat!("pypi", ".org"), concat!("python", "hosted")];

/// A home that is nobody's.
const NOBODY: &str = concat!("/ho", "me/user");

/// Where a host has a reason.
const EXCEPT: [(&str, &str, &str); 1] =
    [("deny.toml", HOSTS[0], "the index that dependencies must come from has to be named to be enforced")];

#[test]
fn no_file_tells_where_it_was_written() {
    let mut breaches = Vec::new();
    for file in tree::files("") {
        for (number, line) in file.text.lines().enumerate() {
            let line = line.replace(NOBODY, "");
            let folder = FOLDERS.iter().find(|folder| begins_a_path(&line, folder));
            let host = HOSTS.iter().find(|host| line.contains(**host));
            let host = host
                .filter(|host| !EXCEPT.iter().any(|(path, known, _)| *path == file.path && known == *host));
            for word in folder.into_iter().chain(host) {
                breaches.push(format!("{}:{}: `{word}`", file.path, number + 1));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn every_exception_is_still_one() {
    for (path, word, reason) in EXCEPT {
        assert!(tree::read(path).contains(word), "{path} has no `{word}` any more ({reason})");
    }
}

fn begins_a_path(line: &str, folder: &str) -> bool {
    let before = |at: usize| line[..at].chars().next_back();
    line.match_indices(folder)
        .any(|(at, _)| before(at).is_none_or(|letter| !letter.is_alphanumeric() && !"-_.}/".contains(letter)))
}
