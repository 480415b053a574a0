//! A result for people and for programs.

use std::time::Duration;

use serde_json::{Value, json};
use shared::run::result::{OutputFile, RunResult, Timings};
use shared::run::state::State;
use shared::spec::problem::Problem;

use crate::card;
use crate::clock::span;
use crate::paint::Paint;
use crate::table::{aligned, bytes};

/// Most files that are listed by name.
const MAX_FILES: usize = 40;

/// The block at the end of a run.
pub fn text(result: &RunResult, paint: Paint) -> String {
    let total = span(Duration::from_millis(result.timings.total_ms));
    let mut text = format!(
        "{}  {}  {}\n",
        state(result.state, paint),
        paint.bold(&result.run_id),
        paint.dim(&format!("in {total}"))
    );
    for problem in &result.problems {
        text.push_str(&self::problem(problem, None, paint));
    }
    if let Some(diagnosis) = result.diagnosis.as_ref().filter(|_| result.problems.is_empty()) {
        text.push_str(&card::diagnosis(diagnosis, paint));
    }
    if !result.outputs.is_empty() {
        let rows: Vec<_> =
            result.outputs.iter().map(|(name, value)| vec![name.clone(), value.to_string()]).collect();
        text.push_str(&section("outputs", &aligned(&rows, 2), paint));
    }
    if !result.output_files.is_empty() {
        text.push_str(&section("files", &files(&result.output_files), paint));
    }
    let rows = facts(result);
    if !rows.is_empty() {
        text.push_str(&section("run", &aligned(&rows, 2), paint));
    }
    if !result.warnings.is_empty() {
        let lines: String =
            result.warnings.iter().map(|warning| format!("  {} {warning}\n", paint.yellow("!"))).collect();
        text.push_str(&section("warnings", &lines, paint));
    }
    text
}

/// The result as `--json` prints it: the documented members first, `diagnosis` null when there is none.
///
/// # Errors
/// Never for a result that was read from JSON.
pub fn json(result: &RunResult) -> Result<Value, serde_json::Error> {
    let mut all = serde_json::to_value(result)?;
    let mut ordered = json!({
        "runId": result.run_id,
        "state": result.state,
        "diagnosis": result.diagnosis,
        "outputs": result.outputs,
        "outputFiles": result.output_files,
        "warnings": result.warnings,
        "timings": result.timings,
    });
    if let (Some(ordered), Some(all)) = (ordered.as_object_mut(), all.as_object_mut()) {
        for (name, value) in std::mem::take(all) {
            ordered.entry(name).or_insert(value);
        }
    }
    Ok(ordered)
}

/// A state in its colour.
pub fn state(state: State, paint: Paint) -> String {
    let word = state.as_str();
    match state {
        State::Succeeded | State::Skipped => paint.green(word),
        State::Failed | State::TimedOut | State::Rejected => paint.red(word),
        State::Cancelled | State::Retrying => paint.yellow(word),
        State::Accepted | State::Pending | State::Running | State::Collecting => paint.bold(word),
    }
}

/// One thing that is wrong with a document: place and message, the line it stands in, then what was found and what is accepted.
pub fn problem(problem: &Problem, line: Option<&str>, paint: Paint) -> String {
    let place = if problem.pointer.is_empty() { "/" } else { &problem.pointer };
    let at = match (problem.line, problem.column) {
        (Some(line), Some(column)) => paint.dim(&format!(" ({line}:{column})")),
        _ => String::new(),
    };
    let mut text = format!("  {}{at}  {}\n", paint.bold(place), problem.message);
    let line = line.filter(|_| !may_hold_secrets(&problem.pointer));
    if let (Some(number), Some(column), Some(line)) = (problem.line, problem.column, line) {
        text.push_str(&excerpt(number, column, line, paint));
    }
    if let Some(found) = &problem.found {
        text.push_str(&format!("    {} {found}\n", paint.dim("found")));
    }
    if let Some(accepted) = &problem.accepted {
        text.push_str(&format!("    {} {}\n", paint.dim("accepted"), in_short(accepted)));
    }
    text
}

/// Some names of a long list: an operator of Airflow takes more than a hundred.
fn in_short(accepted: &str) -> String {
    const SHOWN: usize = 20;
    let names: Vec<&str> = accepted.split(", ").collect();
    match names.get(..SHOWN).filter(|_| names.len() > SHOWN + 5) {
        Some(first) => {
            let more = names.len() - SHOWN;
            format!(
                "{}, and {more} more; docs/TASK-SPEC.md and `longshore schema` have all",
                first.join(", ")
            )
        }
        None => accepted.to_owned(),
    }
}

/// What stands below a connection or in a variable is not repeated, not even to its author: a terminal may be a log.
fn may_hold_secrets(pointer: &str) -> bool {
    pointer.split('/').any(|part| matches!(part, "config" | "connection" | "env" | "env_vars"))
}

