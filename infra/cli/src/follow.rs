//! Following a run from the queue to its result.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use shared::pod::{INIT_CARRIER, OUT_CARRIER};
use shared::resolve::plan::Deciding;
use shared::run::record::Record;
use shared::run::result::RunResult;

use crate::clock::Stopwatch;
use crate::cloud::{Cloud, order};
use crate::cluster::{self, Stage};
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::runs;
use crate::streams::Streams;

/// How often bucket and cluster are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// A cancel message is sent again after this time: the first may have come before the record it wants to mark.
const CANCEL_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long a cancelled run may take to end before it is killed: a pod's usual grace of 30 s, and the collection.
const CANCEL_WITHIN: Duration = Duration::from_secs(100);
/// How long bucket and cluster may fail before the run is given up.
const SILENCE_AT_MOST: Duration = Duration::from_secs(20);
/// How long a submission may lie in the queue before that is said.
const REMARK_AFTER: Duration = Duration::from_secs(20);
/// How long it may lie there at all: five deliveries of 65 s each, then it is in the dead-letter queue.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(400);
/// How the following ended.
#[derive(Debug)]
pub enum Followed {
    /// The run has its result.
    Ended(Box<RunResult>),
    /// Somebody asked twice to stop, or a cancelled run did not end in time.
    Killed,
}

/// A run under way, and what is needed to follow it.
pub struct Subject<'a> {
    /// The run.
    pub run_id: &'a str,
    /// Containers whose logs are told.
    pub deciding: &'a Deciding,
    /// The stack's bucket and queues.
    pub cloud: &'a Cloud,
    /// Its cluster; without it the log comes from the bucket, when the run has ended.
    pub cluster: Option<&'a kube::Client>,
}

/// Follows one run.
pub struct Follower<'a> {
    subject: Subject<'a>,
    progress: &'a mut Progress,
    /// The pod of the attempt under way: namespace and name.
    pod: Option<(String, String)>,
    attempt: u32,
    /// How far the attempt was when it was last looked at.
    reached: Reached,
    streams: Streams,
}

/// What has been seen of an attempt, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Sent,
    Accepted,
    Started,
    Finished,
}

impl<'a> Follower<'a> {
    /// For a run that was just sent.
    pub fn new(subject: Subject<'a>, progress: &'a mut Progress) -> Self {
        Follower { subject, progress, pod: None, attempt: 0, reached: Reached::Sent, streams: Streams::new() }
    }

    /// Namespace and name of the pod that was last seen.
    pub fn pod(&self) -> Option<&(String, String)> {
        self.pod.as_ref()
    }

