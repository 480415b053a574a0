//! Storms on the deployed local stack: many runs at once while functions are killed, messages come twice, and the API server is away; and half an hour of
//! everything together. What is promised is counted afterwards, by a bystander's watch and by the bytes in the bucket.
//!
//! Each storm runs in a small form with the other tests, in the full one by `just storm`, and the long one by `just soak`.
#![expect(
    clippy::indexing_slicing,
    reason = "documents and bodies are the test's own: a place that is not there must end it"
)]
#![expect(clippy::print_stdout, reason = "who runs a storm is told what it counted")]

#[path = "../e2e/cloud.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod cloud;
#[path = "../simulation/dice.rs"]
mod dice;
#[path = "../e2e/ground.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod ground;
#[path = "../e2e/stack.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod stack;

mod errand;
mod killer;
mod processes;
mod scene;
mod size;
mod verdict;
mod wire;
mod witness;

mod cap;
mod kills;
mod points;
mod soak;
