//! Every document in `infra/examples` runs as its index says.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use shared::run::diagnosis::Cause;
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::store::upload::hex;

use crate::ground;
use crate::stack::{KESTRA_IMAGE, Stack};
use crate::tasks::Document;

/// As many as two processors run side by side without waiting for each other.
const SIDE_BY_SIDE: usize = 4;

/// What the input `file` holds where a document wants one: every byte, and a line end or two.
fn content() -> Vec<u8> {
    (0..=255).chain(*b"\r\nlast line without end").collect()
}

/// What must come of a document.
struct Expectation {
    file: &'static str,
    /// It wants the input `file`.
    input: bool,
    state: State,
    files: Files,
}

enum Files {
    None,
    /// The input, under another name.
    Copied,
    These(&'static [(&'static str, &'static str)]),
    /// Written by a script that knows more than the test; the names only.
    Named(&'static [&'static str]),
}

const fn copies(file: &'static str) -> Expectation {
    Expectation { file, input: true, state: State::Succeeded, files: Files::Copied }
}

const fn plain(file: &'static str, state: State, files: Files) -> Expectation {
    Expectation { file, input: false, state, files }
}

const TABLE: [Expectation; 16] = [
    plain("hello.yaml", State::Succeeded, Files::None),
    plain(
        "files.yaml",
        State::Succeeded,
        Files::These(&[
            ("reports/by size/towns.txt", "Stavanger,149048\nBergen,291940\nOslo,717710\n"),
            ("reports/count.txt", "3\n"),
        ]),
    ),
    plain("outputs.yaml", State::Succeeded, Files::None),
    plain("fails.yaml", State::Failed, Files::None),
    copies("shell-commands-copy-file.yaml"),
    // Its script gives the module `platform` another meaning and then uses it, which no Python forgives.
    plain("python-script-environment.yaml", State::Failed, Files::None),
    plain(
        "python-script-environment-corrected.yaml",
        State::Succeeded,
        Files::Named(&["environment_info.json"]),
    ),
    plain("ee-runner-hello.yaml", State::Succeeded, Files::None),
    copies("ee-runner-copy-file.yaml"),
    plain("pod-create-launch.yaml", State::Succeeded, Files::None),
    copies("pod-create-files.yaml"),
    copies("pod-create-carrier-limits.yaml"),
    copies("pod-create-restricted.yaml"),
    plain("airflow-operator.yaml", State::Succeeded, Files::None),
    plain("airflow-transform.yaml", State::Succeeded, Files::None),
    plain("airflow-executor.yaml", State::Succeeded, Files::None),
];

#[tokio::test]
async fn every_example_runs_as_its_index_says_and_its_files_are_in_the_bucket_byte_for_byte() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/examples");
    let there: Vec<String> = std::fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.file_name().into_string().unwrap()))
        // Rules are no documents to run.
        .filter(|name: &Result<String>| {
            !name.as_ref().is_ok_and(|name| name == "README.md" || name == "triggers")
        })
        .collect::<Result<_>>()?;
    let unknown = there.iter().find(|name| !TABLE.iter().any(|row| row.file == *name));
    assert_eq!((unknown, there.len()), (None, TABLE.len()));

    let stack = Stack::shared().await?;
    let runs = TABLE.iter().map(|row| async {
        if row.file.starts_with("python-script-environment") && !stack.has_kestra() {
            println!("{} is left out: the package `kestra` cannot be had from the package index", row.file);
            return Ok(());
        }
        one(&stack, &folder, row).await.context(row.file)
    });
    futures::stream::iter(runs).buffer_unordered(SIDE_BY_SIDE).try_collect().await
}

