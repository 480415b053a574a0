//! What the user says: task documents, submissions, connections, and what is wrong with them.
//!
//! A document is read twice by the same readers. As written, to tell every mistake that can be told without values (texts with a template in them
//! are taken on trust); and rendered, when nothing may be open any more. [`task::parse`] is the first reading, `resolve::plan` does the second.

pub mod connection;
pub mod container;
pub mod duration;
pub(crate) mod fields;
pub mod flow;
pub mod glob;
pub mod label;
pub mod layout;
pub mod name;
mod nearest;
pub mod place;
pub(crate) mod pod_create;
pub mod problem;
pub mod quantity;
pub mod read;
pub mod retry;
pub(crate) mod runner;
pub(crate) mod script;
pub mod submission;
pub mod task;
