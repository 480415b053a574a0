//! The house in order: what the code, the template and the documents promise each other.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod causes;
mod crates;
mod formats;
mod machines;
mod monitoring;
mod places;
mod properties;
mod rbac;
mod result;
mod rights;
mod rooms;
mod shown;
mod sizes;
mod template;
mod tree;
mod words;
