//! Judgement on what a task leaves behind: `::{…}::` lines in its log, and files in its working directory. Pure: bytes in, decisions out.
//!
//! A log comes as stamped text ([`stamped`]), its lines set variables ([`lines`], [`command`]), its end goes into the result ([`tail`]). Files
//! are listed in the carrier ([`listing`]), chosen by globs ([`globs`]), checked ([`paths`]) and fetched as archives ([`archive`]).
//! A helper in the pod does so by itself with signed forms ([`direct`]).

pub mod archive;
pub mod choice;
pub mod command;
pub mod direct;
pub mod globs;
pub mod lines;
pub mod listing;
pub mod paths;
pub mod stamped;
pub mod tail;
pub mod value;
#[cfg(test)]
mod workbench;
