//! What does not land: unfinished code, switched-off lints, switched-off tests.

use super::tree;

/// Written in two pieces, so that this file is searched too.
const NOWHERE: [&str; 6] = [
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("#[al", "low("),
    concat!("#[ig", "nore"),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
];

/// Where one of them has a reason.
const EXCEPT: [(&str, &str, &str); 2] = [
    (
        "infra/local/cluster/tests/kubelet/leftovers.rs",
        concat!("#[ig", "nore"),
        "not a test but the program that another test starts, kills and cleans up after",
    ),
    ("tests/storm/soak.rs", concat!("#[ig", "nore"), "it takes half an hour, and has a command of its own"),
];

#[test]
fn nothing_unfinished_and_nothing_switched_off_lands() {
    let mut breaches = Vec::new();
    for file in tree::files("") {
        for word in NOWHERE.iter().filter(|word| file.text.contains(**word)) {
            if !EXCEPT.iter().any(|(path, known, _)| *path == file.path && known == word) {
                breaches.push(format!("{}: `{word}`", file.path));
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
