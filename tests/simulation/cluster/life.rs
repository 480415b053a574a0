//! What becomes of a pod when nobody interferes.

use crate::dice::Dice;

/// How a program takes SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTerm {
    /// It ends with this code.
    Ends(i32),
    /// It does not listen.
    Ignores,
}

/// A life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The program ends by itself after so many seconds.
    Ends {
        /// Exit code; 137 by the kernel, for its memory.
        code: i32,
        /// How long it runs.
        seconds: u64,
    },
    /// It never ends.
    Forever(OnTerm),
    /// No node has room: for a while, or for good.
    Unschedulable(Option<u64>),
    /// The container never starts, for this reason.
    Waits(&'static str),
    /// The init container fails.
    InitFails,
    /// The kubelet refuses the pod.
    Refused,
    /// The node has too little of something.
    Evicted(u64),
    /// A pod of higher priority takes its place.
    Preempted(u64),
    /// Its node falls silent.
    NodeLost(u64),
    /// The carrier dies after the program has ended.
    CarrierDies(u64),
}

impl Life {
    /// A life by lot; `trouble` many in a thousand are no plain success.
    pub fn draw(dice: &mut Dice, trouble: u64) -> Life {
        let seconds = dice.below(40);
        if !dice.chance(trouble) {
            return Life::Ends { code: 0, seconds };
        }
        let term = if dice.chance(500) { OnTerm::Ignores } else { OnTerm::Ends(143) };
        match dice.below(15) {
            0 | 1 => Life::Ends { code: 1, seconds },
            2 => Life::Ends { code: 137, seconds },
            3 => Life::Forever(term),
            4 => Life::Forever(OnTerm::Ends(0)),
            5 => Life::Unschedulable(None),
            6 => Life::Unschedulable(Some(20 + seconds)),
            7 => Life::Waits("ImagePullBackOff"),
            8 => Life::Waits("InvalidImageName"),
            9 => Life::InitFails,
            10 => Life::Refused,
            11 => Life::Evicted(seconds),
            12 => Life::Preempted(seconds),
            13 => Life::NodeLost(seconds),
            _ => Life::CarrierDies(seconds),
        }
    }

    /// A pod of this life succeeds, and everything it leaves can be collected.
    pub fn is_plain(self) -> bool {
        matches!(self, Life::Ends { code: 0, .. } | Life::Unschedulable(Some(_)))
    }

    /// The name, for the report.
    pub fn kind(self) -> &'static str {
        match self {
            Life::Ends { code: 0, .. } => "ends",
            Life::Ends { code: 137, .. } => "out of memory",
            Life::Ends { .. } => "ends with an error",
            Life::Forever(OnTerm::Ignores) => "never ends, ignores SIGTERM",
            Life::Forever(OnTerm::Ends(_)) => "never ends",
            Life::Unschedulable(_) => "unschedulable",
            Life::Waits(_) => "cannot start",
            Life::InitFails => "init container fails",
            Life::Refused => "refused by the kubelet",
            Life::Evicted(_) => "evicted",
            Life::Preempted(_) => "preempted",
            Life::NodeLost(_) => "node lost",
            Life::CarrierDies(_) => "carrier dies",
        }
    }
}
