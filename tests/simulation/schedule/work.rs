//! What goes on: people act, messages are delivered, invocations run and end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::clock::{Clock, later};
use shared::store::bucket::{Bucket, Condition};
use shared::store::keys;

use super::{Schedule, now_or_never};
use crate::cluster::model::lock;
use crate::gate::Gate;
use crate::invocation::{Instance, Invocation};
use crate::mutation::Mutation;
use crate::plan::Act;
use crate::queues::{self, Function};

impl Schedule {
    pub(super) fn deliver(&mut self, function: Function, now: Timestamp) {
        let twice = self.dice.chance(self.storm.twice);
        let most = 1 + usize::try_from(self.dice.below(3)).unwrap_or(0);
        let mutation = self.around.mutation;
        let mut letters = {
            let mut office = queues::lock(&self.around.office);
            let letters = office.receive(function, most.min(function.batch()), now, twice);
            if mutation == Some(Mutation::AcknowledgedBeforeDone) {
                let receipts: Vec<u64> = letters.iter().map(|letter| letter.receipt).collect();
                office.delete(function, &receipts);
            }
            letters
        };
        if letters.is_empty() {
            return;
        }
        self.report.duplicates += u64::from(twice);
        if mutation == Some(Mutation::IdPerDelivery) {
            letters.iter_mut().for_each(|letter| letter.id = format!("{}-{}", letter.id, letter.receives));
        }
        for letter in letters.iter().filter(|letter| letter.receives >= 4) {
            // Before the last delivery what cannot be collected is given up.
            if let Some(run_id) = serde_json::from_str::<Value>(&letter.body)
                .ok()
                .as_ref()
                .and_then(|body| body.get("runId")?.as_str())
            {
                self.judge.hurt(run_id);
            }
        }
        self.report.invocations += 1;
        self.polls += u64::from(function == Function::Poll);
        let number = self.report.invocations;
        let instance = self.idle.get_mut(&function).and_then(Vec::pop);
        let instance = instance.unwrap_or_else(|| Instance::new(function, number));
        let ids: Vec<&str> = letters.iter().map(|letter| letter.id.as_str()).collect();
        self.note("deliver", &format!("{ids:?} to {function:?} {number}"));
        let gate = Arc::new(Gate::new(self.clock.clone()));
        let deadline = later(now, function.timeout());
        self.began.insert(number, self.report.steps);
        let when = (gate, deadline, self.report.steps);
        self.invocations.push(Invocation::new(number, function, letters, instance, &self.around, when));
    }

    pub(super) fn act(&mut self, now: Timestamp) {
        let Some((_, act)) = self.plan.acts.get(self.acts).cloned() else { return };
        self.acts += 1;
        self.note("act", &format!("{act:?}"));
        match act {
            Act::Submit(at) => {
                let Some(submission) = self.plan.submissions.get(at).cloned() else { return };
                let mut office = queues::lock(&self.around.office);
                if submission.is_upload {
                    let key = format!("{}{}.json", keys::SUBMISSIONS, submission.id);
                    let bytes = submission.body.to_string();
                    let size = bytes.len();
                    let etag = now_or_never(self.around.memory.put(&key, bytes.into(), Condition::Always));
                    let object = json!({"key": key, "size": size, "eTag": etag, "sequencer": "0A"});
                    let place = json!({"bucket": {"name": "bucket"}, "object": object});
                    let event = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                        "eventTime": now.to_string(), "s3": place}]});
                    office.send(Function::Trigger, &event, now, Duration::ZERO);
                } else {
                    office.hand_in(Function::Submit, &submission.id, submission.body.to_string(), now);
                }
            }
            Act::Cancel(run_id) => {
                self.judge.cancel(&run_id);
                let body = json!({"cancel": {"runId": run_id, "reason": "somebody asked"}});
                queues::lock(&self.around.office).send(Function::Cancel, &body, now, Duration::ZERO);
            }
            Act::DeletePod => {
                let mut model = lock(&self.around.model);
                let uids = model.uids();
                if let Some(uid) = self.dice.pick(&uids) {
                    self.report.mischief += 1;
                    let grace = if self.dice.chance(500) { Some(0) } else { None };
                    model.delete(uid, grace, now, true);
                }
            }
            Act::DeleteCursor => {
                self.report.mischief += 1;
                now_or_never(self.around.memory.delete(&keys::cursor("eks-simulated", "default")));
            }
        }
    }

    /// Every invocation that has something to do does it; those that end are taken off.
    pub(super) fn poll(&mut self) {
        let now = self.clock.now();
        let mut at = 0;
        while let Some(invocation) = self.invocations.get_mut(at) {
            if invocation.stalled_until.is_some_and(|until| until > now) {
                at += 1;
                continue;
            }
            let Some(answer) = invocation.run() else {
                at += 1;
                continue;
            };
            let invocation = self.invocations.remove(at);
            self.ended(invocation, answer.ok());
        }
    }

    pub(super) fn ended(&mut self, invocation: Invocation, answer: Option<Value>) {
        let failures = answer.as_ref().and_then(|answer| answer.get("batchItemFailures")?.as_array());
        let has_failed = |id: &str| {
            failures.is_none_or(|failures| {
                failures
                    .iter()
                    .any(|failure| failure.get("itemIdentifier").and_then(Value::as_str) == Some(id))
            })
        };
        let handled = invocation.letters.iter().filter(|letter| !has_failed(&letter.id));
        let handled: Vec<u64> = handled.map(|letter| letter.receipt).collect();
        self.note("end", &format!("{:?} {}: {handled:?} handled", invocation.function, invocation.number));
        if handled.len() == invocation.letters.len() {
            self.judge.after_post(&invocation.posted(), &self.around.memory);
        }
        queues::lock(&self.around.office).delete(invocation.function, &handled);
        self.idle.entry(invocation.function).or_default().push(invocation.instance);
    }
}
