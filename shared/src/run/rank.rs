//! Several pods with a run's marks: which of them is the attempt's.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::facts::Phase;
use super::record::Attempt;

/// A pod that carries the marks of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its phase.
    pub phase: Phase,
    /// Somebody asked for its deletion.
    pub is_ending: bool,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

impl Candidate {
    /// The attempt may carry on with it. One that is being deleted never; one that failed, or whose node does not tell, neither.
    fn rank(&self) -> Option<u8> {
        if self.is_ending {
            return None;
        }
        match self.phase {
            Phase::Succeeded => Some(0),
            Phase::Running => Some(1),
            Phase::Pending => Some(2),
            Phase::Failed | Phase::Unknown => None,
        }
    }
}

/// The uid of the pod that stays: the one that the record knows, else by rank Succeeded, Running, Pending; of equals the oldest.
pub fn keep<'a>(known: Option<&str>, candidates: &'a [Candidate]) -> Option<&'a str> {
    let recorded = candidates.iter().find(|candidate| Some(candidate.uid.as_str()) == known);
    let best = || {
        candidates
            .iter()
            .filter_map(|candidate| Some((candidate.rank()?, candidate)))
            .min_by_key(|(rank, candidate)| {
                (*rank, candidate.created_at.is_none(), candidate.created_at, Reverse(&candidate.uid))
            })
            .map(|(_, candidate)| candidate)
    };
    recorded.or_else(best).map(|candidate| candidate.uid.as_str())
}

/// Whose pod it is that is seen with a run's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The attempt's own, or nobody knows better.
    Attempt,
    /// An attempt that is over.
    EarlierAttempt,
    /// The same attempt, which has another pod: of the same name before it, or of another name beside it. A watch may tell of it long after.
    Surplus,
}

impl Owner {
    /// The owner of the pod `uid` with the mark of attempt `number`, while `attempt` is the run's.
    pub fn of(attempt: &Attempt, number: u32, uid: Option<&str>) -> Owner {
        let is_another = attempt.pod_uid.is_some() && attempt.pod_uid.as_deref() != uid;
        if attempt.number > number {
            Owner::EarlierAttempt
        } else if attempt.number == number && is_another {
            Owner::Surplus
        } else {
            Owner::Attempt
        }
    }
}
