//! The program beside a store of a few lines that checks what the real one checks: signed policies, versions, ranges.

mod fetching;
mod running;
mod stage;
mod store;
mod taking;
