//! The promises, looked at after every step.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use fixtures::memory::MemoryBucket;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use sha2::{Digest, Sha256};
use shared::clock::between;
use shared::pod::{identity_of, is_kept};
use shared::run::answer::Reply;
use shared::run::diagnosis::Cause;
use shared::run::record::Record;
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::store::keys;
use shared::store::upload::hex;

use crate::bucket::Change;
use crate::cluster::model::{Model, Truth};
use crate::cluster::words;
use crate::plan::Submission;

/// How long a pod may be there after its run's result, in seconds, when nothing goes wrong any more: until records count as settled (65), three polls (180),
/// its grace with the window for files (90), and until the API server gives up a silent node (240).
const OUTLIVES_SECONDS: u64 = 65 + 180 + 90 + 240;

/// Most requests to the API server for each submission and each poll of a schedule.
const MOST_REQUESTS: u64 = 60;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise.
    pub promise: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.promise, self.seen)
    }
}

/// What is known of a run.
#[derive(Default)]
struct Run {
    result: Option<(Vec<u8>, RunResult)>,
    record: Option<Record>,
    /// The step at which the mark was seen, unless an ending had been settled.
    marked: Option<u64>,
    uids: BTreeMap<u32, (String, u64)>,
}

/// Looks, and remembers what it saw.
#[derive(Default)]
pub struct Judge {
    runs: BTreeMap<String, Run>,
    truths: usize,
    heard: usize,
    told: BTreeMap<String, Reply>,
    /// Runs that somebody asked to cancel, or whose waiting state has gone.
    cancelled: BTreeSet<String>,
    /// Pods whose log, files or uploads were disturbed.
    hurt: BTreeSet<String>,
    /// What was found.
    pub violations: Vec<Violation>,
    /// Programs of an attempt that began twice.
    pub begun_twice: u64,
}

/// What may be looked at after a step.
pub struct Sight<'a> {
    /// The step.
    pub step: u64,
    /// The bucket.
    pub memory: &'a MemoryBucket,
    /// The cluster.
    pub model: &'a Model,
    /// When an invocation began.
    pub began: &'a dyn Fn(u64) -> u64,
    /// When the invocation that made this step began.
    pub acting: Option<u64>,
}

impl Judge {
    /// Somebody asked for the end of a run.
    pub fn cancel(&mut self, run_id: &str) {
        self.cancelled.insert(run_id.to_owned());
    }

    /// Reading from a pod, or an upload of what it left, was disturbed.
    pub fn hurt(&mut self, what: &str) {
        self.hurt.insert(what.to_owned());
    }

    fn found(&mut self, promise: &'static str, seen: String) {
        self.violations.push(Violation { promise, seen });
    }

    /// After a step.
    pub fn look(&mut self, changes: &[Change], heard: &[(String, Reply)], sight: &Sight<'_>) {
        for change in changes {
            if let Some(run_id) =
                change.key.strip_prefix("runs/").and_then(|key| key.strip_suffix("/result.json"))
            {
                self.result(run_id, change, sight);
            } else if let Some((_, run_id)) = keys::parse_record(&change.key) {
                self.record(run_id, change, sight);
            }
        }
        self.pods(sight);
        for (token, reply) in heard.get(self.heard..).unwrap_or_default() {
            self.heard += 1;
            match self.told.get(token) {
                Some(first) if first != reply => {
                    self.found(
                        "no token is answered twice with different answers",
                        format!("{token}: {first:?}, then {reply:?}"),
                    );
                }
                _ => drop(self.told.insert(token.clone(), reply.clone())),
            }
        }
    }

