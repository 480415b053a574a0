//! A client that is not ours: the Python package `kubernetes` creates, watches, reads a log, runs a command, deletes.

#[cfg(test)]
#[path = "python/client.rs"]
mod client;
#[cfg(test)]
#[path = "packages/mod.rs"]
mod packages;
