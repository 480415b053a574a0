//! Logs of the functions: JSON lines with dotted fields, see docs/LOGGING.md.

pub mod metrics;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, FilterFn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

/// The crates whose events are looked after here.
const OWN: [&str; 7] = ["shared", "submit", "poll", "collect", "notify", "cancel", "trigger"];

/// Send traces to standard output as one JSON object a line, filtered by `LONGSHORE_LOG`. A second call does nothing.
pub fn init() {
    let lines = lines(&crate::config::log_filter(), std::io::stdout);
    let _already_set = Registry::default().with(lines).try_init();
}

/// The lines of a filter such as `info` or `shared=debug,info`; `info` when it makes no sense.
///
/// Other crates are heard from `info` upwards, whatever the filter says: below, the AWS clients and the HTTP stack tell whole requests and answers, with
/// task tokens, secrets and authorization headers in them.
pub fn lines<S, W>(filter: &str, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let wanted = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(writer)
        .with_filter(wanted.and(FilterFn::new(may_be_told as fn(&Metadata<'_>) -> bool)))
}

fn may_be_told(event: &Metadata<'_>) -> bool {
    let name = event.target().split("::").next().unwrap_or_default();
    *event.level() <= Level::INFO || OWN.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<u8>>>);

    impl Write for Heard {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_other_crates_say_below_info_is_not_written_whatever_the_filter() {
        let heard = Heard::default();
        let writer = heard.clone();
        let subscriber =
            Registry::default().with(lines("trace,aws_smithy_runtime=trace", move || writer.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "aws_smithy_runtime::client", "foreign canary");
            tracing::trace!(target: "hyper", "foreign canary");
            tracing::info!(target: "kube_client", "foreign and told");
            tracing::trace!(target: "shared::effects", "own and told");
        });
        let text = String::from_utf8(heard.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("foreign and told") && text.contains("own and told"), "{text}");
    }
}
