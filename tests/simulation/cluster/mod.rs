//! A small model of a cluster.

pub mod client;
pub mod life;
pub mod model;
pub mod pod;
pub mod words;
