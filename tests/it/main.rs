//! Scenarios: the functions, with their bucket and queues in memory, against a real API server over HTTPS with real pods.

mod airflow;
mod answering;
mod asking_again;
mod caching;
mod cancel_race;
mod cancelling;
mod capping;
mod connecting;
mod doctoring;
mod documents;
mod failing;
mod heartbeats;
mod hollow;
mod isolation;
mod misbehaving;
mod once;
mod rejecting;
mod resubmitting;
mod routing;
mod rules;
mod secrets;
mod skipping;
mod succeeding;
mod superseding;
mod triggering;
mod vectors;
