//! The gate before every effect of one invocation: the scheduler decides when it opens, and what becomes of the effect.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::BoxFuture;
use jiff::Timestamp;
use shared::clock::{Clock, ManualClock, later};

/// What an effect touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Small objects.
    Bucket,
    /// Uploads.
    Files,
    /// Messages.
    Queue,
    /// Whoever asked.
    Answers,
    /// The API server.
    Cluster,
    /// Nothing but time.
    Clock,
}

/// What goes wrong with an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 429.
    Busy,
    /// 500 or 503.
    Trouble,
    /// The connection is reset.
    Reset,
    /// No answer for ten seconds.
    Late,
    /// 409, but not for the name.
    Conflict,
    /// 403: the quota is used up.
    Quota,
    /// 410: too old.
    Gone,
    /// A stream breaks off.
    Cut,
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It takes effect and says so.
    Go,
    /// It fails before it takes effect.
    Before(Fault),
    /// It takes effect and fails.
    After(Fault),
}

impl Fate {
    /// The fault before the effect.
    pub fn before(self) -> Option<Fault> {
        match self {
            Fate::Before(fault) => Some(fault),
            Fate::Go | Fate::After(_) => None,
        }
    }

    /// The fault after the effect.
    pub fn after(self) -> Option<Fault> {
        match self {
            Fate::After(fault) => Some(fault),
            Fate::Go | Fate::Before(_) => None,
        }
    }
}

/// An effect that waits.
#[derive(Clone, Debug)]
pub struct Effect {
    /// What it touches.
    pub place: Place,
    /// The operation.
    pub name: &'static str,
    /// On what.
    pub what: String,
    /// Not before this time.
    pub due: Timestamp,
}

struct Waiting {
    effect: Effect,
    answer: oneshot::Sender<Fate>,
}

/// The gate of one invocation.
pub struct Gate {
    clock: ManualClock,
    waiting: Mutex<(u64, BTreeMap<u64, Waiting>)>,
}

impl Gate {
    /// A gate before which nobody waits.
    pub fn new(clock: ManualClock) -> Gate {
        Gate { clock, waiting: Mutex::default() }
    }

    /// Wait before an effect.
    pub async fn enter(&self, place: Place, name: &'static str, what: &str) -> Fate {
        let effect = Effect { place, name, what: what.to_owned(), due: self.clock.now() };
        self.wait(effect).await
    }

    async fn wait(&self, effect: Effect) -> Fate {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.lock();
            waiting.0 += 1;
            let ticket = waiting.0;
            waiting.1.insert(ticket, Waiting { effect, answer });
        }
        answered.await.unwrap_or(Fate::Before(Fault::Reset))
    }

    /// The effects that wait, without those whose caller has lost interest.
    pub fn tickets(&self) -> Vec<(u64, Timestamp)> {
        let mut waiting = self.lock();
        waiting.1.retain(|_, waiting| !waiting.answer.is_canceled());
        waiting.1.iter().map(|(ticket, waiting)| (*ticket, waiting.effect.due)).collect()
    }

    /// What waits under a ticket.
    pub fn look(&self, ticket: u64) -> Option<Effect> {
        self.lock().1.get(&ticket).map(|waiting| waiting.effect.clone())
    }

    /// Let an effect go on.
    pub fn open(&self, ticket: u64, fate: Fate) {
        let waiting = self.lock().1.remove(&ticket);
        if let Some(waiting) = waiting {
            // Nobody may be interested any more.
            let _ = waiting.answer.send(fate);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Waiting>)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let due = later(self.clock.now(), duration);
        Box::pin(async move {
            self.wait(Effect { place: Place::Clock, name: "sleep", what: String::new(), due }).await;
        })
    }
}
