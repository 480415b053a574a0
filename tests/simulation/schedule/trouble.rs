//! What goes wrong: functions die and stand still, time jumps, effects fail.

use std::time::Duration;

use jiff::Timestamp;
use shared::clock::later;

use super::Schedule;
use crate::cluster::model::lock;
use crate::gate::{Fate, Fault, Place};

impl Schedule {
    /// Something bad, instead of a step.
    pub(super) fn disturb(&mut self, now: Timestamp) -> bool {
        if self.is_calm {
            return false;
        }
        let count = self.invocations.len() as u64;
        if count > 0 && self.dice.chance(self.storm.crash) {
            let at = usize::try_from(self.dice.below(count)).unwrap_or(0);
            let invocation = self.invocations.remove(at);
            self.report.crashes += 1;
            self.note("crash", &format!("{:?} {}", invocation.function, invocation.number));
            return true;
        }
        if count > 0 && self.dice.chance(self.storm.stall) {
            let at = usize::try_from(self.dice.below(count)).unwrap_or(0);
            let pause = self.dice.below(310);
            if let Some(invocation) = self.invocations.get_mut(at) {
                // Up to its time limit, and now and then beyond.
                let pause = pause % (invocation.function.timeout().as_secs() + 10);
                invocation.stalled_until = Some(later(now, Duration::from_secs(pause)));
                let words = format!("{:?} {} for {pause} s", invocation.function, invocation.number);
                self.report.stalls += 1;
                self.note("stall", &words);
            }
            return true;
        }
        if self.dice.chance(self.storm.jump) {
            let pause = self.dice.below(20_000);
            self.clock.advance(Duration::from_millis(pause));
            self.note("jump", &format!("{pause} ms"));
            return true;
        }
        if self.dice.chance(self.storm.forget) {
            lock(&self.around.model).forget();
            self.note("forget", "old versions");
            return true;
        }
        false
    }

    pub(super) fn open(&mut self, at: usize, ticket: u64) {
        let Some(invocation) = self.invocations.get(at) else { return };
        let Some(effect) = invocation.gate.look(ticket) else { return };
        let fate = self.storm.fate(&mut self.dice, &effect);
        let (function, number) = (invocation.function, invocation.number);
        self.acting = Some(invocation.began);
        if let Fate::Before(fault) | Fate::After(fault) = fate {
            let when = if fate.after().is_some() { "after" } else { "before" };
            *self
                .report
                .faults
                .entry(format!("{:?} {}: {fault:?} {when}", effect.place, effect.name))
                .or_default() += 1;
            if fault == Fault::Late {
                self.clock.advance(Duration::from_secs(10));
            }
            self.hurt(&effect.what, effect.place);
        }
        if effect.place != Place::Clock {
            self.clock.advance(Duration::from_millis(self.dice.below(40)));
        }
        self.note(effect.name, &format!("{} {fate:?} by {function:?} {number}", effect.what));
        if let Some(invocation) = self.invocations.get(at) {
            invocation.gate.open(ticket, fate);
        }
    }

    /// Reading from this pod was disturbed: its log or files may be missing from the result.
    pub(super) fn hurt(&mut self, what: &str, place: Place) {
        if place == Place::Cluster {
            self.judge.hurt(what);
        } else if let Some(run_id) = what.strip_prefix("runs/").and_then(|key| key.split('/').next()) {
            self.judge.hurt(run_id);
        }
    }
}
