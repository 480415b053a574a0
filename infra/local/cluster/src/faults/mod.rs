//! Misbehaviour on request: a plan says what goes wrong, when and how often, and the same plan with the same requests
//! in the same order goes wrong in the same way.
//!
//! * `reader`, `plan`, `kind` read a plan and find every problem in it at once.
//! * `tally` counts what matched and decides what strikes; it knows nothing of a clock or of chance.
//! * `force` is the plan in force, shared by the API server, the scheduler and the kubelet.
//! * `strike` carries out what happens to a request, with the words of `texts`, on bodies (`stream`) and below (`wire`).
//! * `pods` and `node` do to pods what schedulers, controllers and people do from outside; what the kubelet itself does
//!   wrong is in its own room.
//! * `endpoint` is how the plan is set from outside the process.
//!
//! `docs/FAULTS.md` describes the words of a plan and names the source of every text.

mod endpoint;
mod force;
mod kind;
mod node;
mod plan;
mod pods;
mod reader;
mod stream;
mod strike;
mod tally;
mod texts;
mod wire;

pub use endpoint::Endpoint;
pub use force::Faults;
pub use kind::NAMES;
pub use reader::Problem;

pub(crate) use force::Disturbance;
pub(crate) use node::tolerates;
pub(crate) use pods::{disrupt, run};
pub(crate) use stream::ExecCut;
pub(crate) use strike::meet;
pub(crate) use wire::{Wire, let_through};
