//! A small Kubernetes cluster for the desk and for tests: an API server over HTTPS, a scheduler with one node, and a
//! kubelet whose pods are real processes in Linux namespaces.
//!
//! * [`cluster`] starts and stops the whole.
//! * `api` speaks the wire: paths, verbs, lists, watches, logs and exec, and refusals in upstream's words.
//! * `access` knows who asks and what Roles allow them.
//! * `validation` fills in what upstream fills in and refuses what upstream refuses.
//! * [`store`] holds the objects, their versions and their last changes.
//! * `scheduler` gives pods to the node.
//! * [`node`] is the joint between the API server and whatever runs the pods.
//! * [`hollow`] runs pods without processes, by a script, many thousand of them.
//! * [`faults`] makes go wrong what it is asked to.
//! * [`kubelet`] makes pods happen; [`container`] is the side of it that becomes a container.
//!
//! It behaves as Kubernetes 1.36 does where Longshore, its users and `kubectl` at the desk meet it, and refuses the
//! rest with a Status that names what is missing.

mod access;
mod api;
mod certificate;
pub mod clock;
pub mod cluster;
pub mod container;
pub mod faults;
pub mod hollow;
pub mod kubelet;
pub mod node;
mod random;
mod scheduler;
pub mod store;
mod validation;

pub use access::{EksIdentity, Keys, StaticToken};
pub use api::{Tally, Traffic};
pub use cluster::{Cluster, ClusterConfig, ClusterError};
