//! One schedule: a world, a seed, and a scheduler that decides at every step what happens next.

mod trouble;
mod work;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fixtures::memory::MemoryBucket;
use jiff::Timestamp;
use serde_json::json;
use shared::clock::{Clock, ManualClock, between, later};
use shared::store::keys;

use crate::bucket::Change;
use crate::cluster::model::{Model, lock};
use crate::dice::Dice;
use crate::gate::Fault;
use crate::invocation::{Instance, Invocation, Surroundings};
use crate::judge::{Judge, Sight, Violation};
use crate::mutation::Mutation;
use crate::plan::Plan;
use crate::queues::{self, FUNCTIONS, Function, PostOffice};
use crate::report::Report;
use crate::storm::Storm;

/// The storm lasts so long, in seconds of the simulated world.
const STORM_SECONDS: u64 = 300;

/// After the storm everything has to be settled within so many seconds: the longest retry, the limits of an attempt, and the polls that clean up.
const CALM_SECONDS: u64 = 3600;

/// A schedule that needs more steps than this goes in circles.
const MOST_STEPS: u64 = 60_000;

/// Invocations of one function at a time, and of all.
const MOST_OF_ONE: usize = 3;
const MOST_OF_ALL: usize = 8;

/// What may happen next.
enum Choice {
    Open(usize, u64),
    Deliver(Function),
    Tell(u64),
    Pod(String),
    Act,
}

/// How a schedule is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// A promise that is broken on purpose.
    pub mutation: Option<Mutation>,
    /// Keep every step in words.
    pub traced: bool,
}

/// Run the schedule of a seed to its end.
pub fn run(seed: u64, manner: Manner) -> Report {
    let mut schedule = Schedule::new(seed, manner);
    while schedule.judge.violations.is_empty() && schedule.step() {}
    schedule.report(seed)
}

struct Schedule {
    dice: Dice,
    clock: ManualClock,
    start: Timestamp,
    storm: Storm,
    is_calm: bool,
    around: Surroundings,
    invocations: Vec<Invocation>,
    idle: BTreeMap<Function, Vec<Instance>>,
    plan: Plan,
    acts: usize,
    next_tick: Timestamp,
    ticks: u64,
    last_redrive: u64,
    polls: u64,
    judge: Judge,
    report: Report,
    print: DefaultHasher,
    traced: bool,
    began: BTreeMap<u64, u64>,
    acting: Option<u64>,
}

