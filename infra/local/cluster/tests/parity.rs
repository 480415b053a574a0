//! The recorded conversations with a real Kubernetes 1.36, held again with the embedded cluster.
//!
//! Requests are sent again, and pods are played again. Every difference stands in `parity/differences.rs` or
//! `parity/pods/differences.rs` with its reason, and `docs/PARITY.md` is written from the
//! comparison (`LONGSHORE_WRITE_DOCS=1` writes it anew): none is silent.

#[cfg(test)]
#[path = "parity/answer.rs"]
mod answer;
#[cfg(test)]
#[path = "parity/client.rs"]
mod client;
#[cfg(test)]
#[path = "parity/compare.rs"]
mod compare;
#[cfg(test)]
#[path = "parity/differences.rs"]
mod differences;
#[cfg(test)]
#[path = "parity/document.rs"]
mod document;
#[cfg(test)]
#[path = "parity/page.rs"]
mod page;
#[cfg(test)]
#[path = "parity/pods/mod.rs"]
mod pods;
#[cfg(test)]
#[path = "parity/recording.rs"]
mod recording;
#[cfg(test)]
#[path = "parity/world.rs"]
mod world;
