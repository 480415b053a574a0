//! The program beside a store of a few lines that checks what the real one checks: signed policies, versions, ranges.

mod fetching;
#[cfg(test)]
mod running;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod store;
mod taking;