async fn one(stack: &Stack, folder: &Path, row: &Expectation) -> Result<()> {
    let desk = Document::of(&json!(null))?;
    let (data, out) = (desk.beside("data.txt"), desk.beside("out"));
    std::fs::write(&data, content())?;
    let mut document = folder.join(row.file);
    if stack.is_on_real_ground() {
        let text = std::fs::read_to_string(&document)?;
        document = desk.beside(row.file);
        std::fs::write(&document, with_images(&text))?;
    }
    let document = document.display().to_string();
    let (input, out_argument) = (format!("file=@{}", data.display()), out.display().to_string());
    let mut arguments = vec!["run", &document, "--json", "--out", &out_argument];
    if row.input {
        arguments.extend(["--input", &input]);
    }
    let outcome = stack.longshore(&arguments).await?;
    let result = outcome.ended_with(if row.state == State::Succeeded { 0 } else { 1 })?;
    ensure!(result.state == row.state, "{:?}", result.diagnosis);
    ensure!(stack.cloud.result(&result.run_id).await?.as_ref() == Some(&result), "another result is stored");

    let brought = in_bucket(stack, &result).await?;
    let expected: BTreeMap<String, Vec<u8>> = match row.files {
        Files::None => BTreeMap::new(),
        Files::Copied => BTreeMap::from([("out.txt".to_owned(), content())]),
        Files::These(files) => {
            files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
        }
        Files::Named(names) => {
            let pick = |name: &&str| Some(((*name).to_owned(), brought.get(*name)?.clone()));
            names.iter().filter_map(pick).collect()
        }
    };
    ensure!(brought == expected, "in the bucket: {:?}", brought.keys());
    for (path, bytes) in &brought {
        ensure!(std::fs::read(out.join(path))? == *bytes, "`{path}` was downloaded differently");
    }
    special(row.file, &result, &brought)
}

/// A document with the images that a real cluster is said to have.
fn with_images(text: &str) -> String {
    let line = |line: &str| match line.split_once("mage: ") {
        Some((head, KESTRA_IMAGE)) => format!("{head}mage: {}\n", ground::python()),
        Some((head, _)) => format!("{head}mage: {}\n", ground::busybox()),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// The objects below the attempt's outputs, each checked against the result.
pub async fn in_bucket(stack: &Stack, result: &RunResult) -> Result<BTreeMap<String, Vec<u8>>> {
    let prefix = format!("runs/{}/attempts/{}/outputs/", result.run_id, result.attempt);
    let mut files = BTreeMap::new();
    for key in stack.cloud.keys(&prefix).await? {
        let bytes = stack.cloud.object(&key).await?.context("it was listed")?;
        let path = key.strip_prefix(&prefix).context("it was listed below the prefix")?;
        files.insert(path.to_owned(), bytes);
    }
    let told: BTreeMap<_, _> = result
        .output_files
        .iter()
        .map(|file| (file.path.clone(), (file.size, file.sha256.clone())))
        .collect();
    let stored = files.iter().map(|(path, bytes)| {
        (path.clone(), (u64::try_from(bytes.len()).unwrap_or(u64::MAX), hex(&Sha256::digest(bytes))))
    });
    ensure!(stored.collect::<BTreeMap<_, _>>() == told, "result and bucket differ: {told:?}");
    Ok(files)
}

/// What only one of the documents shows.
fn special(file: &str, result: &RunResult, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    match file {
        "outputs.yaml" => {
            let outputs = serde_json::to_value(&result.outputs)?;
            ensure!(outputs == json!({"rows": 4, "table": "towns"}), "{outputs}");
        }
        "airflow-transform.yaml" => {
            let outputs = serde_json::to_value(&result.outputs)?;
            ensure!(outputs == json!({"return_value": {"return_value": "460"}}), "{outputs}");
        }
        "fails.yaml" => {
            let diagnosis = result.diagnosis.as_ref().context("a failure without diagnosis")?;
            ensure!(diagnosis.cause == Cause::NonZeroExit && diagnosis.exit_code == Some(1), "{diagnosis:?}");
            ensure!(
                diagnosis.container.as_deref() == Some("main") && !diagnosis.hint.is_empty(),
                "{diagnosis:?}"
            );
            let tail = result.log_tail.as_deref().unwrap_or_default();
            ensure!(tail.contains("looking for the ledger") && tail.contains("ledger.csv"), "{tail}");
        }
        "python-script-environment.yaml" => {
            // The package was found: the mistake comes after the import.
            let tail = result.log_tail.as_deref().unwrap_or_default();
            ensure!(tail.contains("Hello from a Kubernetes runner!") && tail.contains("'machine'"), "{tail}");
        }
        "python-script-environment-corrected.yaml" => {
            let bytes = files.get("environment_info.json").context("the script wrote nothing")?;
            let written: serde_json::Value = serde_json::from_slice(bytes)?;
            ensure!(serde_json::to_value(&result.outputs)? == written, "{:?} {written}", result.outputs);
        }
        _ => ensure!(result.outputs.is_empty(), "{:?}", result.outputs),
    }
    Ok(())
}
