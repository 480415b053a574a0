//! What a plain run uses, as `just bench` measured it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one run uses: one pod, one attempt, a short log, no files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// PUTs to the bucket: record, pod's uid, log, result.
    pub puts: f64,
    /// LISTs of the bucket.
    pub lists: f64,
    /// GETs and HEADs of the bucket.
    pub gets: f64,
    /// Messages that the functions send to standard queues.
    pub sends: f64,
    /// Messages that the functions send to `wake.fifo`.
    pub wakes: f64,
    /// Milliseconds that `submit` is billed.
    pub submit_ms: f64,
    /// Milliseconds that `collect` is billed.
    pub collect_ms: f64,
    /// Milliseconds that `notify` is billed, which a plain run meets only where there is an event bus: a GET and an event of 20 ms each, and its own.
    pub notify_ms: f64,
    /// Bytes of the functions' logs, metrics included.
    pub log_bytes: f64,
}

/// A member.
type Place = fn(&mut Usage) -> &mut f64;

/// Which row of `bench.json` says what.
const ROWS: [(&str, Place); 8] = [
    ("whole run: PutObject", |usage| &mut usage.puts),
    ("whole run: ListObjectsV2", |usage| &mut usage.lists),
    ("whole run: GetObject", |usage| &mut usage.gets),
    ("whole run: messages to standard queues", |usage| &mut usage.sends),
    ("whole run: messages to wake.fifo", |usage| &mut usage.wakes),
    ("whole run with distance: submit", |usage| &mut usage.submit_ms),
    ("whole run with distance: collect", |usage| &mut usage.collect_ms),
    ("whole run: log of the functions", |usage| &mut usage.log_bytes),
];

impl Default for Usage {
    /// As `just bench whole` measured it on 21 November 2026, with 20 ms for each request to S3 and SQS. Only `lists` and `wakes`, which a run shares with
    /// others, are estimated: a poll and a nudge now and then. `notify` read two objects when it was measured; it reads one now, and puts an event.
    fn default() -> Usage {
        Usage {
            puts: 4.0,
            lists: 0.1,
            gets: 5.3,
            sends: 1.0,
            wakes: 0.1,
            submit_ms: 92.0,
            collect_ms: 93.0,
            notify_ms: 47.0,
            log_bytes: 2_050.0,
        }
    }
}

impl Usage {
    /// What a `bench.json` says, and the defaults where it says nothing; `None` when it has none of the rows.
    pub fn measured(book: &Value) -> Option<Usage> {
        let mut usage = Usage::default();
        let chapters = book.get("chapters")?.as_array()?;
        let rows: Vec<&Value> =
            chapters.iter().filter_map(|chapter| chapter.get("rows")?.as_array()).flatten().collect();
        let mut is_any = false;
        for (name, place) in ROWS {
            let row = rows.iter().find(|row| row.get("name").is_some_and(|other| other == name));
            if let Some(figure) = row.and_then(|row| row.get("figure")?.as_f64()) {
                *place(&mut usage) = figure;
                is_any = true;
            }
        }
        is_any.then_some(usage)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn measured_figures_replace_the_defaults_and_only_those() {
        let rows = json!([{"name": "whole run: GetObject", "figure": 7.5}, {"name": "other", "figure": 1}]);
        let usage = Usage::measured(&json!({"chapters": [{"rows": []}, {"rows": rows}]}));
        assert_eq!(usage, Some(Usage { gets: 7.5, ..Usage::default() }));
        let nothing = json!({"chapters": [{"rows": [{"name": "whole run: GetObject", "figure": null}]}]});
        assert_eq!(Usage::measured(&nothing), None);
        assert_eq!(Usage::measured(&json!([])), None);
    }
}
