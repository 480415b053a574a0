//! The queues: delay, visibility, receive counts, dead letters, groups and deduplication of the FIFO queue; and the senders.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::answers::{AnswerError, Answers, Message, Told};
use shared::clock::{Clock, later};
use shared::queue::{AnswerRequest, QueueError, Queues, RunMessage, Triggered};
use shared::run::answer::Reply;

use crate::gate::{Fault, Gate, Place};
use crate::mutation::Mutation;

/// The functions; each reads one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Submissions queue.
    Submit,
    /// Collect queue.
    Collect,
    /// `wake.fifo`.
    Poll,
    /// Cancel queue.
    Cancel,
    /// Notify queue.
    Notify,
    /// Uploads queue.
    Trigger,
}

/// All of them.
pub const FUNCTIONS: [Function; 6] = [
    Function::Submit,
    Function::Collect,
    Function::Poll,
    Function::Cancel,
    Function::Notify,
    Function::Trigger,
];

/// A message is delivered this often, then it is a dead letter (`maxReceiveCount` of the template).
const MOST_RECEIVES: u32 = 5;

/// `wake.fifo` keeps messages, and deduplicates, for five minutes.
const WAKE_SECONDS: u64 = 300;

impl Function {
    /// `Timeout` of the template, in seconds.
    pub fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Function::Collect => 300,
            Function::Poll => 70,
            Function::Submit | Function::Cancel | Function::Notify | Function::Trigger => 60,
        })
    }

    /// `BatchSize` of the template.
    pub fn batch(self) -> usize {
        if self == Function::Collect { 1 } else { 10 }
    }
}

/// A message.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its id.
    pub id: String,
    /// What it is deleted by.
    pub receipt: u64,
    /// What it says.
    pub body: String,
    /// Not before this time.
    pub visible_at: Timestamp,
    /// How often it was received.
    pub receives: u32,
    group: Option<String>,
    sent_at: Timestamp,
}

/// Every queue.
#[derive(Default)]
pub struct PostOffice {
    queues: BTreeMap<Function, Vec<Letter>>,
    dead: Vec<(Function, Letter)>,
    deduplicated: BTreeMap<String, Timestamp>,
    sent: u64,
}

impl PostOffice {
    /// Put a message into a queue.
    pub fn send(&mut self, to: Function, body: &Value, now: Timestamp, delay: Duration) {
        self.sent += 1;
        let id = format!("message-{}", self.sent);
        self.put(
            to,
            Letter {
                id,
                receipt: self.sent,
                body: body.to_string(),
                visible_at: later(now, delay),
                receives: 0,
                group: None,
                sent_at: now,
            },
        );
    }

    /// Put a message with an id of its own into a queue.
    pub fn hand_in(&mut self, to: Function, id: &str, body: String, now: Timestamp) {
        self.sent += 1;
        let (id, receipt) = (id.to_owned(), self.sent);
        self.put(to, Letter { id, receipt, body, visible_at: now, receives: 0, group: None, sent_at: now });
    }

    /// Wake `poll`; the same twice within five minutes is once.
    pub fn wake(&mut self, body: &Value, group: &str, deduplication: String, now: Timestamp) {
        self.deduplicated.retain(|_, at| later(*at, Duration::from_secs(WAKE_SECONDS)) > now);
        if self.deduplicated.insert(deduplication, now).is_some() {
            return;
        }
        self.sent += 1;
        let (id, group) = (format!("message-{}", self.sent), Some(group.to_owned()));
        self.put(
            Function::Poll,
            Letter {
                id,
                receipt: self.sent,
                body: body.to_string(),
                visible_at: now,
                receives: 0,
                group,
                sent_at: now,
            },
        );
    }

    fn put(&mut self, to: Function, letter: Letter) {
        self.queues.entry(to).or_default().push(letter);
    }

    /// Messages whose time has come and may be received.
    pub fn is_receivable(&self, function: Function, now: Timestamp) -> bool {
        self.first(function, now).is_some()
    }

