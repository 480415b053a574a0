//! Input that nobody vouches for: the bodies of the fuzz targets over their kept corpora and over mutations of them, and what was found that way.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod archives;
mod corpus;
mod endless;
mod limits;
mod mutation;
mod slow;
mod tar;
