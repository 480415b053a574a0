//! What a document may say, walked through property by property: the catalogue, the readers, the schema and the pods agree.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod agreement;
mod places;
mod properties;
