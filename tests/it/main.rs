//! Scenarios: the functions, with their bucket and queues in memory, against a real API server over HTTPS with real pods.

mod cancelling;
mod failing;
mod once;
mod rules;
mod succeeding;
