//! A stock `kubectl` at the desk: every command that the documentation promises, against real pods.
//!
//! Expected words are those that kubectl 1.32 prints against a real Kubernetes 1.36 (recordings 70 and 71), where 1.37 has
//! more of them only their beginning.

#[cfg(test)]
#[path = "kubectl/access.rs"]
mod access;
#[cfg(test)]
#[path = "kubectl/copy.rs"]
mod copy;
#[cfg(test)]
#[path = "kubectl/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "kubectl/look.rs"]
mod look;
#[cfg(test)]
#[path = "packages/mod.rs"]
mod packages;
#[cfg(test)]
#[path = "kubectl/refusals.rs"]
mod refusals;
#[cfg(test)]
#[path = "kubectl/run.rs"]
mod run;
