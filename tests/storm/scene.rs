//! A stack of a storm's own, with a bystander, and what has been seen to end on it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use crate::processes::census;
use crate::size;
use crate::stack::Stack;
use crate::wire::{Depth, Wire};
use crate::witness::Witness;

/// Seconds after which a killed function's messages are delivered again, instead of the template's 65 and more, in a small storm.
const VISIBILITY_SECONDS: u32 = 8;

/// The same in a full storm: longer than an invocation takes on a machine that is that busy, so that only the dead are repeated.
const FULL_VISIBILITY_SECONDS: u32 = 25;

/// The same for the wakes of `poll`: its group waits for it, and nobody else hands over.
const WAKE_VISIBILITY_SECONDS: u32 = 8;

/// Between two looks at the whole.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// Records stay for 65 s after their results. Where there are more than 50, `poll` compares them with the pods every tenth minute only, and it is that which
/// removes them; a poll takes a minute.
const TIDY_WITHIN: Duration = Duration::from_secs(65 + 600 + 2 * 60 + 60);

/// Where it happens.
pub struct Scene {
    /// The deployed stack.
    pub stack: Stack,
    /// Its queues and the cluster's misbehaviour.
    pub wire: Wire,
    /// Who sees every pod.
    pub witness: Witness,
    /// When it began.
    began: Instant,
}

/// What a stack holds besides results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// Messages that are due, by queue.
    pub due: BTreeMap<&'static str, u32>,
    /// Messages that are not due yet, of all queues.
    pub delayed: u32,
    /// Objects below the prefixes of what is under way.
    pub active: Vec<String>,
    /// Pods, by name.
    pub pods: Vec<String>,
    /// Processes that are neither daemon, emulator nor function.
    pub processes: usize,
}

impl Rest {
    /// Whether nothing is under way. What is not due yet is a look at a limit that never came.
    pub fn is_done(&self) -> bool {
        self.due.values().sum::<u32>() == 0 && self.pods.is_empty() && self.processes == 0
    }

    /// Whether nothing is left either. A small storm does not wait for the records, which stay for a minute after their results.
    pub fn is_tidy(&self) -> bool {
        self.is_done() && (self.active.is_empty() || !size::is_full())
    }
}

impl Scene {
    /// A stack of its own, on which the dead are noticed soon.
    pub async fn open(name: &str) -> Result<Scene> {
        let stack = Stack::own(name).await?;
        let endpoints = &stack.endpoints;
        let seconds = if size::is_full() { FULL_VISIBILITY_SECONDS } else { VISIBILITY_SECONDS };
        for (_, queue) in queues(&stack) {
            stack.cloud.set_visibility(queue, seconds).await?;
        }
        stack.cloud.set_visibility(&endpoints.wake_queue, WAKE_VISIBILITY_SECONDS).await?;
        let wire = Wire::of(endpoints);
        let witness = Witness::begin(&stack).await?;
        Ok(Scene { stack, wire, witness, began: Instant::now() })
    }

    /// Seconds since it began.
    pub fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// Send a submission; the message's id.
    pub async fn submit(&self, body: &str) -> Result<String> {
        self.stack.cloud.send(&self.stack.endpoints.submissions_queue, body).await
    }

    /// Add the results that have been written since the last look, as they are in the bucket.
    pub async fn look(&self, seen: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
        for key in self.stack.cloud.keys("runs/").await? {
            let run_id = key.strip_prefix("runs/").and_then(|rest| rest.strip_suffix("/result.json"));
            let Some(run_id) = run_id.filter(|run_id| !seen.contains_key(*run_id)) else { continue };
            if let Some(bytes) = self.stack.cloud.object(&key).await? {
                seen.insert(run_id.to_owned(), bytes);
            }
        }
        Ok(())
    }

    /// Look until there are so many results, and do something after each look.
    pub async fn until(
        &self,
        seen: &mut BTreeMap<String, Vec<u8>>,
        count: usize,
        within: Duration,
        mut each: impl AsyncFnMut(usize) -> Result<()>,
    ) -> Result<()> {
        let deadline = Instant::now() + within;
        loop {
            self.look(seen).await?;
            each(seen.len()).await?;
            if seen.len() >= count {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "{} of {count} results after {} s; {:?}",
                seen.len(),
                within.as_secs(),
                self.rest().await?
            );
            sleep(LOOK_EVERY).await;
        }
    }

    /// What the stack holds now.
    pub async fn rest(&self) -> Result<Rest> {
        let mut rest = Rest::default();
        for (name, queue) in queues(&self.stack) {
            let Depth { due, delayed } = self.wire.depth(queue).await?;
            rest.delayed += delayed;
            rest.due.insert(name, due);
        }
        for prefix in ["active/", "waiting/", "heartbeats/"] {
            rest.active.extend(self.stack.cloud.keys(prefix).await?);
        }
        rest.pods = self.witness.book().there.iter().cloned().collect();
        rest.processes = census(self.stack.endpoints.pid).others.len();
        Ok(rest)
    }

    /// Wait until all is done, for as long as that may take; what is left then.
    pub async fn settle(&self) -> Result<Rest> {
        let deadline = Instant::now() + TIDY_WITHIN;
        loop {
            let rest = self.rest().await?;
            if rest.is_tidy() || Instant::now() > deadline {
                return Ok(rest);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The dead letters of each queue that has some.
    pub async fn dead_letters(&self) -> Result<BTreeMap<&'static str, u32>> {
        let mut dead = BTreeMap::new();
        for (name, queue) in queues(&self.stack) {
            let letters = self.stack.cloud.dead_letters(queue).await?;
            let Depth { due, delayed } = self.wire.depth(&letters).await?;
            if due + delayed > 0 {
                dead.insert(name, due + delayed);
            }
        }
        Ok(dead)
    }

    /// End the stack.
    pub async fn close(self) -> Result<()> {
        let down = self.stack.command().arg("down").output().await?;
        ensure!(down.status.success(), "the stack does not stop: {}", String::from_utf8_lossy(&down.stderr));
        Ok(())
    }
}

/// The queues that functions read, but for the wakes, of which there is always one more.
fn queues(stack: &Stack) -> [(&'static str, &str); 5] {
    let endpoints = &stack.endpoints;
    [
        ("submissions", endpoints.submissions_queue.as_str()),
        ("collect", &endpoints.collect_queue),
        ("cancel", &endpoints.cancel_queue),
        ("notify", &endpoints.notify_queue),
        ("uploads", &endpoints.uploads_queue),
    ]
}