    fn result(&mut self, run_id: &str, change: &Change, sight: &Sight<'_>) {
        let promise = "a result is written once and never changed";
        let run = self.runs.entry(run_id.to_owned()).or_default();
        if change.deleted {
            return self.found(promise, format!("the result of {run_id} is deleted"));
        }
        let Some(bytes) = sight.memory.read(&change.key) else { return };
        if let Some((_, first)) = &run.result {
            let seen = format!("{run_id} was {} and is written again", first.state);
            return self.found(promise, seen);
        }
        let Ok(result) = serde_json::from_slice::<RunResult>(&bytes) else {
            return self.found("a result can be read", format!("that of {run_id} cannot"));
        };
        let marked = run.marked;
        run.result = Some((bytes, result.clone()));
        let began = change.by.map_or(0, |by| (sight.began)(by));
        if marked.is_some_and(|marked| began > marked) && result.state != State::Cancelled {
            self.found(
                "a run that is marked ends as cancelled",
                format!("{run_id} ends as {}", result.state),
            );
        }
        self.truthful(run_id, &result, sight);
        self.files(run_id, &result, sight.memory);
    }

    /// What a result says of its pod is what became of it.
    fn truthful(&mut self, run_id: &str, result: &RunResult, sight: &Sight<'_>) {
        let recorded = self.runs.get(run_id).and_then(|run| run.uids.get(&result.attempt));
        let truth = recorded.and_then(|(uid, _)| sight.model.truth(uid));
        let told = result.outputs.get("uid").and_then(|uid| uid.as_str());
        if result.state == State::Succeeded && truth.is_none_or(|truth| truth.code != Some(0)) {
            self.found("only a program that exited 0 is a success", format!("{run_id}: {truth:?}"));
        }
        if let Some(truth) = truth
            && told.is_some_and(|told| told != truth.uid)
        {
            self.found(
                "outputs are those of the attempt that counts",
                format!("{run_id}: {told:?} of {truth:?}"),
            );
        }
        let failed = matches!(result.state, State::Failed | State::TimedOut);
        // A collection that is disturbed until its last delivery is given up, and says so.
        let cause = result.diagnosis.as_ref().map(|diagnosis| diagnosis.cause);
        let is_given_up = cause == Some(Cause::CollectionFailed)
            && (self.hurt.contains(run_id) || truth.is_some_and(|truth| self.hurt.contains(&truth.name)));
        if failed && !is_given_up && truth.is_some_and(|truth| truth.plain) {
            let words = result.diagnosis.as_ref().map(|diagnosis| diagnosis.message.clone());
            self.found(
                "a pod without trouble is no failure",
                format!("{run_id}: {} {words:?} {truth:?}", result.state),
            );
        }
        // A pod that people delete before its uid is known is told of by the watch alone.
        let is_known = result.pod_name.is_some() || cause == Some(Cause::PodDeleted);
        if result.state == State::Failed && !is_known {
            let words = result.diagnosis.as_ref().map(|diagnosis| diagnosis.message.clone());
            self.found("a run without a pod waits, or runs out of time", format!("{run_id}: {words:?}"));
        }
        if result.state == State::Cancelled && !self.cancelled.contains(run_id) {
            self.found("only who asks for it is cancelled", run_id.to_owned());
        }
        if result.state == State::Succeeded
            && let Some(truth) = truth
            && truth.plain
            && !self.hurt.contains(&truth.name)
            && !self.hurt.contains(run_id)
        {
            let wants_files = self
                .runs
                .get(run_id)
                .and_then(|run| run.record.as_ref())
                .is_some_and(|record| record.plan.files.has_outputs());
            let files: Vec<&str> = result.output_files.iter().map(|file| file.path.as_str()).collect();
            if told != Some(truth.uid.as_str()) || (wants_files && files != ["out/a.txt", "out/b c.bin"]) {
                self.found(
                    "logs and files of a pod without trouble come back",
                    format!("{run_id}: {files:?}, {told:?}, {:?}", result.warnings),
                );
            }
        }
    }

