//! Direction of dependency inside `shared`: words <- shape <- judgement <- hands, and the first three are pure.

use std::collections::BTreeSet;

use super::tree::{self, File};

/// From the inside out: a room uses its own level and those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Words,
    Shape,
    Judgement,
    Hands,
}

const PURE: [(&str, Level); 6] = [
    ("spec", Level::Words),
    ("merge", Level::Words),
    ("resolve", Level::Words),
    ("pod", Level::Shape),
    ("run", Level::Judgement),
    ("outputs", Level::Judgement),
];

/// What touches the world, or waits for it.
const IMPURE: [&str; 17] = [
    "tokio",
    "tokio_tar",
    "tokio_util",
    "futures",
    "kube::",
    "aws_",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "SystemTime",
    "Instant",
    "async fn",
    "async move",
    ".await",
    ".now()",
    "Timestamp::now",
];

/// Where `k8s_openapi` types may stand: the shape, and the one file that reads a pod.
const KUBERNETES_TYPES: [&str; 2] = ["shared/src/pod/", "shared/src/run/observation.rs"];

fn level(room: &str) -> Level {
    PURE.iter().find(|(name, _)| *name == room).map_or(Level::Hands, |(_, level)| *level)
}

#[test]
fn no_room_uses_one_that_comes_after_it() {
    let mut breaches = Vec::new();
    for (room, own) in PURE {
        for file in production(room) {
            for used in rooms_used(&file).into_iter().filter(|used| level(used) > own) {
                breaches.push(format!(
                    "{}: `{room}` ({own:?}) uses `{used}` ({:?})",
                    file.path,
                    level(&used)
                ));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn words_shape_and_judgement_touch_nothing_of_the_world() {
    let mut breaches = Vec::new();
    for file in PURE.iter().flat_map(|(room, _)| production(room)) {
        for (number, line) in file.text.lines().enumerate() {
            for word in IMPURE.iter().filter(|word| has_word(line, word)) {
                breaches.push(format!(
                    "{}:{}: `{word}` in a pure room: {}",
                    file.path,
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn types_of_kubernetes_stand_in_the_shape_and_in_the_observation_only() {
    let breaches: Vec<String> = PURE
        .iter()
        .flat_map(|(room, _)| production(room))
        .filter(|file| has_word(&file.text, "k8s_openapi"))
        .filter(|file| !KUBERNETES_TYPES.iter().any(|allowed| file.path.starts_with(allowed)))
        .map(|file| file.path)
        .collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn a_breach_would_be_seen() {
    let file = |text: &str| File { path: "shared/src/spec/deep/x.rs".to_owned(), text: text.to_owned() };
    let used = |text: &str| rooms_used(&file(text)).into_iter().collect::<Vec<_>>();
    assert_eq!(used("use crate::run::decide;"), ["run"]);
    assert_eq!(used("use crate::{clock, spec::{self, name}};"), ["clock", "spec"]);
    assert_eq!(used("use super::super::super::effects;"), ["effects"]);
    assert_eq!(used("use super::place; fn f() { crate::store::keys::x() }"), ["store"]);
    assert!(has_word("let x = clock.now();", ".now()") && !has_word("let afutures = 1;", "futures"));
}

/// The files of a room without what is compiled for tests only, and without comments.
fn production(room: &str) -> Vec<File> {
    let all = tree::rust(&format!("shared/src/{room}"));
    let mut tests = BTreeSet::new();
    let mut kept = Vec::new();
    for file in all {
        let folder = file.path.rsplit_once('/').unwrap().0.to_owned();
        let own = match file.path.strip_suffix("/mod.rs") {
            Some(folder) => folder.to_owned(),
            None => file.path.trim_end_matches(".rs").to_owned(),
        };
        let (text, modules) = without_tests(&file.text);
        tests.extend(modules.iter().flat_map(|name| [format!("{own}/{name}"), format!("{folder}/{name}")]));
        kept.push(File { path: file.path, text });
    }
    kept.retain(|file| {
        !tests
            .iter()
            .any(|test| file.path == format!("{test}.rs") || file.path.starts_with(&format!("{test}/")))
    });
    assert!(kept.len() > 1, "`{room}` has no files");
    kept
}

/// The text without comments and `#[cfg(test)]` items, and the names of the modules that are such items.
fn without_tests(text: &str) -> (String, Vec<String>) {
    let (mut kept, mut modules) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indentation = line.len() - line.trim_start().len();
            let item = lines.next().unwrap_or_default();
            if let Some(name) = item.trim().strip_suffix(';').and_then(|item| item.rsplit(' ').next()) {
                modules.push(name.to_owned());
            } else {
                lines.by_ref().find(|line| line.trim_end() == format!("{}}}", " ".repeat(indentation)));
            }
            continue;
        }
        kept.push_str(line.split("//").next().unwrap_or_default());
        kept.push('\n');
    }
    (kept, modules)
}

/// Top-level modules of `shared` that a file names, by `crate::` or by enough `super::`.
fn rooms_used(file: &File) -> BTreeSet<String> {
    let inside = file.path.trim_start_matches("shared/src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let up = "super::".repeat(inside.split('/').count());
    ["crate::", up.as_str()].iter().flat_map(|root| after(&file.text, root)).collect()
}

/// The names that follow a path's beginning, those in braces included.
fn after(text: &str, beginning: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
    };
    let starts = text.match_indices(beginning).filter(|(at, _)| {
        !text[..*at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$')
    });
    let mut names = Vec::new();
    for (at, _) in starts {
        let rest = &text[at + beginning.len()..];
        match rest.strip_prefix('{') {
            None => names.push(name(rest)),
            Some(list) => {
                let (mut depth, mut begins) = (0, true);
                for (at, letter) in list.char_indices() {
                    match letter {
                        '}' if depth == 0 => break,
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 0 => begins = true,
                        letter if begins && letter.is_alphabetic() => {
                            names.push(name(&list[at..]));
                            begins = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names.retain(|name| !name.is_empty() && name != "super" && name != "self");
    names
}

/// The word stands in the text, and is not the end or the beginning of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = !word.starts_with(part) || !text[..at].ends_with(part);
        let after =
            word.ends_with('_') || !word.ends_with(part) || !text[at + word.len()..].starts_with(part);
        before && after
    })
}
