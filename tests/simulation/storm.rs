//! How much goes wrong in a schedule, and what goes wrong with an effect.

use crate::dice::Dice;
use crate::gate::{Effect, Fate, Fault, Place};

/// Chances in a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Storm {
    /// An effect fails.
    pub fault: u64,
    /// At a step, an invocation is killed.
    pub crash: u64,
    /// At a step, a process stands still.
    pub stall: u64,
    /// At a step, time jumps.
    pub jump: u64,
    /// A message is delivered twice.
    pub twice: u64,
    /// A watch breaks off when it has something to tell.
    pub cut: u64,
    /// At a step, the cluster forgets old versions.
    pub forget: u64,
    /// Something is deleted by people.
    pub mischief: u64,
    /// A pod gets into trouble.
    pub trouble: u64,
}

impl Storm {
    /// From nearly nothing to everything at once: schedules in which only one thing goes wrong get furthest.
    pub fn draw(dice: &mut Dice) -> Storm {
        let mut one = |few: u64, many: u64| match dice.below(4) {
            0 | 1 => 0,
            2 => few,
            _ => many,
        };
        Storm {
            fault: one(20, 120),
            crash: one(4, 20),
            stall: one(4, 15),
            jump: one(10, 40),
            twice: one(50, 300),
            cut: one(20, 200),
            forget: one(2, 10),
            mischief: one(300, 700),
            trouble: one(300, 800),
        }
    }

    /// What becomes of an effect.
    pub fn fate(&self, dice: &mut Dice, effect: &Effect) -> Fate {
        if effect.place == Place::Clock || !dice.chance(self.fault) {
            return Fate::Go;
        }
        let faults: &[Fault] = match (effect.place, effect.name) {
            (Place::Bucket, "write") => &[Fault::Trouble, Fault::Conflict, Fault::Late],
            (Place::Cluster, "create") => {
                &[Fault::Busy, Fault::Trouble, Fault::Reset, Fault::Late, Fault::Conflict, Fault::Quota]
            }
            (Place::Cluster, "list" | "watch") => {
                &[Fault::Busy, Fault::Trouble, Fault::Reset, Fault::Late, Fault::Gone]
            }
            (Place::Cluster, "log" | "exec") => {
                &[Fault::Busy, Fault::Trouble, Fault::Reset, Fault::Late, Fault::Cut]
            }
            (Place::Cluster, _) => &[Fault::Busy, Fault::Trouble, Fault::Reset, Fault::Late],
            _ => &[Fault::Trouble, Fault::Reset, Fault::Late],
        };
        let fault = dice.pick(faults).copied().unwrap_or(Fault::Trouble);
        let refuses =
            matches!(fault, Fault::Busy | Fault::Conflict | Fault::Quota | Fault::Gone | Fault::Cut);
        let changes = matches!(effect.place, Place::Queue | Place::Answers)
            || matches!(effect.name, "write" | "delete" | "upload" | "create");
        if changes && !refuses && dice.chance(500) { Fate::After(fault) } else { Fate::Before(fault) }
    }
}
