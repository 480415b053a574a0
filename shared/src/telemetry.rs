//! Logs of the functions: JSON lines with dotted fields, see docs/LOGGING.md.

pub mod metrics;

use tracing_subscriber::EnvFilter;

/// Send traces to standard output as one JSON object a line, filtered by `LONGSHORE_LOG`. A second call does nothing.
pub fn init() {
    let filter = EnvFilter::try_new(crate::config::log_filter()).unwrap_or_else(|_| EnvFilter::new("info"));
    let _already_set = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_target(false)
        .try_init();
}