    /// Every file and log that a result lists is in the bucket, and is what its pod wrote.
    fn files(&mut self, run_id: &str, result: &RunResult, memory: &MemoryBucket) {
        let promise = "what a result lists is in the bucket with its size and hash";
        let key = |uri: &str| uri.strip_prefix("s3://bucket/").unwrap_or_default().to_owned();
        let uid =
            self.runs.get(run_id).and_then(|run| run.uids.get(&result.attempt)).map(|(uid, _)| uid.clone());
        for file in &result.output_files {
            let bytes = memory.read(&key(&file.uri));
            let expected = uid.as_ref().map(|uid| words::content(uid, &file.path));
            let is_same = bytes.as_ref().is_some_and(|bytes| {
                bytes.len() as u64 == file.size && hex(&Sha256::digest(bytes)) == file.sha256
            });
            if !is_same || bytes != expected {
                let bytes = bytes.map(|bytes| bytes.len());
                self.found(promise, format!("{run_id}: {} has {bytes:?} bytes of {}", file.uri, file.size));
            }
        }
        for log in result.logs.values() {
            let size = memory.read(&key(&log.uri)).map(|bytes| bytes.len() as u64);
            if size != Some(log.size) {
                self.found(promise, format!("{run_id}: {} has {size:?} bytes of {}", log.uri, log.size));
            }
        }
    }

    fn record(&mut self, run_id: &str, change: &Change, sight: &Sight<'_>) {
        let run = self.runs.entry(run_id.to_owned()).or_default();
        if change.deleted {
            if run.result.is_none() {
                self.found("a record goes only after its result", run_id.to_owned());
            } else {
                run.record = None;
            }
            return;
        }
        let read =
            sight.memory.read(&change.key).and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        let Some(record) = read else {
            // Written and deleted within the step.
            return;
        };
        let mut found = Vec::new();
        if let Some(before) = &run.record {
            let (old, new) = (&before.attempt, &record.attempt);
            if new.number < old.number || new.number > old.number + 1 {
                found.push(format!("attempt {} follows attempt {}", new.number, old.number));
            }
            if new.number == old.number && old.pod_uid.is_some() && new.pod_uid != old.pod_uid {
                found.push(format!(
                    "pod {:?} of attempt {} becomes {:?}",
                    old.pod_uid, old.number, new.pod_uid
                ));
            }
            if new.number != old.number && new.pod_name == old.pod_name {
                found.push(format!("attempts {} and {} have the same pod name", old.number, new.number));
            }
            if before.cancel.is_some() && record.cancel.is_none() {
                found.push("the mark is lost".to_owned());
            }
            if before.accepted_at != record.accepted_at || before.submission_hash != record.submission_hash {
                found.push("it is accepted twice".to_owned());
            }
        }
        if record.cancel.is_some() && run.marked.is_none() {
            // An ending that was settled before stays.
            run.marked = Some(if record.ending.is_some() { u64::MAX } else { sight.step });
        }
        if let Some(uid) = &record.attempt.pod_uid {
            run.uids.entry(record.attempt.number).or_insert((uid.clone(), sight.step));
        }
        run.record = Some(record);
        for seen in found {
            self.found("a record only moves forward", format!("{run_id}: {seen}"));
        }
    }

    /// New pods: an attempt whose pod is known is never created again, and its program begins once.
    fn pods(&mut self, sight: &Sight<'_>) {
        let new: Vec<Truth> = sight.model.truths.get(self.truths..).unwrap_or_default().to_vec();
        for truth in new {
            let earlier = sight.model.truths.iter().take(self.truths);
            let beside = earlier.filter(|other| other.attempt == truth.attempt && !other.gone);
            for other in beside {
                let seen = format!("{} of {:?} beside {}", truth.uid, truth.attempt, other.uid);
                self.violations.push(Violation { promise: "an attempt has one pod at a time", seen });
            }
            self.truths += 1;
            let (run_id, attempt) = &truth.attempt;
            let known = self.runs.get(run_id).and_then(|run| run.uids.get(attempt));
            let Some((known, step)) = known else { continue };
            // Whoever read the record before the uid was in it could not know; nothing in Kubernetes or S3 could tell it in time.
            if sight.acting.is_some_and(|began| began > *step) {
                let seen = format!(
                    "attempt {attempt} of {run_id} had {known} and is created again as {}",
                    truth.uid
                );
                self.found("an attempt whose pod is known is never created again", seen);
            }
        }
    }