/// The line with its number, and a caret under the column. Of a long line the part around the column.
fn excerpt(number: usize, column: usize, line: &str, paint: Paint) -> String {
    const MOST: usize = 100;
    let before = column.saturating_sub(1);
    let skipped = if before > MOST / 2 && line.chars().count() > MOST { before - MOST / 2 } else { 0 };
    // a tab or a control character would move what stands after it
    let shown: String = line
        .chars()
        .skip(skipped)
        .take(MOST)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let number = number.to_string();
    let caret = " ".repeat(before - skipped);
    format!(
        "    {} {shown}\n    {} {caret}{}\n",
        paint.dim(&format!("{number} |")),
        paint.dim(&format!("{} |", " ".repeat(number.len()))),
        paint.red("^")
    )
}

fn section(title: &str, body: &str, paint: Paint) -> String {
    format!("\n{}\n{body}", paint.dim(title))
}

fn files(files: &[OutputFile]) -> String {
    let mut rows: Vec<_> =
        files.iter().take(MAX_FILES).map(|file| vec![file.path.clone(), bytes(file.size)]).collect();
    if let Some(more) = files.len().checked_sub(MAX_FILES).filter(|more| *more > 0) {
        rows.push(vec![format!("… and {more} more")]);
    }
    aligned(&rows, 2)
}

/// Where it ran and how long each part took.
fn facts(result: &RunResult) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    let told = [
        ("skipped", result.skipped_because.clone()),
        ("let pass", result.tolerated.map(|state| state.to_string())),
        ("outcome of", result.cached_from.clone()),
        ("in place of", result.predecessor.clone()),
        ("followed by", result.superseded_by.clone()),
    ];
    for (name, value) in told.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        row(name, value);
    }
    if let Some(pod) = &result.pod_name {
        let attempt =
            if result.attempt > 1 { format!(", attempt {}", result.attempt) } else { String::new() };
        row("pod", format!("{}/{pod}{attempt}", result.namespace.as_deref().unwrap_or("default")));
    }
    for (container, log) in &result.logs {
        let beginning = if log.complete { "" } else { ", its beginning is lost" };
        row("log", format!("{container}, {}{beginning}: {}", bytes(log.size), log.uri));
    }
    let spans = spans(&result.timings);
    if !spans.is_empty() {
        row("time", spans.join(" · "));
    }
    rows
}

