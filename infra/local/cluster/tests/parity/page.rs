//! `docs/PARITY.md`, written from the comparison.

use crate::compare::{VOLATILE, place};
use crate::differences::{self, Verdict};
use crate::document::{self, Part, cell};
use crate::recording::{Exchange, Recording};
use serde_json::Value;
use std::fmt::Write;

/// Recordings that are not sent request by request, and where what they show is looked at.
const ELSEWHERE: [(&str, &str); 10] = [
    ("07-pod-security", "not supported: the labels that ask for a pod security level have no effect"),
    (
        "08-quota, 09-limitrange",
        "not supported: neither is enforced, and both resources are refused with 404",
    ),
    ("17-expired", "`tests/api/lists.rs` and `tests/api/watches.rs`, over a history that is made to expire"),
    ("21-log-follow", "`tests/kubelet/logs.rs`, and `kubectl logs -f` in `tests/kubectl`"),
    ("33-exec-container-ends, 34-exec-files", "`tests/kubelet/exec.rs`, and `kubectl cp` in `tests/kubectl`"),
    ("35-attach", "`tests/api/streams.rs`, and `kubectl run --attach` in `tests/kubectl`"),
    ("44-watch-events", "`kubectl describe` in `tests/kubectl`"),
    ("46-raw-bytes", "not compared: HTTP/1.1 as hyper speaks it"),
    ("62-too-many-requests, 63-server-start-and-stop, 64-kubelet-away", "not compared: a server in trouble"),
    ("70-kubectl-requests, 71-kubectl-narrow", "the same commands are run in `tests/kubectl`"),
];

/// An exchange and what the embedded cluster answered.
pub struct Row<'a> {
    pub recording: &'a Recording,
    pub exchange: &'a Exchange,
    /// Nothing when the request is not sent.
    pub answer: Option<&'a Value>,
}

/// Compare this part of the page with what it should be.
pub fn check(rows: &[Row<'_>]) {
    document::check(Part::Requests, &page(rows));
}

fn page(rows: &[Row<'_>]) -> String {
    let count = |wanted: &str| rows.iter().filter(|row| verdict(row).0 == wanted).count();
    let mut page = format!(
        "# Parity with a real API server\n\n\
         Requests recorded against Kubernetes 1.36, those that the functions and `kubectl` make, are sent to the \
         embedded cluster by\n`infra/local/cluster/tests/parity.rs`, which writes this page; a difference that this \
         page does not explain fails the test.\nCompared are the status code, reason, message and details of \
         refusals, warnings, kind, names and paging of lists, the kinds of\nevents of watches, the fields of a \
         created pod's spec, the text of logs, and of exec the protocol, both streams and the status.\n\n\
         Not compared, because every cluster has its own: UIDs, resource versions, times, and what follows {}.\n\
         Watches end after one second instead of the recorded time, and the node is called `longshore-node`.\n\n\
         | verdict | exchanges |\n| --- | --- |\n",
        VOLATILE.map(|beginning| format!("`{beginning}`")).join(", "),
    );
    for wanted in ["same", "different on purpose", "not supported", "not sent"] {
        let _ = writeln!(page, "| {wanted} | {} |", count(wanted));
    }
    let mut title = "";
    for row in rows {
        if row.recording.title != title {
            title = &row.recording.title;
            let name = &row.recording.recording;
            let _ = write!(page, "\n## {name}: {title}\n\n| | request | verdict |\n| --- | --- | --- |\n");
        }
        let (verdict, why) = verdict(row);
        let here = match row.answer {
            Some(answer) if verdict != "same" => {
                format!(" (recorded {}, here {})", brief(&row.exchange.answer), brief(answer))
            }
            _ => String::new(),
        };
        let colon = if why.is_empty() { "" } else { ": " };
        let place = place(row.recording, row.exchange.number);
        let what = cell(&row.exchange.what);
        let _ = writeln!(
            page,
            "| {place} | {} {what} | {verdict}{colon}{}{here} |",
            row.exchange.method,
            cell(&why)
        );
    }
    page.push_str("\n## Other recordings\n\n| recording | where it is looked at |\n| --- | --- |\n");
    for (name, place) in ELSEWHERE {
        let _ = writeln!(page, "| {name} | {place} |");
    }
    page
}

fn verdict(row: &Row<'_>) -> (&'static str, String) {
    if let Some(why) = &row.exchange.left_out {
        return ("not sent", why.clone());
    }
    match differences::of(&place(row.recording, row.exchange.number)) {
        None => ("same", String::new()),
        Some((Verdict::OnPurpose, why)) => ("different on purpose", why.to_owned()),
        Some((Verdict::NotSupported, why)) => ("not supported", why.to_owned()),
    }
}

/// The status code and the reason, as much as a table needs.
fn brief(answer: &Value) -> String {
    let reason = answer["reason"].as_str().map(|reason| format!(" {reason}")).unwrap_or_default();
    format!("{}{reason}", answer["code"])
}
