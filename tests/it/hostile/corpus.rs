use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use fixtures::hostile::{TARGETS, Target};

use super::mutation::{Dice, mutated};

/// Mutations of each input of a corpus in a run of the tests; `just fuzz` looks further.
const MUTATIONS: u64 = 25;

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name)
}

fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let mut inputs: Vec<(String, Vec<u8>)> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

/// Run a target; a failure leaves the input where `cargo fuzz` can take it from.
fn tried(target: &Target, name: &str, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).is_err() {
        let kept = std::env::temp_dir().join(format!("longshore-{}-{name}", target.name));
        std::fs::write(&kept, bytes).unwrap();
        panic!("{} fails for {name}; the input is kept in {}", target.name, kept.display());
    }
}

fn replayed(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let inputs = corpus(target);
    assert!(inputs.len() >= 10, "{name} has only {} inputs", inputs.len());
    for (index, (file, bytes)) in inputs.iter().enumerate() {
        tried(target, file, bytes);
        let mut dice = Dice::new(index as u64);
        let other = &inputs[(index * 7 + 3) % inputs.len()].1;
        for mutation in 0..MUTATIONS {
            tried(target, &format!("{file}.{mutation}"), &mutated(&mut dice, bytes, other));
        }
    }
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                replayed(stringify!($name));
            }
        )*

        #[test]
        fn every_target_and_every_corpus_is_replayed() {
            let replayed = [$(stringify!($name)),*];
            assert_eq!(replayed, TARGETS.each_ref().map(|target| target.name));
            let root = folder(&TARGETS[0]).parent().unwrap().to_owned();
            let mut folders: Vec<String> = std::fs::read_dir(root)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            folders.sort();
            assert_eq!(folders, replayed);
        }
    };
}

targets!(
    archives,
    documents,
    durations,
    events,
    frames,
    globs,
    kubeconfigs,
    lines,
    listings,
    quantities,
    selectors,
    stores,
    templates,
    values,
    watches
);
