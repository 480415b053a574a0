//! A canary stands in every place where a secret can: it is found in the active record while the run lives, and nowhere once it has ended.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod canary;
mod log;
mod places;
mod rejections;
mod runs;