impl Schedule {
    fn new(seed: u64, manner: Manner) -> Schedule {
        let mut dice = Dice::new(seed);
        let storm = Storm::draw(&mut dice);
        let start = Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH);
        let clock = ManualClock::at(start);
        let plan = Plan::draw(&mut dice, start, storm.mischief);
        let model = Model::new(Dice::new(dice.throw()), storm.trouble);
        let around = Surroundings {
            memory: Arc::new(MemoryBucket::with_clock("bucket", Arc::new(clock.clone()))),
            journal: Arc::default(),
            office: Arc::new(Mutex::new(PostOffice::default())),
            model: Arc::new(Mutex::new(model)),
            heard: Arc::default(),
            mutation: manner.mutation,
        };
        Schedule {
            dice,
            clock,
            start,
            storm,
            is_calm: false,
            around,
            invocations: Vec::new(),
            idle: BTreeMap::new(),
            plan,
            acts: 0,
            next_tick: later(start, Duration::from_secs(7)),
            ticks: 0,
            last_redrive: 0,
            polls: 0,
            judge: Judge::default(),
            report: Report { schedules: 1, ..Report::default() },
            print: DefaultHasher::new(),
            traced: manner.traced,
            began: BTreeMap::new(),
            acting: None,
        }
    }

    /// The next step; `false` when everything is settled.
    fn step(&mut self) -> bool {
        self.report.steps += 1;
        let now = self.clock.now();
        self.acting = None;
        let age = between(self.start, now).as_secs();
        if age >= STORM_SECONDS && !self.is_calm {
            self.calm();
        }
        if age > STORM_SECONDS + CALM_SECONDS || self.report.steps > MOST_STEPS {
            let seen = self.leftovers();
            self.judge.violations.push(Violation { promise: "everything is settled in the end", seen });
            return false;
        }
        self.end_overdue(now);
        self.tick(now);
        if !self.disturb(now) {
            let choices = self.choices(now);
            match choices.get(usize::try_from(self.dice.below(choices.len() as u64)).unwrap_or(0)) {
                Some(choice) => self.go(choice, now),
                None => {
                    if self.is_settled() {
                        let model = lock(&self.around.model);
                        self.judge.end(&self.plan.submissions, &self.around.memory, &model);
                        self.judge.bounded(model.requests, self.plan.submissions.len() as u64 + self.polls);
                        return false;
                    }
                    self.wait(now);
                }
            }
        }
        self.poll();
        self.look();
        true
    }

    fn calm(&mut self) {
        self.note("calm", "");
        self.is_calm = true;
        self.storm = Storm::default();
        lock(&self.around.model).calm();
        for invocation in &mut self.invocations {
            invocation.stalled_until = None;
        }
    }

    /// Invocations whose time is over are killed.
    fn end_overdue(&mut self, now: Timestamp) {
        while let Some(at) = self.invocations.iter().position(|invocation| invocation.deadline <= now) {
            let invocation = self.invocations.remove(at);
            self.report.time_outs += 1;
            self.note("time-out", &format!("{:?} {}", invocation.function, invocation.number));
        }
    }

    /// The schedule's tick of every minute, and an operator who sends back what has died.
    fn tick(&mut self, now: Timestamp) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = later(self.next_tick, Duration::from_secs(60)).max(now);
        self.ticks += 1;
        let time = now.to_string();
        let mut office = queues::lock(&self.around.office);
        office.give_up_old_wakes(now);
        office.wake(&json!({"tick": {"time": time}}), "tick", format!("tick-{time}"), now);
        if self.is_calm && self.ticks > self.last_redrive {
            self.last_redrive = self.ticks;
            self.report.redriven += office.redrive(now) as u64;
            let pods = lock(&self.around.model).shown();
            self.judge.overdue(&pods, now, later(self.start, Duration::from_secs(STORM_SECONDS)));
        }
    }

    fn choices(&mut self, now: Timestamp) -> Vec<Choice> {
        let mut choices = Vec::new();
        for (at, invocation) in self.invocations.iter_mut().enumerate() {
            if invocation.stalled_until.is_some_and(|until| until > now) {
                continue;
            }
            invocation.stalled_until = None;
            let tickets = invocation.gate.tickets();
            choices.extend(
                tickets.iter().filter(|(_, due)| *due <= now).map(|(ticket, _)| Choice::Open(at, *ticket)),
            );
        }
        let office = queues::lock(&self.around.office);
        if self.invocations.len() < MOST_OF_ALL {
            for function in FUNCTIONS {
                let of_it = self.invocations.iter().filter(|other| other.function == function).count();
                if of_it < MOST_OF_ONE && office.is_receivable(function, now) {
                    choices.push(Choice::Deliver(function));
                }
            }
        }
        let model = lock(&self.around.model);
        choices.extend(model.watches(now).into_iter().map(Choice::Tell));
        choices.extend(model.due(now).into_iter().map(Choice::Pod));
        if self.plan.acts.get(self.acts).is_some_and(|(at, _)| *at <= now) {
            choices.push(Choice::Act);
        }
        choices
    }

    fn go(&mut self, choice: &Choice, now: Timestamp) {
        match choice {
            Choice::Open(at, ticket) => self.open(*at, *ticket),
            Choice::Deliver(function) => self.deliver(*function, now),
            Choice::Tell(watch) => {
                let fault = self.dice.chance(self.storm.cut).then_some(if self.dice.chance(500) {
                    Fault::Gone
                } else {
                    Fault::Reset
                });
                self.note("watch", &format!("{watch} {fault:?}"));
                lock(&self.around.model).tell(*watch, now, fault);
            }
            Choice::Pod(uid) => {
                self.note("pod", uid);
                lock(&self.around.model).advance(uid, now);
            }
            Choice::Act => self.act(now),
        }
    }

    /// The judge looks.
    fn look(&mut self) {
        let changes: Vec<Change> =
            std::mem::take(&mut *self.around.journal.lock().unwrap_or_else(PoisonError::into_inner));
        let heard = self.around.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let model = lock(&self.around.model);
        let sight = Sight {
            step: self.report.steps,
            memory: &self.around.memory,
            model: &model,
            began: &|number| self.began.get(&number).copied().unwrap_or(0),
            acting: self.acting,
        };
        self.judge.look(&changes, &heard, &sight);
    }

    /// Nothing can happen now: time goes on to the next thing.
    fn wait(&mut self, now: Timestamp) {
        let tickets = self.invocations.iter().flat_map(|invocation| {
            let due = match invocation.stalled_until {
                Some(until) => vec![until],
                None => invocation.gate.tickets().into_iter().map(|(_, due)| due).collect(),
            };
            due.into_iter().chain([invocation.deadline])
        });
        let mut times: Vec<Timestamp> = tickets.collect();
        times.extend(queues::lock(&self.around.office).times());
        times.extend(lock(&self.around.model).next());
        times.extend(self.plan.acts.get(self.acts).map(|(at, _)| *at));
        times.push(self.next_tick);
        let next = times.into_iter().filter(|at| *at > now).min().unwrap_or(self.next_tick);
        self.clock.advance(between(now, next).max(Duration::from_millis(1)));
    }

    /// Nothing is left to do.
    fn is_settled(&self) -> bool {
        self.acts == self.plan.acts.len()
            && self.is_calm
            && self.invocations.is_empty()
            && queues::lock(&self.around.office).work() == 0
            && self.left().is_empty()
    }

    /// Records, heartbeats, and pods that should be gone.
    fn left(&self) -> Vec<String> {
        let keys = self.around.memory.keys();
        let mut left: Vec<String> = keys.into_iter().filter(|key| key.starts_with(keys::ACTIVE)).collect();
        let pods = lock(&self.around.model).shown();
        let gone = pods.iter().filter(|pod| !shared::pod::is_kept(pod));
        left.extend(gone.map(|pod| format!("pod {:?}", pod.metadata.name)));
        left
    }

    fn leftovers(&self) -> String {
        let office = queues::lock(&self.around.office);
        format!(
            "left: {:?}, messages: {}, invocations: {}",
            self.left(),
            office.work(),
            self.invocations.len()
        )
    }

    fn note(&mut self, what: &str, words: &str) {
        (what, words).hash(&mut self.print);
        if self.traced {
            let at = between(self.start, self.clock.now()).as_millis();
            self.report.trace.push(format!("{at:>8} ms  {what} {words}"));
        }
    }

    fn report(mut self, seed: u64) -> Report {
        let model = lock(&self.around.model);
        self.report.lives.clone_from(&model.lives);
        self.report.requests = model.requests;
        let units = self.plan.submissions.len() as u64 + self.polls;
        self.report.most_requests = model.requests / units.max(1);
        self.report.seconds = between(self.start, self.clock.now()).as_secs();
        self.report.results = self.judge.results();
        self.report.begun_twice = self.judge.begun_twice;
        (self.report.steps, model.requests, self.around.memory.keys()).hash(&mut self.print);
        self.report.fingerprint = self.print.finish();
        drop(model);
        self.report.violations =
            self.judge.violations.into_iter().map(|violation| (seed, violation)).collect();
        self.report
    }
}

/// The answer of something that does not wait.
fn now_or_never<T: Default, E>(future: impl Future<Output = Result<T, E>>) -> T {
    futures::FutureExt::now_or_never(future).and_then(Result::ok).unwrap_or_default()
}