    fn first(&self, function: Function, now: Timestamp) -> Option<usize> {
        let letters = self.queues.get(&function)?;
        let is_blocked = |letter: &Letter| {
            letter.group.is_some()
                && letters
                    .iter()
                    .any(|other| other.group == letter.group && other.receives > 0 && other.visible_at > now)
        };
        letters.iter().position(|letter| letter.visible_at <= now && !is_blocked(letter))
    }

    /// When messages become visible.
    pub fn times(&self) -> Vec<Timestamp> {
        self.queues.values().flatten().map(|letter| letter.visible_at).collect()
    }

    /// Receive a batch of at most `most`. `again_at` makes one message of it visible at once: it is delivered twice.
    pub fn receive(&mut self, function: Function, most: usize, now: Timestamp, twice: bool) -> Vec<Letter> {
        let hidden_until = later(now, function.timeout() + Duration::from_secs(5));
        let mut batch: Vec<Letter> = Vec::new();
        while batch.len() < most {
            let Some(at) = self.first(function, now) else { break };
            let Some(letters) = self.queues.get_mut(&function) else { break };
            let mut letter = letters.remove(at);
            // What others of the group sent waits for the next batch.
            if batch.first().is_some_and(|first| first.group != letter.group) {
                letters.insert(at, letter);
                break;
            }
            if letter.receives >= MOST_RECEIVES {
                self.dead.push((function, letter));
                continue;
            }
            letter.receives += 1;
            let repeats = twice && batch.is_empty() && letter.group.is_none();
            letter.visible_at = if repeats { now } else { hidden_until };
            batch.push(letter.clone());
            if repeats {
                letters.push(letter);
                break;
            }
            letters.insert(at, letter);
        }
        batch
    }

    /// These were handled.
    pub fn delete(&mut self, function: Function, handled: &[u64]) {
        if let Some(letters) = self.queues.get_mut(&function) {
            letters.retain(|letter| !handled.contains(&letter.receipt));
        }
    }

    /// Wakes that nobody has received in time are lost, which costs nothing.
    pub fn give_up_old_wakes(&mut self, now: Timestamp) {
        if let Some(letters) = self.queues.get_mut(&Function::Poll) {
            letters.retain(|letter| later(letter.sent_at, Duration::from_secs(WAKE_SECONDS)) > now);
        }
    }

    /// Dead letters that an operator has to look at: what nobody else would carry on. They go back.
    pub fn redrive(&mut self, now: Timestamp) -> usize {
        let dead = std::mem::take(&mut self.dead);
        let (again, rest): (Vec<_>, Vec<_>) =
            dead.into_iter().partition(|(function, letter)| is_sent_back(*function, letter));
        self.dead = rest;
        let count = again.len();
        for (function, letter) in again {
            self.put(function, Letter { receives: 0, visible_at: now, ..letter });
        }
        count
    }

    /// Messages other than wakes, and dead letters that an operator sends back.
    pub fn work(&self) -> usize {
        let waiting = self.queues.iter().filter(|(function, _)| **function != Function::Poll);
        let dead = self.dead.iter().filter(|(function, letter)| is_sent_back(*function, letter));
        waiting.map(|(_, letters)| letters.len()).sum::<usize>() + dead.count()
    }
}

/// An operator sends this dead letter back. What Longshore sent itself is found by the reconciliation of `poll`, or it was no promise at all.
fn is_sent_back(function: Function, letter: &Letter) -> bool {
    let own = letter.body.starts_with("{\"continue\"");
    !own && matches!(function, Function::Submit | Function::Cancel | Function::Trigger)
}

/// What somebody was told, in order: the token and the answer.
pub type Heard = Arc<Mutex<Vec<(String, Reply)>>>;

/// The queues of one invocation, and its voice.
pub struct Sender {
    /// The queues.
    pub office: Arc<Mutex<PostOffice>>,
    /// Before each message.
    pub gate: Arc<Gate>,
    /// What waiting states were told.
    pub heard: Heard,
    /// The function that sends.
    pub function: Function,
    /// A promise that is broken on purpose.
    pub mutation: Option<Mutation>,
}

