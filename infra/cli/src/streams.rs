//! The logs of a run's containers, told line by line.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use shared::outputs::stamped::StampedLines;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cloud::Cloud;
use crate::download::address;
use crate::pod_log::{self, Line, Source};
use crate::progress::Progress;

/// How long the end of a log may be on its way after the run's result is there.
const LOG_WITHIN: Duration = Duration::from_millis(500);
/// Lines on their way.
const CAPACITY: usize = 1024;

/// Logs that are being read.
pub struct Streams {
    sender: mpsc::Sender<Line>,
    receiver: mpsc::Receiver<Line>,
    tasks: JoinSet<Option<String>>,
    /// Lines told so far, by container; an entry exists as soon as its stream does.
    told: BTreeMap<String, usize>,
    /// Containers whose log was read to its end.
    whole: BTreeSet<String>,
}

impl Streams {
    /// No log yet.
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        Streams { sender, receiver, tasks: JoinSet::new(), told: BTreeMap::new(), whole: BTreeSet::new() }
    }

    /// Follow the log of a container, once.
    pub fn open(&mut self, pods: &Api<Pod>, pod: &str, container: &str) {
        if self.told.contains_key(container) {
            return;
        }
        self.told.insert(container.to_owned(), 0);
        let source =
            Source { pod: pod.to_owned(), container: container.to_owned(), follow: true, timestamps: false };
        self.tasks.spawn(pod_log::read(pods.clone(), source, self.sender.clone()));
    }

    /// The next line of any log; waits for ever when there is none. Safe to drop and call again.
    pub async fn next(&mut self) -> Line {
        match self.receiver.recv().await {
            Some(line) => line,
            None => std::future::pending().await,
        }
    }

    /// Tell a line; the container's name stands before it where there are several.
    pub fn tell(&mut self, line: &Line, progress: &Progress) {
        *self.told.entry(line.container.clone()).or_default() += 1;
        let several = self.told.len() > 1;
        progress.log(several.then_some(line.container.as_str()), &line.text);
    }

    /// Tell the lines that are on their way; a stream that does not end is left behind.
    pub async fn drain(&mut self, progress: &Progress) {
        let deadline = tokio::time::sleep(LOG_WITHIN);
        tokio::pin!(deadline);
        while !self.tasks.is_empty() {
            tokio::select! {
                biased;
                Some(line) = self.receiver.recv() => self.tell(&line, progress),
                Some(ended) = self.tasks.join_next() => self.whole.extend(ended.ok().flatten()),
                () = &mut deadline => self.tasks = JoinSet::new(),
            }
        }
        while let Ok(line) = self.receiver.try_recv() {
            self.tell(&line, progress);
        }
    }

    /// Tell the part of a log that could not be followed, as it was collected.
    pub async fn complete(&mut self, cloud: &Cloud, container: &str, uri: &str, progress: &Progress) {
        if self.whole.contains(container) {
            return;
        }
        let Some((_, key)) = address(uri) else { return };
        let Ok(Some(bytes)) = cloud.get(key).await else { return };
        let mut stamped = StampedLines::default();
        let mut lines = stamped.push(&bytes);
        lines.extend(stamped.finish());
        let told = self.told.get(container).copied().unwrap_or(0);
        for line in lines.iter().skip(told) {
            self.tell(&Line { container: container.to_owned(), text: pod_log::text(&line.text) }, progress);
        }
    }
}