    /// An invocation ended well after its POST was answered: the record knows the pod, or has no need to.
    pub fn after_post(&mut self, posted: &[(String, u32, String)], memory: &MemoryBucket) {
        for (run_id, attempt, uid) in posted {
            let read = memory.read(&keys::record("eks-simulated", run_id));
            let Some(record) = read.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok()) else {
                continue;
            };
            if record.attempt.number == *attempt && record.attempt.pod_uid.is_none() {
                self.found("the record knows the pod", format!("attempt {attempt} of {run_id} has {uid}"));
            }
        }
    }

    /// After the storm: pods of runs that are over.
    pub fn overdue(&mut self, pods: &[Pod], now: Timestamp, calm_since: Timestamp) {
        for pod in pods.iter().filter(|pod| !is_kept(pod)) {
            let Some(identity) = identity_of(pod) else { continue };
            let Some((_, result)) = self.runs.get(identity.run_id).and_then(|run| run.result.as_ref()) else {
                continue;
            };
            let since = result.timings.ended_at.max(calm_since);
            if between(since, now).as_secs() > OUTLIVES_SECONDS {
                let seen = format!("{:?} of {} since {since}", pod.metadata.name, identity.run_id);
                self.found("no pod outlives its result", seen);
            }
        }
    }

    /// Requests to the API server, for so many submissions and polls.
    pub fn bounded(&mut self, requests: u64, units: u64) {
        if requests > units * MOST_REQUESTS {
            self.found(
                "requests to the API server are bounded",
                format!("{requests} for {units} submissions and polls"),
            );
        }
    }

    /// The end: nothing is lost and nothing is left.
    pub fn end(&mut self, submissions: &[Submission], memory: &MemoryBucket, model: &Model) {
        let lost = "a submission that was taken has one result, or is kept with what is wrong";
        let mut expected = BTreeSet::new();
        for submission in submissions {
            let rejected = memory.read(&keys::rejected(&submission.id)).is_some();
            let runs: Vec<&str> = if submission.is_upload {
                let prefix = format!("{}-", submission.id);
                self.runs.keys().filter(|run_id| run_id.starts_with(&prefix)).map(String::as_str).collect()
            } else {
                vec![submission.run_id()]
            };
            let ended = runs.iter().filter(|run_id| memory.read(&keys::result(run_id)).is_some()).count();
            expected.extend(runs.iter().map(|run_id| (*run_id).to_owned()));
            // Whoever waits for a submission that was rejected finds a result under its own id.
            expected.extend(rejected.then(|| submission.id.clone()));
            let is_kept = if submission.is_valid { ended == 1 || rejected } else { rejected };
            if !is_kept {
                self.found(
                    lost,
                    format!("{}: {ended} results of runs {:?}", submission.id, submission.run_id()),
                );
            }
            if let Some(token) = &submission.token
                && submission.is_valid
                && !rejected
                && !self.told.contains_key(token)
            {
                self.found("whoever waits is told", token.clone());
            }
        }
        let unknown: Vec<String> =
            self.runs.keys().filter(|run_id| !expected.contains(*run_id)).cloned().collect();
        for run_id in unknown {
            self.found("a submission is one run", format!("nobody submitted {run_id}"));
        }
        let mut begun: BTreeMap<&(String, u32), u64> = BTreeMap::new();
        model
            .truths
            .iter()
            .filter(|truth| truth.started)
            .for_each(|truth| *begun.entry(&truth.attempt).or_default() += 1);
        self.begun_twice = begun.values().filter(|count| **count > 1).count() as u64;
        let ended: Vec<(String, Vec<u8>)> = self
            .runs
            .iter()
            .filter_map(|(run_id, run)| Some((run_id.clone(), run.result.as_ref()?.0.clone())))
            .collect();
        for (run_id, bytes) in ended {
            if memory.read(&keys::result(&run_id)).as_ref() != Some(&bytes) {
                self.found(
                    "a result is written once and never changed",
                    format!("that of {run_id} is another at the end"),
                );
            }
        }
    }

    /// Results by state.
    pub fn results(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (_, result) in self.runs.values().filter_map(|run| run.result.as_ref()) {
            *counts.entry(result.state.as_str()).or_default() += 1;
        }
        counts
    }
}
