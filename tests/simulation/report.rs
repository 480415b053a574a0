//! What a simulation did, in numbers, and what it found.

use std::collections::BTreeMap;
use std::fmt;

use crate::judge::Violation;

/// Numbers of one schedule or of many.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Schedules.
    pub schedules: u64,
    /// Steps of the schedulers.
    pub steps: u64,
    /// Invocations of functions.
    pub invocations: u64,
    /// Of these, killed between two effects.
    pub crashes: u64,
    /// Processes that stood still for a while.
    pub stalls: u64,
    /// Invocations that were killed at their time limit.
    pub time_outs: u64,
    /// Messages that were delivered twice though they were handled.
    pub duplicates: u64,
    /// Messages and events that were lost or given up by their queue and sent again by an operator.
    pub redriven: u64,
    /// Effects that failed, by place and kind.
    pub faults: BTreeMap<String, u64>,
    /// Pods by the life that was drawn for them.
    pub lives: BTreeMap<&'static str, u64>,
    /// What people deleted.
    pub mischief: u64,
    /// Results by state.
    pub results: BTreeMap<&'static str, u64>,
    /// Programs of an attempt that began a second time because a function stood still between reading the record and its POST.
    pub begun_twice: u64,
    /// Requests to the API server.
    pub requests: u64,
    /// Most requests to the API server in a schedule, for each run of it and each poll.
    pub most_requests: u64,
    /// Seconds that passed in the simulated worlds.
    pub seconds: u64,
    /// What was found, with the seed.
    pub violations: Vec<(u64, Violation)>,
    /// The same for the same trace.
    pub fingerprint: u64,
    /// Every step in words, where asked for.
    pub trace: Vec<String>,
}

impl Report {
    /// Add another one.
    pub fn add(&mut self, other: Report) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.invocations += other.invocations;
        self.crashes += other.crashes;
        self.stalls += other.stalls;
        self.time_outs += other.time_outs;
        self.duplicates += other.duplicates;
        self.redriven += other.redriven;
        add(&mut self.faults, other.faults);
        add(&mut self.lives, other.lives);
        self.mischief += other.mischief;
        add(&mut self.results, other.results);
        self.begun_twice += other.begun_twice;
        self.requests += other.requests;
        self.most_requests = self.most_requests.max(other.most_requests);
        self.seconds += other.seconds;
        self.violations.extend(other.violations);
        self.fingerprint ^= other.fingerprint;
    }
}

fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, count) in more {
        *sums.entry(key).or_default() += count;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} schedules, {} steps, {} invocations, {} hours of simulated time",
            self.schedules,
            self.steps,
            self.invocations,
            self.seconds / 3600
        )?;
        writeln!(
            formatter,
            "{} crashes, {} stalls, {} time-outs, {} duplicate deliveries, {} redriven, {} deletions by people",
            self.crashes, self.stalls, self.time_outs, self.duplicates, self.redriven, self.mischief
        )?;
        writeln!(formatter, "{} faults:", self.faults.values().sum::<u64>())?;
        counts(formatter, &self.faults)?;
        writeln!(formatter, "{} pods by life:", self.lives.values().sum::<u64>())?;
        counts(formatter, &self.lives)?;
        writeln!(formatter, "{} results by state:", self.results.values().sum::<u64>())?;
        counts(formatter, &self.results)?;
        writeln!(
            formatter,
            "{} requests to the API server, at most {} for a submission or a poll; {} programs begun twice by a function that stood still before its POST",
            self.requests, self.most_requests, self.begun_twice
        )?;
        writeln!(formatter, "{} violations", self.violations.len())?;
        for (seed, violation) in self.violations.iter().take(20) {
            writeln!(formatter, "  seed {seed}: {violation}")?;
        }
        Ok(())
    }
}

fn counts<K: fmt::Display>(formatter: &mut fmt::Formatter<'_>, counts: &BTreeMap<K, u64>) -> fmt::Result {
    counts.iter().try_for_each(|(key, count)| writeln!(formatter, "  {count:>8} {key}"))
}
