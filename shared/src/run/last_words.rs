//! The last state of a pod, which only whoever saw it go knows.

use jiff::Timestamp;

use super::decide::decide;
use super::decision::Next;
use super::observation::Observation;
use super::record::Record;

/// The record with the ending that the last state of a pod of attempt `number` tells. `None` where it is not to be written down: another attempt has begun
/// meanwhile, of which this pod says nothing; the ending is settled; somebody wants the run to end; or the attempt is not over.
pub fn settled_by(record: &Record, number: u32, observation: &Observation, now: Timestamp) -> Option<Record> {
    if record.attempt.number != number || record.ending.is_some() || record.cancel.is_some() {
        return None;
    }
    let Next::End(ending) = decide(record, observation, now).next else { return None };
    Some(record.clone().settled(ending))
}
