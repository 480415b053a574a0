//! Moves a pod's files and logs to and from the bucket by itself: fetches the inputs ([`fetch`]), runs the task's program and uploads its log
//! while it runs ([`wrap`]), uploads the outputs ([`take`]) and says so last. It needs no credentials and no program beside it: links and signed
//! forms, made for one attempt, say what it may read and write.

pub mod client;
pub mod clock;
pub mod failure;
pub mod fetch;
pub mod files;
pub mod form;
pub mod grants;
pub mod install;
pub mod log;
pub mod manifest;
pub mod names;
pub mod program;
pub mod range;
pub mod settings;
pub mod stamp;
pub mod take;
pub mod wrap;
