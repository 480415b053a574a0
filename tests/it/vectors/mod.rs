//! Tables of facts, each answered by the code: `tests/fixtures/vectors`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod answers;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    area: String,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Of a fact about Kestra or Airflow.
    #[serde(default)]
    id: Option<String>,
    r#in: Value,
    out: Value,
    /// Their answer, where ours is another.
    #[serde(default)]
    theirs: Option<Value>,
    #[serde(default)]
    why: Option<String>,
}

fn tables() -> Vec<Table> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files
        .flat_map(|path| -> Vec<Table> {
            let text = std::fs::read_to_string(path).unwrap();
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

/// A refusal is told by a part of its words, everything else by equality.
fn is_as_expected(expected: &Value, actual: &Value) -> bool {
    match (expected.get("refused").and_then(Value::as_str), actual.get("refused").and_then(Value::as_str)) {
        (Some(part), Some(words)) => words.contains(part),
        _ => expected == actual,
    }
}

#[test]
fn every_vector_is_answered_as_expected() {
    let (mut cases, mut peers, mut wrong) = (0, 0, Vec::new());
    for table in tables() {
        for case in &table.cases {
            let actual = answers::of(&table.area, &case.r#in);
            cases += 1;
            peers += usize::from(case.id.is_some());
            if !is_as_expected(&case.out, &actual) {
                let name = case.id.as_deref().unwrap_or_default();
                wrong
                    .push(format!("{} {name} {}: expected {}, is {actual}", table.area, case.r#in, case.out));
            }
        }
        println!("{:4} {}", table.cases.len(), table.area);
    }
    println!("{cases:4} vectors, {peers} of them facts about peers");
    assert!(wrong.is_empty(), "{} of {cases} vectors:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases >= 300 && peers >= 50, "{cases}, {peers}");
}

#[test]
fn a_vector_that_differs_from_a_peer_says_why() {
    for table in tables() {
        for case in &table.cases {
            if let Some(theirs) = &case.theirs {
                assert!(case.why.is_some(), "{} {}", table.area, case.r#in);
                assert_ne!(*theirs, case.out, "{} {}", table.area, case.r#in);
            }
        }
    }
}
