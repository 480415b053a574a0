//! The functions in a world that is decided step by step: a seed says which effect takes place next, which fails, which function dies between two of them,
//! which message comes twice, and what becomes of the pods. The promises are looked at after every step. The same seed is the same schedule.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the values are the test's own: one that is not there must end it"
)]

mod bucket;
mod cluster;
mod dice;
mod gate;
mod invocation;
mod judge;
mod mutation;
mod plan;
mod queues;
mod report;
mod schedule;
mod storm;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::mutation::MUTATIONS;
use crate::report::Report;
use crate::schedule::{Manner, run};

/// Schedules that every check runs.
const SCHEDULES: u64 = 10_000;

/// Schedules within which a broken promise has to be noticed.
const NOTICED_WITHIN: u64 = 2_000;

/// Run schedules on every core until there are `schedules` of them, or of their steps `steps`.
fn many(schedules: u64, steps: u64) -> Report {
    let (next, done) = (AtomicU64::new(0), Mutex::new(Report::default()));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_enough = || done.lock().unwrap().steps >= steps;
                    if seed >= schedules || is_enough() {
                        return;
                    }
                    let report = run(seed, Manner::default());
                    done.lock().unwrap().add(report);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

/// In 10,000 schedules; in as many as make `LONGSHORE_STEPS` steps; or in the schedule of `LONGSHORE_SEED`, told in words.
#[test]
fn every_promise_holds() {
    let report = match (wanted("LONGSHORE_SEED"), wanted("LONGSHORE_STEPS")) {
        (Some(seed), _) => run(seed, Manner { traced: true, ..Manner::default() }),
        (None, Some(steps)) => many(u64::MAX, steps),
        (None, None) => many(SCHEDULES, u64::MAX),
    };
    println!("{}\n{report}", report.trace.join("\n"));
    assert!(report.violations.is_empty(), "{report}");
}

#[expect(clippy::disallowed_methods, reason = "a wish of the caller, not a setting of the product")]
fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    for seed in 0..40 {
        let traced = Manner { traced: true, ..Manner::default() };
        let (first, second) = (run(seed, traced), run(seed, traced));
        let differs = first.trace.iter().zip(&second.trace).position(|(one, other)| one != other);
        assert_eq!(
            differs,
            None,
            "seed {seed}: {:?}",
            differs.map(|at| (&first.trace[at], &second.trace[at]))
        );
        assert_eq!(first.fingerprint, second.fingerprint, "seed {seed}");
        assert!(first.steps > 50, "seed {seed} has {} steps", first.steps);
    }
}

#[test]
fn every_promise_that_is_broken_on_purpose_is_noticed() {
    let mut missed = Vec::new();
    for mutation in MUTATIONS {
        let manner = Manner { mutation: Some(mutation), ..Manner::default() };
        let noticed = (0..NOTICED_WITHIN).find_map(|seed| run(seed, manner).violations.into_iter().next());
        match noticed {
            Some((seed, violation)) => println!("{mutation:?}: schedule {seed}: {violation}"),
            None => missed.push(mutation),
        }
    }
    assert!(missed.is_empty(), "nothing was noticed of {missed:?}");
}
