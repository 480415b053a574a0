//! Which cluster a task is sent to.

use local::{ClusterChoice, Endpoints};
use shared::cluster::kubeconfig;

use crate::exit::Failure;
use crate::tailoring::ConnectionChoice;

/// Said when a document's own connection is not used.
pub const REPLACED: &str =
    "the connection written in the document is replaced by the stack's cluster; --use-connection keeps it";

/// The connection for a stack that runs.
///
/// # Errors
/// When its kubeconfig cannot be carried over.
pub fn of_stack(endpoints: &Endpoints, use_connection: bool) -> Result<ConnectionChoice, Failure> {
    choose(&endpoints.cluster, use_connection)
}

/// The connection for a stack on that cluster: none for the embedded one, which is the deployment's own; a kubeconfig's otherwise,
/// because only this machine knows it.
///
/// # Errors
/// When the kubeconfig cannot be carried over.
pub fn choose(cluster: &ClusterChoice, use_connection: bool) -> Result<ConnectionChoice, Failure> {
    let file = match cluster {
        ClusterChoice::Kubeconfig { file, .. } => Some(file),
        ClusterChoice::Embedded | ClusterChoice::Hollow { .. } => None,
    };
    match (file, use_connection) {
        (_, true) => Ok(ConnectionChoice::Keep),
        (None, false) => Ok(ConnectionChoice::Remove),
        (Some(file), false) => {
            let connection = kubeconfig::connection(file, None).map_err(|error| {
                Failure::wrong(format!("cannot use `--kubeconfig {}`", file.display())).because(&error)
            })?;
            let value = serde_json::to_value(connection)
                .map_err(|error| Failure::failed("cannot write the connection as JSON").because(&error))?;
            Ok(ConnectionChoice::Replace(value))
        }
    }
}