impl Sender {
    async fn send(
        &self,
        name: &'static str,
        what: &str,
        put: impl FnOnce(&mut PostOffice, Timestamp),
    ) -> Result<(), QueueError> {
        let failed =
            |fault: Fault| QueueError { queue: name.to_owned(), source: format!("{fault:?}").into() };
        let fate = self.gate.enter(Place::Queue, name, what).await;
        if let Some(fault) = fate.before() {
            return Err(failed(fault));
        }
        let is_lost = self.mutation == Some(Mutation::PollHandsNothingOver)
            && self.function == Function::Poll
            && name == "look at";
        if !is_lost {
            put(&mut lock(&self.office), self.gate.now());
        }
        fate.after().map_or(Ok(()), |fault| Err(failed(fault)))
    }

    async fn tell(&self, name: &'static str, what: &str) -> Result<Option<AnswerError>, AnswerError> {
        let failed = |fault: Fault| AnswerError { operation: name, source: format!("{fault:?}").into() };
        let fate = self.gate.enter(Place::Answers, name, what).await;
        fate.before().map_or(Ok(fate.after().map(failed)), |fault| Err(failed(fault)))
    }
}

impl Queues for Sender {
    fn hand_in<'a>(&'a self, triggered: &'a Triggered) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.send("hand in", &triggered.run_id, move |office, now| {
            office.send(Function::Submit, &json!({"triggered": triggered}), now, Duration::ZERO);
        }))
    }

    fn carry_on<'a>(&'a self, run: &'a RunMessage, delay: Duration) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.send("carry on", &run.run_id, move |office, now| {
            office.send(Function::Submit, &json!({"continue": run}), now, delay);
        }))
    }

    fn look_at<'a>(&'a self, run: &'a RunMessage, delay: Duration) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.send("look at", &run.run_id, move |office, now| {
            office.send(Function::Collect, &json!(run), now, delay);
        }))
    }

    fn answer<'a>(&'a self, request: &'a AnswerRequest) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.send("answer", &request.run_id, move |office, now| {
            office.send(Function::Notify, &json!({"answer": request}), now, Duration::ZERO);
        }))
    }

    fn wake<'a>(&'a self, group: &'a str, window: &'a str) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.send("wake", group, move |office, now| {
            office.wake(&json!({"wake": {"group": group}}), group, format!("{group}-{window}"), now);
        }))
    }
}

impl Answers for Sender {
    fn reply<'a>(&'a self, token: &'a str, reply: &'a Reply) -> BoxFuture<'a, Result<Told, AnswerError>> {
        Box::pin(async move {
            let failure = self.tell("answer a task token", token).await?;
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let is_first = !heard.iter().any(|(known, _)| known == token);
            heard.push((token.to_owned(), reply.clone()));
            failure.map_or(Ok(if is_first { Told::Taken } else { Told::NobodyWaits }), Err)
        })
    }

    fn heartbeat<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Told, AnswerError>> {
        Box::pin(async move {
            let failure = self.tell("give a sign of life", token).await?;
            let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            let is_over = heard.iter().any(|(known, _)| known == token);
            failure.map_or(Ok(if is_over { Told::NobodyWaits } else { Told::Taken }), Err)
        })
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Told, AnswerError>> {
        Box::pin(async move {
            let failure = self.tell("send a reply", &message.run_id).await?;
            failure.map_or(Ok(Told::Taken), Err)
        })
    }

    fn announce<'a>(&'a self, _detail: &'a str) -> BoxFuture<'a, Result<(), AnswerError>> {
        Box::pin(async move {
            let failure = self.tell("announce", "").await?;
            failure.map_or(Ok(()), Err)
        })
    }
}

/// The queues, whoever has died with them.
pub fn lock(office: &Mutex<PostOffice>) -> MutexGuard<'_, PostOffice> {
    office.lock().unwrap_or_else(PoisonError::into_inner)
}