fn spans(timings: &Timings) -> Vec<String> {
    let between = |from: Option<jiff::Timestamp>, to: Option<jiff::Timestamp>| {
        let elapsed = from.zip(to).map(|(from, to)| to.duration_since(from))?;
        Duration::try_from(elapsed).ok().map(span)
    };
    let milliseconds = |ms: Option<u64>| ms.map(|ms| span(Duration::from_millis(ms)));
    // Kubernetes tells whole seconds.
    let seconds =
        |ms: Option<u64>| if ms == Some(0) { Some("under 1 s".to_owned()) } else { milliseconds(ms) };
    [
        ("to the pod", between(timings.accepted_at, timings.pod_created_at)),
        ("to its start", between(timings.pod_created_at, timings.started_at).filter(|time| time != "0 ms")),
        ("running", seconds(timings.running_ms)),
        ("collecting", milliseconds(timings.collecting_ms)),
    ]
    .into_iter()
    .filter_map(|(name, time)| time.map(|time| format!("{name} {time}")))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_shown() {
        let wrong =
            |pointer: &str| Problem { line: Some(3), column: Some(5), ..Problem::new(pointer, "is wrong") };
        let told = |pointer: &str| problem(&wrong(pointer), Some("    tokn: hush"), Paint::PLAIN);
        assert!(told("/taskRunner/labels").contains("hush"));
        for pointer in ["/taskRunner/config/tokn", "/connection/oauthToken", "/env/KEY", "/env_vars/0/value"]
        {
            assert!(!told(pointer).contains("hush") && told(pointer).contains("(3:5)"), "{pointer}");
        }
    }

    #[test]
    fn of_a_long_list_of_names_the_beginning_is_shown() {
        let wrong = |names: usize| {
            let accepted: Vec<String> = (1..=names).map(|number| format!("n{number}")).collect();
            problem(&Problem::new("/x", "is not known").accepted(accepted.join(", ")), None, Paint::PLAIN)
        };
        assert!(wrong(25).contains("n25\n"));
        let told = wrong(100);
        assert!(told.contains("n20, and 80 more;") && !told.contains("n21"), "{told}");
    }

    fn result(value: Value) -> RunResult {
        serde_json::from_value(value).unwrap()
    }

    fn succeeded() -> RunResult {
        result(json!({
            "formatVersion": 1, "runId": "hello-abcdefghij", "state": "SUCCEEDED", "attempt": 1,
            "outputs": {"greeting": "hi", "count": 3},
            "outputFiles": [
                {"path": "out/a b.txt", "uri": "s3://b/k", "size": 12, "sha256": "00"},
                {"path": "z", "uri": "s3://b/z", "size": 209715200_u64, "sha256": "00"},
            ],
            "logs": {"main": {"uri": "s3://b/runs/hello/attempts/1/logs/main.log", "size": 6, "complete": true}},
            "warnings": ["`*.csv` selected nothing"],
            "podName": "hello-0123456789", "namespace": "default",
            "timings": {
                "acceptedAt": "2026-01-01T00:00:00Z", "podCreatedAt": "2026-01-01T00:00:00.2Z", "startedAt": "2026-01-01T00:00:01Z",
                "finishedAt": "2026-01-01T00:00:02Z", "endedAt": "2026-01-01T00:00:02.5Z", "totalMs": 2500, "runningMs": 1000, "collectingMs": 400,
            },
        }))
    }

    fn failed() -> RunResult {
        result(json!({
            "formatVersion": 1, "runId": "bad-abcdefghij", "state": "FAILED", "attempt": 2, "podName": "bad-0", "namespace": "jobs",
            "diagnosis": {"class": "user", "cause": "NonZeroExit", "container": "main", "exitCode": 3, "message": "container `main` ended with exit code 3",
                "hint": "look at its log", "evidence": ["main terminated: Error, exit code 3"]},
            "timings": {"endedAt": "2026-01-01T00:00:02Z", "totalMs": 2000},
        }))
    }

    #[test]
    fn a_success_shows_outputs_files_and_times() {
        insta::assert_snapshot!(text(&succeeded(), Paint::PLAIN), @r#"
        SUCCEEDED  hello-abcdefghij  in 2.5 s

        outputs
          greeting  "hi"
          count     3

        files
          out/a b.txt  12 B
          z            200.0 MiB

        run
          pod   default/hello-0123456789
          log   main, 6 B: s3://b/runs/hello/attempts/1/logs/main.log
          time  to the pod 200 ms · to its start 800 ms · running 1.0 s · collecting 400 ms

        warnings
          ! `*.csv` selected nothing
        "#);
    }

    #[test]
    fn what_became_of_a_run_beside_success_and_failure_is_told() {
        let result = RunResult {
            skipped_because: Some("the task is disabled".to_owned()),
            tolerated: Some(State::TimedOut),
            cached_from: Some("first".to_owned()),
            predecessor: Some("before".to_owned()),
            superseded_by: Some("after".to_owned()),
            ..failed()
        };
        let names = ["skipped", "let pass", "outcome of", "in place of", "followed by", "pod"];
        let rows = facts(&result);
        assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), names);
        assert_eq!(rows[1][1], "TIMED_OUT");
    }

    #[test]
    fn a_failure_says_why_and_what_to_do() {
        insta::assert_snapshot!(text(&failed(), Paint::PLAIN), @r"
        FAILED  bad-abcdefghij  in 2.0 s
          NonZeroExit  user · container main · exit code 3
          container `main` ended with exit code 3
          try: look at its log
          evidence
            main terminated: Error, exit code 3

        run
          pod  jobs/bad-0, attempt 2
        ");
    }

    #[test]
    fn a_rejection_lists_every_problem() {
        let rejected = result(json!({
            "formatVersion": 1, "runId": "r", "state": "REJECTED", "attempt": 0, "timings": {"endedAt": "2026-01-01T00:00:02Z", "totalMs": 0},
            "problems": [{"pointer": "/commands", "message": "`commands` is missing"},
                {"pointer": "/timeout", "message": "`timeout` is no duration", "found": "soon", "accepted": "ISO 8601 like PT5M"}],
        }));
        insta::assert_snapshot!(text(&rejected, Paint::PLAIN), @r#"
        REJECTED  r  in 0 ms
          /commands  `commands` is missing
          /timeout  `timeout` is no duration
            found "soon"
            accepted ISO 8601 like PT5M
        "#);
    }

    #[test]
    fn the_json_begins_with_the_documented_members_and_has_them_all() {
        for result in [succeeded(), failed()] {
            let value = json(&result).unwrap();
            let names: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(
                names[..7],
                ["runId", "state", "diagnosis", "outputs", "outputFiles", "warnings", "timings"]
            );
            let back: RunResult = serde_json::from_value(value).unwrap();
            assert_eq!(back, result);
        }
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        assert!(!text(&failed(), Paint::PLAIN).contains('\u{1b}'));
        assert!(text(&failed(), Paint { enabled: true }).contains("\u{1b}[31mFAILED\u{1b}[0m"));
    }
}
