//! What the user says: task documents, submissions, connections, and what is wrong with them.
//!
//! A document is read twice by the same readers. As written, to tell every mistake that can be told without values (texts with a template in them
//! are taken on trust); and rendered, when nothing may be open any more. [`task::parse`] is the first reading, `resolve::plan` does the second.

pub mod address;
pub mod answer;
pub mod batch;
mod braces;
pub mod cache;
pub mod catalogue;
pub mod clusters;
pub(crate) mod conduct;
pub mod connection;
pub mod container;
pub mod dialect;
pub mod duration;
pub(crate) mod fields;
pub mod flow;
pub mod glob;
pub mod label;
pub mod layout;
pub mod name;
pub mod namespace_files;
mod nearest;
pub mod origin;
pub mod pattern;
pub mod place;
pub(crate) mod pod_create;
pub mod problem;
pub mod quantity;
pub mod read;
pub mod reference;
pub mod retry;
pub mod rule;
pub(crate) mod runner;
pub mod schema;
pub(crate) mod script;
pub mod secret;
pub mod selector;
pub mod source;
pub mod submission;
pub mod task;
pub mod token_provider;
pub mod transfer;
pub mod upload;
pub mod value_file;
pub mod worker_group;
