//! What became of the runs of a storm, counted.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Result, ensure};
use sha2::{Digest as _, Sha256};
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::store::upload::hex;

use crate::errand::{Errand, FILE};
use crate::scene::{Rest, Scene};

/// What has to become of a run.
#[derive(Clone, Debug)]
pub struct Expected {
    /// How it ends.
    pub state: State,
    /// After so many attempts, each with one pod.
    pub attempts: u32,
    /// The file that comes of it, if one does.
    pub file: Option<Errand>,
}

impl Expected {
    /// It succeeds at the first attempt and brings its file.
    pub fn plain(errand: Errand) -> Expected {
        Expected { state: State::Succeeded, attempts: 1, file: Some(errand) }
    }
}

/// The count. Everything in a list is a promise that was not kept.
#[derive(Debug, Default)]
pub struct Verdict {
    runs: usize,
    results: usize,
    attempts: usize,
    pods: usize,
    files: usize,
    /// Runs without a result, results of nobody's run, and results that changed.
    results_wrong: Vec<String>,
    /// Runs that ended otherwise.
    ends_wrong: Vec<String>,
    /// Attempts without a pod or with several.
    pods_wrong: Vec<String>,
    /// Files that are missing or are not what the task wrote.
    files_lost: Vec<String>,
    rest: Rest,
    gap: Option<String>,
}

impl Verdict {
    /// Wait until all is done, and count. `seen` are the results as they were when they were first seen.
    pub async fn of(
        scene: &Scene,
        expected: &BTreeMap<String, Expected>,
        seen: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Verdict> {
        let rest = scene.settle().await?;
        let mut verdict = Verdict { runs: expected.len(), rest, ..Verdict::default() };
        let mut written = BTreeMap::new();
        scene.look(&mut written).await?;
        verdict.results = written.len();
        for (run_id, bytes) in &written {
            if !expected.contains_key(run_id) {
                verdict.results_wrong.push(format!("{run_id} is nobody's run"));
            } else if seen.get(run_id).is_some_and(|first| first != bytes) {
                verdict.results_wrong.push(format!("the result of {run_id} has changed"));
            }
        }
        for (run_id, expected) in expected {
            let Some(bytes) = written.get(run_id) else {
                verdict.results_wrong.push(format!("{run_id} has no result"));
                continue;
            };
            let result: RunResult = serde_json::from_slice(bytes)?;
            if (result.state, result.attempt) != (expected.state, expected.attempts) {
                let (state, attempt, why) = (result.state, result.attempt, &result.diagnosis);
                verdict.ends_wrong.push(format!("{run_id} is {state} after attempt {attempt}: {why:?}"));
            }
            if let Some(errand) = &expected.file {
                verdict.files += 1;
                if let Some(problem) = lost(scene, &result, errand).await? {
                    verdict.files_lost.push(format!("{run_id}: {problem}"));
                }
            }
        }
        verdict.count_pods(scene, expected);
        Ok(verdict)
    }

    fn count_pods(&mut self, scene: &Scene, expected: &BTreeMap<String, Expected>) {
        let book = scene.witness.book();
        self.gap.clone_from(&book.gap);
        for (run_id, expected) in expected {
            for attempt in 1..=expected.attempts {
                self.attempts += 1;
                let pods = book.pods.get(&(run_id.clone(), attempt)).map_or(0, |uids| uids.len());
                if pods != 1 {
                    self.pods_wrong.push(format!("attempt {attempt} of {run_id} had {pods} pods"));
                }
            }
        }
        for ((run_id, attempt), uids) in &book.pods {
            self.pods += uids.len();
            if expected.get(run_id).is_none_or(|expected| *attempt > expected.attempts) {
                self.pods_wrong.push(format!("attempt {attempt} of {run_id} should not be"));
            }
        }
    }

    /// Every promise was kept.
    pub fn ensure(&self) -> Result<()> {
        let lists = [&self.results_wrong, &self.ends_wrong, &self.pods_wrong, &self.files_lost];
        ensure!(lists.iter().all(|list| list.is_empty()), "promises were broken:\n{self}\n{lists:#?}");
        ensure!(self.rest.is_tidy(), "something is left: {:?}", self.rest);
        ensure!(self.gap.is_none(), "the bystander did not see everything: {:?}", self.gap);
        Ok(())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "  {} runs: {} results ({} missing, changed or of nobody), {} that ended otherwise",
            self.runs,
            self.results,
            self.results_wrong.len(),
            self.ends_wrong.len()
        )?;
        writeln!(
            formatter,
            "  {} attempts: {} pods seen, {} attempts without exactly one",
            self.attempts,
            self.pods,
            self.pods_wrong.len()
        )?;
        writeln!(
            formatter,
            "  {} files: {} lost or other than written (SHA-256 of the bytes in the bucket)",
            self.files,
            self.files_lost.len()
        )?;
        write!(
            formatter,
            "  left: {} pods, {} processes of pods, {} records and marks, {} messages due",
            self.rest.pods.len(),
            self.rest.processes,
            self.rest.active.len(),
            self.rest.due.values().sum::<u32>()
        )
    }
}

/// What is wrong with the file of a run: it has to be listed as the task wrote it, and to be in the bucket as it is listed.
async fn lost(scene: &Scene, result: &RunResult, errand: &Errand) -> Result<Option<String>> {
    let [file] = result.output_files.as_slice() else {
        return Ok(Some(format!("{} files are listed", result.output_files.len())));
    };
    let key = format!("runs/{}/attempts/{}/outputs/{FILE}", result.run_id, result.attempt);
    let Some(bytes) = scene.stack.cloud.object(&key).await? else {
        return Ok(Some(format!("`{key}` is not in the bucket")));
    };
    let stored = (bytes.len() as u64, hex(&Sha256::digest(&bytes)));
    let (told, wanted) = ((file.size, file.sha256.clone()), (errand.size, errand.sha256.clone()));
    let is_kept = file.path == FILE && told == wanted && stored == wanted;
    Ok((!is_kept).then(|| format!("{told:?} is listed and {stored:?} is stored of {wanted:?}")))
}
