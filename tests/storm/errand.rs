//! A task of a storm, and the bytes that must come of it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::store::upload::hex;

use crate::dice::Dice;
use crate::ground;

/// The one output file.
pub const FILE: &str = "out/numbers.txt";

/// A run that is asked for.
#[derive(Clone, Debug)]
pub struct Errand {
    /// What the message says.
    pub body: String,
    /// Size of the output file.
    pub size: u64,
    /// Its hash, hex SHA-256.
    pub sha256: String,
}

impl Errand {
    /// A task that writes a file after some seconds: every third is given the text, the others make it. Fields of the envelope, such as `runId`, come from
    /// `envelope`, those of the task from `more`.
    pub fn of(dice: &mut Dice, seconds: u64, envelope: Value, more: Value) -> Errand {
        let (from, lines) = (dice.below(1_000_000), 100 + dice.below(2_000));
        let to = from + lines;
        let text: String = (from..=to).map(|number| format!("{number}\n")).collect();
        let is_given = dice.below(3) == 0;
        let make =
            if is_given { format!("cp given.txt {FILE}") } else { format!("seq {from} {to} > {FILE}") };
        let mut task = json!({
            "id": "errand",
            "type": "io.kestra.plugin.scripts.shell.Commands",
            "containerImage": ground::busybox(),
            "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes"},
            "commands": ["mkdir -p out", format!("trap 'exit 143' TERM; sleep {seconds} & wait $!"), make],
            "outputFiles": ["out/**"],
        });
        if is_given {
            task["inputFiles"] = json!({"given.txt": text});
        }
        if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
            task.extend(more);
        }
        let mut body = json!({"task": task});
        if let (Some(body), Value::Object(envelope)) = (body.as_object_mut(), envelope) {
            body.extend(envelope);
        }
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        Errand { body: body.to_string(), size: text.len() as u64, sha256 }
    }
}
