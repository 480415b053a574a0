//! `docs/DIAGNOSIS.md` lists every cause as the code knows it. `LONGSHORE_WRITE_DOCS=1` writes the page anew.

use jiff::Timestamp;
use serde_json::Value;
use shared::run::diagnosis::{Cause, Class, Diagnosis};
use shared::run::record::Record;
use shared::run::retry::{FREE_RETRIES, FREE_RETRY_SECONDS};

use super::tree;

const PAGE: &str = "docs/DIAGNOSIS.md";

/// Causes that end a run without its policy being asked.
const NOT_ASKED: [(Cause, &str); 4] = [
    (Cause::QuotaExceeded, "waited for, up to `waitUntilRunning`"),
    (
        Cause::ClusterUnreachable,
        "waited for, up to `waitUntilRunning`; once there is a pod, until a day after its own deadline",
    ),
    (Cause::OutputMissing, "by policy"),
    (Cause::CollectionFailed, "by policy; the collection itself is tried four times before"),
];

#[test]
fn the_page_of_causes_is_the_code() {
    tree::assert_page(PAGE, &page());
}

fn page() -> String {
    let [first, second, third] = FREE_RETRY_SECONDS;
    let rows: String = causes().into_iter().map(|(name, meaning)| row(&name, &meaning)).collect();
    format!(
        "# Why a run did not succeed\n\n\
         Every result of a run that did not succeed carries one `diagnosis`: `{{class, cause, container, exitCode, signal, message, hint, evidence}}`.\n\
         The names of causes and classes are stable; `Catch` and `Retry` of a state machine may match them. This page is written from the code.\n\n\
         ## Classes\n\n\
         | class | whose matter it is |\n| --- | --- |\n{}\n\
         ## Causes\n\n\
         The last column says whether the task's `retry` begins another attempt after this cause. Class and hint are the usual ones; what was seen may\n\
         make them more exact (a registry that limits pulls is `infrastructure`, not `config`). An `infrastructure` failure before the main container\n\
         has started is repeated up to {FREE_RETRIES} times, after {first}, {second} and {third} seconds, whatever `retry` says, and is not counted. A run\n\
         that somebody cancelled is never repeated.\n\n\
         | cause | class | what it means | what to do | retried |\n| --- | --- | --- | --- | --- |\n{rows}",
        classes()
    )
}

fn classes() -> String {
    documented("pub enum Class {")
        .into_iter()
        .map(|(name, meaning)| {
            let name = name.to_lowercase();
            let class: Class = serde_json::from_value(name.clone().into()).unwrap();
            assert_eq!(serde_json::to_value(class).unwrap(), name);
            format!("| `{name}` | {meaning} |\n")
        })
        .collect()
}

fn causes() -> Vec<(String, String)> {
    let causes = documented("pub enum Cause {");
    assert!(causes.len() > 30, "the list of causes was not found");
    causes
}

fn row(name: &str, meaning: &str) -> String {
    let cause: Cause = serde_json::from_value(name.into()).unwrap();
    let diagnosis = Diagnosis::new(cause, "");
    let class = serde_json::to_value(diagnosis.class).unwrap();
    let asked = if is_retried(&diagnosis) { "yes" } else { "no" };
    let retried = NOT_ASKED.iter().find(|(known, _)| *known == cause).map_or(asked, |(_, words)| *words);
    format!("| `{name}` | {} | {meaning} | {} | {retried} |\n", class.as_str().unwrap(), diagnosis.hint)
}

/// Asked of the very policy that the runs ask, with attempts to spare.
fn is_retried(diagnosis: &Diagnosis) -> bool {
    let mut record: Record =
        serde_json::from_str(&tree::read("tests/fixtures/formats/record-1.json")).unwrap();
    record.plan.retry.max_attempts = u32::MAX;
    record.plan.retry.max_duration_seconds = None;
    record.plan.retry.next(&record, diagnosis, Timestamp::UNIX_EPOCH).is_some()
}

/// The variants of an enum and what their comments say, in the order of the code.
fn documented(enumeration: &str) -> Vec<(String, String)> {
    let source = tree::read("shared/src/run/diagnosis.rs");
    let body = source.split_once(enumeration).unwrap().1.split_once("\n}").unwrap().0;
    let (mut variants, mut comment) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix("///") {
            Some(text) => comment.push(text.trim()),
            None => {
                let name = line.trim_end_matches(',').to_owned();
                assert!(
                    Value::from(name.as_str()).is_string() && name.chars().all(char::is_alphanumeric),
                    "{line}"
                );
                variants.push((name, comment.join(" ")));
                comment.clear();
            }
        }
    }
    variants
}