    /// Tell what happens until there is a result.
    ///
    /// # Errors
    /// When the stack stops answering, or never accepts the submission.
    pub async fn follow(&mut self, interrupt: &Interrupt) -> Result<Followed, Failure> {
        self.progress.begin("accept", "waiting for the function submit");
        let began = Stopwatch::start();
        let mut answered = Stopwatch::start();
        let mut cancelled: Option<(Stopwatch, Stopwatch)> = None;
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = interrupt.reached(2) => return Ok(Followed::Killed),
                () = interrupt.reached(1), if cancelled.is_none() => {
                    self.progress.note("cancelling; Ctrl-C again stops at once");
                    self.cancel().await;
                    cancelled = Some((Stopwatch::start(), Stopwatch::start()));
                }
                line = self.streams.next() => self.streams.tell(&line, self.progress),
                _ = ticks.tick() => {
                    match self.look().await {
                        Ok(Some(result)) => return Ok(self.finish(result).await),
                        Ok(None) => answered = Stopwatch::start(),
                        Err(failure) if answered.elapsed() > SILENCE_AT_MOST => {
                            self.progress.failed("the stack has stopped answering");
                            return Err(failure);
                        }
                        Err(_) => {}
                    }
                    self.check_acceptance(&began)?;
                    if let Some((since, last)) = &mut cancelled {
                        if since.elapsed() > CANCEL_WITHIN {
                            self.progress.failed("the run did not end after its cancellation");
                            return Ok(Followed::Killed);
                        }
                        if last.elapsed() > CANCEL_AGAIN_AFTER {
                            *last = Stopwatch::start();
                            self.cancel().await;
                        }
                    }
                }
            }
        }
    }

    /// A failure to send is not the end: the message goes out again.
    async fn cancel(&mut self) {
        if self
            .subject
            .cloud
            .cancel(&order("runId", self.subject.run_id, "cancelled with Ctrl-C"))
            .await
            .is_err()
        {
            self.progress.detail("the cancel queue does not answer");
        }
    }

    fn check_acceptance(&mut self, began: &Stopwatch) -> Result<(), Failure> {
        if self.reached > Reached::Sent {
            return Ok(());
        }
        if began.elapsed() > ACCEPTED_WITHIN {
            self.progress.failed("nobody took the submission");
            return Err(Failure::unreachable(
                "the function submit did not take the submission from its queue",
            )
            .remedy("`longshore up` says where the functions' log is"));
        }
        if began.elapsed() > REMARK_AFTER {
            self.progress.detail("still in the queue; `longshore up` says where the functions' log is");
        }
        Ok(())
    }

    /// One look at result, record and pod.
    async fn look(&mut self) -> Result<Option<RunResult>, Failure> {
        if let Some(result) = runs::result(self.subject.cloud, self.subject.run_id).await? {
            return Ok(Some(result));
        }
        if let Some(record) = runs::record(self.subject.cloud, self.subject.run_id).await? {
            self.see_record(&record).await;
        }
        Ok(None)
    }

    async fn see_record(&mut self, record: &Record) {
        if self.reached == Reached::Sent {
            self.progress.done("record written");
            self.begin_attempt(record);
        } else if record.attempt.number != self.attempt {
            let reason = record.past.last().map_or("", |past| past.diagnosis.message.as_str());
            self.progress.failed(&format!("attempt {} did not succeed: {reason}", self.attempt));
            self.begin_attempt(record);
        }
        if let Some(words) = &record.waiting_for {
            self.progress.detail(words);
        }
        let Some(client) = self.subject.cluster else { return };
        let namespace = record.plan.target.namespace.as_deref().unwrap_or("default");
        let name = &record.attempt.pod_name;
        // Errors of the cluster are the functions' business; here they only mean that there is nothing new to tell.
        let Ok(Some(pod)) = cluster::pods(client, namespace).get_opt(name).await else { return };
        self.pod = Some((namespace.to_owned(), name.clone()));
        self.see_pod(client, namespace, &pod, record).await;
    }

    fn begin_attempt(&mut self, record: &Record) {
        self.attempt = record.attempt.number;
        self.reached = Reached::Accepted;
        self.streams = Streams::new();
        let number = if self.attempt > 1 { format!("attempt {}: ", self.attempt) } else { String::new() };
        self.progress.begin("start", &format!("{number}waiting for the pod"));
    }

    async fn see_pod(&mut self, client: &kube::Client, namespace: &str, pod: &Pod, record: &Record) {
        let name = &record.attempt.pod_name;
        let deciding = cluster::deciding(pod, &record.plan.deciding);
        let stages: Vec<_> =
            deciding.iter().map(|container| (container, cluster::stage(pod, container))).collect();
        for (container, stage) in &stages {
            if !matches!(stage, Stage::Waiting(_)) {
                self.streams.open(&cluster::pods(client, namespace), name, container);
            }
        }
        if self.reached == Reached::Accepted {
            match stages
                .iter()
                .find_map(|(_, stage)| if let Stage::Waiting(reason) = stage { Some(reason) } else { None })
            {
                Some(Some(reason)) => self.progress.detail(&format!("pod {namespace}/{name}: {reason}")),
                Some(None) => self.progress.detail(&format!("pod {namespace}/{name}")),
                None => {
                    self.reached = Reached::Started;
                    self.progress.done(&format!("pod {namespace}/{name}"));
                    self.progress.begin("task", "running");
                }
            }
        }
        if self.reached == Reached::Started {
            let codes: Vec<_> = stages
                .iter()
                .filter_map(|(_, stage)| if let Stage::Ended(code) = stage { Some(*code) } else { None })
                .collect();
            if codes.len() == stages.len() {
                self.reached = Reached::Finished;
                // What the task has said stands before how it ended.
                self.streams.drain(self.progress).await;
                match codes.iter().find(|code| **code != 0) {
                    None => self.progress.done("exit code 0"),
                    Some(code) => self.progress.failed(&format!("exit code {code}")),
                }
                self.progress.begin("collect", "log and files");
            }
        }
    }

    /// The rest of the log, then the end of the last phase.
    async fn finish(&mut self, result: RunResult) -> Followed {
        self.streams.drain(self.progress).await;
        for (container, log) in &result.logs {
            if log.complete && self.decides(container) {
                self.streams.complete(self.subject.cloud, container, &log.uri, self.progress).await;
            }
        }
        let files = result.output_files.len();
        match self.progress.label() {
            Some("collect") if files == 1 => self.progress.done("1 file"),
            Some("collect") if files > 1 => self.progress.done(&format!("{files} files")),
            Some("collect") => self.progress.done("log"),
            Some(_) if shared::run::state::State::Succeeded == result.state => self.progress.done("done"),
            Some(_) => self.progress.failed(result.state.as_str()),
            None => {}
        }
        Followed::Ended(Box::new(result))
    }

    fn decides(&self, container: &str) -> bool {
        match self.subject.deciding {
            Deciding::Container(name) => name == container,
            Deciding::All => container != INIT_CARRIER && container != OUT_CARRIER,
        }
    }
}
