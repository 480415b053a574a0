//! The wire: HTTPS, paths, verbs, and answers in upstream's words.

pub(crate) mod answer;
mod attend;
pub(crate) mod create;
pub(crate) mod delete;
mod discovery;
mod exec;
mod list;
mod log;
mod openapi;
mod patch;
mod pod_row;
mod protobuf;
mod query;
pub(crate) mod route;
mod selector;
mod server;
pub(crate) mod status;
mod table;
mod traffic;
mod watch;

pub(crate) use server::{Server, serve};
pub use traffic::{Tally, Traffic};

use crate::access::{Authorizer, Tokens};
use crate::faults::Faults;
use crate::node::Node;
use crate::store::Store;
use std::sync::Arc;

/// What every request is answered from.
pub(crate) struct Api {
    /// The objects.
    pub store: Store,
    /// The kubelet's side of log and exec.
    pub node: Arc<dyn Node>,
    /// Known credentials.
    pub tokens: Tokens,
    /// Roles.
    pub authorizer: Authorizer,
    /// Whether exec over WebSocket needs `create` besides `get` (Kubernetes 1.35 and later).
    pub exec_needs_create: bool,
    /// What goes wrong on request.
    pub faults: Faults,
    /// What goes over the wire.
    pub traffic: Traffic,
    /// `host:port` of this server.
    pub address: String,
}
