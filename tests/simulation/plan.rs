//! What people do: submissions, cancels, uploads, and things deleted by hand.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::clock::later;

use crate::dice::Dice;

/// Something that somebody does.
#[derive(Clone, Debug)]
pub enum Act {
    /// Send a submission.
    Submit(usize),
    /// Ask for a run's end.
    Cancel(String),
    /// Delete a pod, with its grace or at once.
    DeletePod,
    /// Delete a cursor.
    DeleteCursor,
}

/// A submission and what is expected of it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Id of its message; of an upload, the beginning of its run id.
    pub id: String,
    /// What is sent.
    pub body: Value,
    /// It can be carried out.
    pub is_valid: bool,
    /// It is dropped into the bucket instead.
    pub is_upload: bool,
    /// Another submission under the same run id begins another attempt.
    pub joins: bool,
    /// The task token that waits for it.
    pub token: Option<String>,
}

impl Submission {
    /// The run that it becomes; of an upload not known beforehand.
    pub fn run_id(&self) -> &str {
        self.body.get("runId").and_then(Value::as_str).unwrap_or(&self.id)
    }
}

/// Everything that people do in a schedule.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The submissions.
    pub submissions: Vec<Submission>,
    /// What is done when, in order of time.
    pub acts: Vec<(Timestamp, Act)>,
}

impl Plan {
    /// A plan by lot, from `start` on. Only a storm has mischief in it.
    pub fn draw(dice: &mut Dice, start: Timestamp, mischief: u64) -> Plan {
        let mut plan = Plan::default();
        let at = |dice: &mut Dice, most: u64| later(start, Duration::from_millis(dice.below(most * 1000)));
        let runs = 1 + dice.below(3);
        for number in 0..runs {
            let first = submission(dice, number);
            let run_id = first.run_id().to_owned();
            let submitted = at(dice, 60);
            if dice.chance(200) {
                // The same again, under its own run id where it has one. Whoever waits for it does so with a token of its own.
                let mut again = Submission { id: format!("again-{number}"), ..first.clone() };
                if let Some(token) = &mut again.token {
                    token.push_str("-again");
                    again.body["taskToken"] = json!(token);
                }
                if first.body.get("runId").is_some() && !first.is_upload {
                    if dice.chance(300) {
                        again.body["task"]["commands"] = json!(["another"]);
                        again.joins = false;
                    }
                    plan.add(at(dice, 120), again);
                }
            }
            if dice.chance(200) && !first.is_upload {
                plan.acts.push((at(dice, 120), Act::Cancel(run_id)));
            }
            plan.add(submitted, first);
        }
        if dice.chance(100) {
            plan.add(
                at(dice, 60),
                Submission {
                    id: "nonsense".to_owned(),
                    body: json!({"task": {"id": "t", "type": "nonsense"}}),
                    is_valid: false,
                    is_upload: false,
                    joins: false,
                    token: None,
                },
            );
        }
        while dice.chance(mischief) && plan.acts.len() < 20 {
            let act = if dice.chance(800) { Act::DeletePod } else { Act::DeleteCursor };
            plan.acts.push((at(dice, 180), act));
        }
        plan.acts.sort_by_key(|(at, _)| *at);
        plan
    }

    fn add(&mut self, at: Timestamp, submission: Submission) {
        self.acts.push((at, Act::Submit(self.submissions.len())));
        self.submissions.push(submission);
    }
}

fn submission(dice: &mut Dice, number: u64) -> Submission {
    let mut runner = json!({"type": "io.kestra.plugin.ee.kubernetes.runner.Kubernetes",
        "waitUntilRunning": "PT3M", "waitUntilCompletion": "PT4M"});
    let mut task = json!({"id": format!("t{number}"), "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["work"]});
    if dice.chance(150) {
        runner["delete"] = json!(false);
    }
    let joins = dice.chance(100);
    if joins {
        runner["resume"] = json!(false);
    }
    task["taskRunner"] = runner;
    if dice.chance(500) {
        task["outputFiles"] = json!(["out/*"]);
    }
    if dice.chance(400) {
        let retry = match dice.below(3) {
            0 => json!({"type": "constant", "interval": "PT3S", "maxAttempts": 3}),
            1 => json!({"type": "exponential", "interval": "PT2S", "maxInterval": "PT20S", "maxAttempts": 3}),
            _ => json!({"type": "random", "minInterval": "PT1S", "maxInterval": "PT9S", "maxAttempts": 2}),
        };
        task["retry"] = retry;
    }
    let is_upload = dice.chance(150);
    if is_upload {
        let id = format!("drop{number}");
        return Submission { id, body: task, is_valid: true, is_upload, joins: false, token: None };
    }
    let mut body = json!({"task": task});
    if joins || dice.chance(500) {
        body["runId"] = json!(format!("run-{number}"));
    }
    let token = dice.chance(300).then(|| format!("token-{number}"));
    if let Some(token) = &token {
        body["taskToken"] = json!(token);
        if dice.chance(500) {
            body["heartbeatSeconds"] = json!(120);
        }
    }
    Submission { id: format!("message-of-run-{number}"), body, is_valid: true, is_upload, joins, token }
}
