//! `longshore list`

use jiff::Timestamp;
use serde_json::json;
use shared::run::record::Record;
use shared::run::result::RunResult;

use crate::arguments::List;
use crate::clock::{self, ago, span};
use crate::deployment::Deployment;
use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::paint::Paint;
use crate::runs;
use crate::screen::Screen;
use crate::table::titled;

/// Print the active runs, then the latest results.
///
/// # Errors
/// When no stack runs.
pub async fn list(arguments: &List, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    let Deployment { cloud, .. } = Deployment::of(&arguments.place, environment).await?;
    let mut active = runs::active(&cloud).await?;
    let ended = match arguments.active {
        true => Vec::new(),
        false => runs::latest(&cloud, arguments.limit).await?,
    };
    // The record of a run stays for a while after its end.
    active.retain(|record| !ended.iter().any(|result| result.run_id == record.run_id));
    active.sort_by_key(|record| std::cmp::Reverse(record.accepted_at));
    match arguments.json {
        true => screen.line(&format!("{:#}", json(&active, &ended))),
        false if active.is_empty() && arguments.active => screen.note("no run is under way"),
        false if active.is_empty() && ended.is_empty() => {
            screen.note("no runs yet; `longshore run FILE` makes one")
        }
        false => screen.write(&table(&active, &ended, clock::now(), screen.out_paint)),
    }
    Ok(SUCCEEDED)
}

fn table(active: &[Record], ended: &[RunResult], now: Timestamp, paint: Paint) -> String {
    let mut rows: Vec<Vec<String>> = active
        .iter()
        .map(|record| {
            let words = record.waiting_for.clone().unwrap_or_default();
            vec![
                record.run_id.clone(),
                record.apparent_state().to_string(),
                ago(record.accepted_at, now),
                String::new(),
                words,
            ]
        })
        .collect();
    rows.extend(ended.iter().map(|result| {
        let took = span(std::time::Duration::from_millis(result.timings.total_ms));
        let words = match &result.diagnosis {
            Some(diagnosis) => diagnosis.message.lines().next().unwrap_or_default().to_owned(),
            None => match result.output_files.len() {
                0 => String::new(),
                1 => "1 file".to_owned(),
                count => format!("{count} files"),
            },
        };
        vec![result.run_id.clone(), result.state.to_string(), ago(result.timings.ended_at, now), took, words]
    }));
    titled(&["RUN", "STATE", "SINCE", "TOOK", ""], &rows, paint)
}

fn json(active: &[Record], ended: &[RunResult]) -> serde_json::Value {
    let mut runs: Vec<_> = active
        .iter()
        .map(|record| json!({ "runId": record.run_id, "state": record.apparent_state(), "acceptedAt": record.accepted_at }))
        .collect();
    runs.extend(ended.iter().map(|result| {
        json!({
            "runId": result.run_id, "state": result.state, "acceptedAt": result.timings.accepted_at,
            "endedAt": result.timings.ended_at, "totalMs": result.timings.total_ms,
        })
    }));
    json!(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_a_table() {
        let result = |run_id: &str, state: &str| -> RunResult {
            serde_json::from_value(json!({
                "formatVersion": 1, "runId": run_id, "state": state, "attempt": 1,
                "timings": {"endedAt": "2026-01-01T00:00:00Z", "totalMs": 1234},
            }))
            .unwrap()
        };
        let now = "2026-01-01T00:10:00Z".parse().unwrap();
        let ended = [result("hello-aaaaaaaaaa", "SUCCEEDED"), result("b", "TIMED_OUT")];
        insta::assert_snapshot!(table(&[], &ended, now, Paint::PLAIN), @r"
        RUN               STATE      SINCE       TOOK
        hello-aaaaaaaaaa  SUCCEEDED  10 min ago  1.2 s
        b                 TIMED_OUT  10 min ago  1.2 s
        ");
    }
}
