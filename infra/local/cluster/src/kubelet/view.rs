//! What logs, exec and attach may see of a pod, kept beside its worker.

use super::exec::Target;
use super::log::Log;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The containers of a pod by name.
#[derive(Debug, Default)]
pub struct View {
    containers: Mutex<HashMap<String, Seen>>,
}

/// One container.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Why it waits; `None` once it was started.
    pub waiting: Option<String>,
    /// It never was and never will be.
    pub is_lost: bool,
    /// The log of the newest instance.
    pub log: Option<Arc<Log>>,
    /// The log of the instance before.
    pub previous: Option<Arc<Log>>,
    /// Where commands run, while it does.
    pub target: Option<Target>,
}

impl View {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        // Every change is complete in itself.
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A container as it is now.
    pub fn get(&self, name: &str) -> Seen {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// Change what is seen of a container.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Seen)) {
        change(self.lock().entry(name.to_owned()).or_default());
    }
}
