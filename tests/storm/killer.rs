//! Somebody who kills functions at moments that a seed decides.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::dice::Dice;
use crate::processes::{Process, census, short};
use crate::stack::Stack;

/// Between the two looks that tell who works from who waits.
const LOOK: Duration = Duration::from_millis(60);

/// How many were killed, by function.
pub type Killed = BTreeMap<String, usize>;

/// A killer at work.
pub struct Killer {
    killed: Arc<Mutex<Killed>>,
    working: JoinHandle<()>,
}

impl Killer {
    /// Begin: one function's process is killed with SIGKILL every `pause` or so, by preference one that is at work.
    pub fn begin(stack: &Stack, seed: u64, pause: Duration) -> Killer {
        let killed: Arc<Mutex<Killed>> = Arc::default();
        let (daemon, count, mut dice) = (stack.endpoints.pid, killed.clone(), Dice::new(seed));
        let working = tokio::spawn(async move {
            loop {
                // Between none and two pauses, the same on the average.
                let millis = dice.below(2 * u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
                tokio::time::sleep(Duration::from_millis(millis)).await;
                let before = functions(daemon).await;
                tokio::time::sleep(LOOK).await;
                let now = functions(daemon).await;
                let is_at_work = |(_, process): &&(String, Process)| {
                    before
                        .iter()
                        .any(|(_, earlier)| earlier.pid == process.pid && earlier.worked < process.worked)
                };
                let at_work: Vec<_> = now.iter().filter(is_at_work).cloned().collect();
                let victims = if at_work.is_empty() { now } else { at_work };
                let Some((function, victim)) = dice.pick(&victims) else { continue };
                if victim.destroy() {
                    *count
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .entry(short(function).to_owned())
                        .or_default() += 1;
                }
            }
        });
        Killer { killed, working }
    }

    /// Stop; how many were killed.
    pub fn stop(self) -> Killed {
        self.working.abort();
        self.killed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        self.working.abort();
    }
}

async fn functions(daemon: u32) -> Vec<(String, Process)> {
    tokio::task::spawn_blocking(move || census(daemon).functions).await.unwrap_or_default()
}
