//! Effects: what was decided is carried out. One file per effect; none of them decides.

pub mod cancel;
pub mod collect;
pub mod create;
pub mod explain;
pub mod finish;
pub mod gather;
pub mod give_way;
pub mod keep;
pub mod line;
pub mod observe;
pub mod plan;
pub mod prepare;
pub mod stop;
pub mod succeed;
pub mod wait;

use jiff::Timestamp;

use crate::environment::Environment;
use crate::error::Error;
use crate::run::decision::{Decision, Next};
use crate::run::observation::Observation;
use crate::store::records::Stored;

/// The invocation in which effects are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When this invocation must be done.
    pub deadline: Timestamp,
    /// How often the message that led here was passed on.
    pub hops: u32,
    /// The message will not be delivered again: what cannot be done now is given up, in words.
    pub last_try: bool,
}

/// Carry a decision out, here and now.
///
/// # Errors
/// What the bucket, the cluster or a queue says; everything may be done again.
pub async fn apply(
    environment: &Environment,
    stored: Stored,
    observation: &Observation,
    decision: Decision,
    turn: Turn,
) -> Result<(), Error> {
    // Boxed: each of them is large, and a caller would hold the room of all.
    match decision.next {
        Next::Wait { until } => wait::look_again(environment, &stored.record, until, turn.hops).await,
        Next::Create => Box::pin(create::pod(environment, stored, turn)).await.map(drop),
        Next::Collect(ending) => {
            Box::pin(collect::collect(environment, stored, observation, ending, turn)).await
        }
        Next::End(ending) => {
            let ending = explain::gone(environment, &stored.record, observation, ending).await?;
            Box::pin(collect::without_pod(environment, stored, ending, turn)).await
        }
    }
}

/// Pass a decision on to the function whose work it is: creating to `submit`, collecting and ending to `collect`.
///
/// # Errors
/// When the message cannot be sent.
pub async fn hand_over(environment: &Environment, stored: &Stored, next: &Next) -> Result<(), Error> {
    let run = wait::message(&stored.record, 0);
    match next {
        Next::Wait { until } => wait::look_again(environment, &stored.record, *until, 0).await,
        Next::Create => Ok(environment.queues.carry_on(&run, std::time::Duration::ZERO).await?),
        Next::Collect(_) | Next::End(_) => {
            Ok(environment.queues.look_at(&run, std::time::Duration::ZERO).await?)
        }
    }
}
