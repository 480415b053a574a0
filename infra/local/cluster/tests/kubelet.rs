//! The kubelet with real processes: pods are put into the store as the API server does, and looked at from outside.

#[cfg(test)]
#[path = "kubelet/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "kubelet/exec.rs"]
mod exec;
#[cfg(test)]
#[path = "kubelet/health.rs"]
mod health;
#[cfg(test)]
#[path = "kubelet/leftovers.rs"]
mod leftovers;
#[cfg(test)]
#[path = "kubelet/lifecycle.rs"]
mod lifecycle;
#[cfg(test)]
#[path = "kubelet/logs.rs"]
mod logs;
#[cfg(test)]
#[path = "kubelet/root.rs"]
mod root;
#[cfg(test)]
#[path = "kubelet/volumes.rs"]
mod volumes;
