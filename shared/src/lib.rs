//! The shared rooms of Longshore: a spec is merged and made into a pod; the pod is observed, a decision is taken, its effects are applied, and the
//! record remembers.
//!
//! Words ([`spec`], [`merge`], [`resolve`]), shape ([`pod`]) and judgement ([`run`], [`outputs`]) are pure. The other rooms are hands: they
//! touch the cluster, the bucket, the queues, the clock and the environment.

pub mod answers;
pub mod batch;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod crash;
pub mod effects;
pub mod environment;
pub mod error;
pub mod files;
pub mod merge;
pub mod outputs;
pub mod pod;
pub mod queue;
pub mod resolve;
pub mod run;
pub mod spec;
pub mod store;
pub mod telemetry;
