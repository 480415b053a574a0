//! Run ids of the command: `<slug of the task's id>-<10 random base32 characters>`.

use std::io::Read;

use shared::spec::read::is_run_id;

use crate::exit::Failure;

/// Lower-case base32 (RFC 4648).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 50 bits: two of a million runs collide once in a billion.
const RANDOM_CHARACTERS: usize = 10;
/// Leaves room for the random part in the 53 characters that stay readable in a label.
const MAX_SLUG_CHARACTERS: usize = 40;

/// A new run id for a task.
///
/// # Errors
/// When the machine's source of randomness cannot be read.
pub fn fresh(task_id: &str) -> Result<String, Failure> {
    let mut bytes = [0_u8; RANDOM_CHARACTERS];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| Failure::failed("cannot read `/dev/urandom` for a run id").because(&error))?;
    let suffix: String = bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect();
    Ok(format!("{}-{suffix}", slug(task_id)))
}

/// Lower-case letters and digits with single hyphens between them; `task` when nothing is left.
fn slug(task_id: &str) -> String {
    let mut slug = String::new();
    for letter in task_id.chars().take(MAX_SLUG_CHARACTERS) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "task".to_owned() } else { slug.to_owned() }
}

/// Refuse what is no run id.
///
/// # Errors
/// When it is none.
pub fn check(run_id: &str) -> Result<(), Failure> {
    match is_run_id(run_id) {
        true => Ok(()),
        false => Err(Failure::wrong(format!("`{run_id}` is no run id")).remedy(
            "use 1 to 128 of A-Z a-z 0-9 . _ - that begin and end with a letter or digit; `longshore list` shows the runs",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_readable_and_legal() {
        let table = [
            ("hello", "hello"),
            ("Kubernetes_Script  Runner", "kubernetes-script-runner"),
            ("__x__", "x"),
            ("日本", "task"),
            ("", "task"),
        ];
        for (id, expected) in table {
            assert_eq!(slug(id), expected);
        }
        assert!(slug(&"a".repeat(300)).len() <= MAX_SLUG_CHARACTERS);
    }

    #[test]
    fn a_fresh_id_is_one_that_is_accepted_and_never_the_same() {
        let (one, other) = (fresh("Hello World").unwrap(), fresh("Hello World").unwrap());
        assert!(one.starts_with("hello-world-") && one.len() == "hello-world-".len() + 10);
        check(&one).unwrap();
        assert_ne!(one, other);
    }

    #[test]
    fn ids_that_would_leave_their_folder_are_refused() {
        for id in ["", "../x", "a/b", "-a", "a-", "a b", "ä", &"a".repeat(129)] {
            assert!(check(id).is_err(), "{id}");
        }
    }
}
