//! Judgement: the record, what was observed of the pod, and what follows from both. Pure: no clock, no client, no environment.

pub mod absence;
pub mod answer;
pub mod cached;
mod decide;
pub mod decision;
pub mod delivery;
mod diagnose;
pub mod diagnosis;
mod enrich;
mod evidence;
pub mod facts;
mod hints;
pub mod last_words;
pub mod limits;
pub mod observation;
pub mod rank;
pub mod reasons;
pub mod record;
pub mod refusal;
pub mod render;
pub mod result;
pub mod retry;
mod roles;
mod shape;
pub mod state;
pub mod succession;
#[cfg(test)]
mod tests;
mod text;
mod tolerance;
pub mod transition;
mod verdict;
mod waiting;

pub use decide::decide;
pub use diagnose::diagnose;
pub use verdict::{Verdict, verdict, verdict_with_events};
