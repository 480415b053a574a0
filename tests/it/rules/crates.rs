//! Direction of dependency between the packages of the workspace, and a versions table without leftovers.

use std::collections::{BTreeMap, BTreeSet};

use super::tree;

/// What each package may use of the workspace.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("shared", &[]),
    ("functions/submit", &["shared"]),
    ("functions/poll", &["shared"]),
    ("functions/collect", &["shared"]),
    ("functions/cancel", &["shared"]),
    ("functions/trigger", &["shared"]),
    ("functions/notify", &["shared"]),
    // The cluster is a stranger to Longshore, as a real one is.
    ("infra/local/cluster", &[]),
    // It runs the functions' binaries; it links none of them.
    ("infra/local", &["longshore-cluster"]),
    ("infra/cli", &["shared", "longshore-local"]),
    // It runs in pods, far from everything but the names and the judgement that both sides share.
    ("infra/helper", &["shared"]),
    // A workspace of its own.
    ("tests/fuzz", &["longshore-tests", "fixtures"]),
];

/// Folders that are no crates of their own name in code.
const NAMED_OTHERWISE: [(&str, &str); 2] = [("longshore-cluster", "cluster"), ("longshore-local", "local")];

#[test]
fn packages_depend_in_one_direction() {
    let mut packages = manifests();
    assert!(packages.remove("tests").is_some(), "the tests may use everything");
    let known: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    assert_eq!(
        packages.keys().map(String::as_str).collect::<Vec<_>>(),
        known.keys().copied().collect::<Vec<_>>(),
        "every package has a line in the table"
    );
    for (package, used) in packages {
        let allowed = known[package.as_str()];
        let breaches: Vec<_> = used
            .iter()
            .filter(|name| name.starts_with("longshore-") || *name == "shared")
            .filter(|name| !allowed.contains(&name.as_str()))
            .collect();
        assert!(breaches.is_empty(), "`{package}` depends on {breaches:?}");
    }
}

#[test]
fn every_version_in_the_table_is_used_and_every_dependency_is_named_in_code() {
    let manifests = manifests();
    let used: BTreeSet<String> = manifests.values().flatten().cloned().collect();
    let table = dependencies(&tree::read("Cargo.toml"));
    let unused: Vec<_> = table.difference(&used).collect();
    assert!(unused.is_empty(), "nobody uses {unused:?} of the versions table");
    for (package, dependencies) in manifests {
        let inner = if package == "infra/local" { "infra/local/cluster/" } else { "-" };
        let code: String = tree::rust(&package)
            .into_iter()
            .filter(|file| !file.path.starts_with(inner))
            .map(|file| file.text)
            .collect();
        for dependency in dependencies {
            let renamed = NAMED_OTHERWISE.iter().find(|(name, _)| *name == dependency);
            let name = renamed.map_or(dependency.trim_start_matches("longshore-"), |(_, name)| name);
            let path = format!("{}::", name.replace('-', "_"));
            assert!(code.contains(&path), "`{package}` depends on `{dependency}` and never names it");
        }
    }
}

/// What each package depends on, by its folder.
fn manifests() -> BTreeMap<String, BTreeSet<String>> {
    tree::files("")
        .into_iter()
        .filter_map(|file| {
            let folder = file.path.strip_suffix("/Cargo.toml")?.to_owned();
            Some((folder, dependencies(&file.text)))
        })
        .collect()
}

/// Names in the tables of dependencies of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
        } else if inside && let Some(end) = line.find(['.', ' ', '=']) {
            names.insert(line[..end].to_owned());
        }
    }
    names
}
