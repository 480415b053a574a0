//! The shared rooms of Longshore: a spec is merged and made into a pod; the pod is observed, a decision is taken, its effects are applied, and the
//! record remembers.
//!
//! Words ([`spec`], [`merge`], [`resolve`]), shape ([`pod`]) and judgement ([`run`], [`outputs`]) are pure. The other rooms are hands: they
//! touch the cluster, the bucket, the queues, the clock and the environment. Without the feature `hands` there is [`outputs`] only, and of the
//! words what it needs.

#[cfg(feature = "hands")]
pub mod answers;
#[cfg(feature = "hands")]
pub mod batch;
#[cfg(feature = "hands")]
pub mod clock;
#[cfg(feature = "hands")]
pub mod cluster;
#[cfg(feature = "hands")]
pub mod config;
#[cfg(feature = "hands")]
pub mod crash;
#[cfg(feature = "hands")]
pub mod effects;
#[cfg(feature = "hands")]
pub mod environment;
#[cfg(feature = "hands")]
pub mod error;
#[cfg(feature = "hands")]
pub mod files;
#[cfg(feature = "hands")]
pub mod merge;
pub mod outputs;
#[cfg(feature = "hands")]
pub mod pod;
#[cfg(feature = "hands")]
pub mod queue;
#[cfg(feature = "hands")]
pub mod resolve;
#[cfg(feature = "hands")]
pub mod run;
#[cfg(feature = "hands")]
pub mod spec;
#[cfg(feature = "hands")]
pub mod store;
#[cfg(feature = "hands")]
pub mod telemetry;

/// Of the words, the names that everybody must agree on.
#[cfg(not(feature = "hands"))]
pub mod spec {
    mod braces;
    pub mod layout;
    pub mod pattern;
}
