//! Names of the objects in the bucket. Settled once; nothing else makes a key.

use sha2::{Digest, Sha256};

/// `active/<group>/<run-id>.json`
pub fn record(group: &str, run_id: &str) -> String {
    format!("active/{group}/{run_id}.json")
}

/// `active/<group>/`
pub fn records(group: &str) -> String {
    format!("active/{group}/")
}

/// `s3://<bucket>/<key>`
pub fn uri(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}

/// `active/`
pub const ACTIVE: &str = "active/";

/// `runs/<run-id>/result.json`
pub fn result(run_id: &str) -> String {
    format!("runs/{run_id}/result.json")
}

/// Below `runs/<run-id>/inputs/`: what the document itself says; no input can have this name.
pub const INLINE: &str = "-";

/// `runs/<run-id>/inputs/<name>`: inline input files, uploaded inputs, and the manifest.
pub fn input(run_id: &str, name: &str) -> String {
    format!("runs/{run_id}/inputs/{name}")
}

/// `runs/<run-id>/attempts/<n>/outputs/<path>`
pub fn output(run_id: &str, attempt: u32, path: &str) -> String {
    format!("runs/{run_id}/attempts/{attempt}/outputs/{path}")
}

/// `runs/<run-id>/attempts/<n>/logs/<container>.log`
pub fn log(run_id: &str, attempt: u32, container: &str) -> String {
    format!("runs/{run_id}/attempts/{attempt}/logs/{container}.log")
}

/// `runs/<run-id>/attempts/<n>/<name>`, for example `pod.json`, `events.json`, `files.json`.
pub fn attempt(run_id: &str, attempt: u32, name: &str) -> String {
    format!("runs/{run_id}/attempts/{attempt}/{name}")
}

/// `rejected/<source-id>.json`
pub fn rejected(source_id: &str) -> String {
    format!("rejected/{source_id}.json")
}

/// `cancelled/<execution>.json`: an execution whose runs are to end, those too that are not accepted yet. Named by 20 hex digits of its ARN's SHA-256.
pub fn cancelled(execution_id: &str) -> String {
    let hash = crate::store::upload::hex(&Sha256::digest(execution_id.as_bytes()));
    format!("cancelled/{}.json", hash.chars().take(20).collect::<String>())
}

/// `heartbeats/<group>/<run-id>`: an active run that promised signs of life.
pub fn heartbeat(group: &str, run_id: &str) -> String {
    format!("heartbeats/{group}/{run_id}")
}

/// `heartbeats/<group>/`
pub fn heartbeats(group: &str) -> String {
    format!("heartbeats/{group}/")
}

/// `cursors/<group>/<namespace>.json`
pub fn cursor(group: &str, namespace: &str) -> String {
    format!("cursors/{group}/{namespace}.json")
}

/// `waiting/<group>/`: marks of runs that wait for a free place.
pub fn waiting(group: &str) -> String {
    format!("waiting/{group}/")
}

/// `cache/<key>.json`: a success that stands for other runs.
pub fn cached(key: &str) -> String {
    format!("cache/{key}.json")
}

/// `config/namespaces/<namespace>/files/`: files that all tasks of an author's namespace share.
pub fn shared_files(namespace: &str) -> String {
    format!("config/namespaces/{namespace}/files/")
}

/// `cursors/<group>/`
pub fn cursors(group: &str) -> String {
    format!("cursors/{group}/")
}

/// What Longshore itself writes and reads lies below these prefixes; uploads elsewhere in the bucket are data.
pub const OWN: [&str; 10] = [
    ACTIVE,
    "runs/",
    "rejected/",
    "cursors/",
    "config/",
    "cache/",
    "cancelled/",
    "heartbeats/",
    "waiting/",
    SUBMISSIONS,
];

/// The key is one of Longshore's own, and no data.
pub fn is_own(key: &str) -> bool {
    OWN.iter().any(|own| key.starts_with(own))
}

/// `submissions/`: the drop box for task documents.
pub const SUBMISSIONS: &str = "submissions/";

/// `config/`
pub const CONFIG: &str = "config/";

/// `config/clusters.yaml`: the clusters by name.
pub const CLUSTERS: &str = "config/clusters.yaml";

/// `config/triggers/`: the trigger rules.
pub const TRIGGERS: &str = "config/triggers/";

/// Group and run id of a record's key.
pub fn parse_record(key: &str) -> Option<(&str, &str)> {
    let (group, file) = key.strip_prefix(ACTIVE)?.split_once('/')?;
    let run_id = file.strip_suffix(".json")?;
    (!run_id.is_empty() && !run_id.contains('/')).then_some((group, run_id))
}

/// Run id of a result's key, `^runs/[^/]+/result\.json$`; an output file may be called `result.json` as well.
pub fn parse_result(key: &str) -> Option<&str> {
    let run_id = key.strip_prefix("runs/")?.strip_suffix("/result.json")?;
    (!run_id.is_empty() && !run_id.contains('/')).then_some(run_id)
}

/// Run id of the key under which a helper says that it is done, `^runs/[^/]+/attempts/[0-9]+/done\.json$`.
pub fn parse_done(key: &str) -> Option<&str> {
    let (run_id, rest) = key.strip_prefix("runs/")?.split_once("/attempts/")?;
    let number = rest.strip_suffix("/done.json")?;
    let is_one = !run_id.is_empty() && !run_id.contains('/') && number.parse::<u32>().is_ok();
    is_one.then_some(run_id)
}

/// Namespace of a cursor's key.
pub fn parse_cursor<'k>(key: &'k str, group: &str) -> Option<&'k str> {
    key.strip_prefix("cursors/")?.strip_prefix(group)?.strip_prefix('/')?.strip_suffix(".json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_key_is_read_back() {
        assert_eq!(parse_record(&record("g", "run-1.a")), Some(("g", "run-1.a")));
        for other in
            ["active/g/", "active/g/x.txt", "active/g/a/b.json", "runs/a/result.json", "active/.json"]
        {
            assert_eq!(parse_record(other), None, "{other}");
        }
    }

    #[test]
    fn every_key_is_below_a_prefix_of_longshores_own() {
        let keys = [record("g", "r"), records("g"), result("r"), input("r", "n"), output("r", 1, "p")];
        let more = [
            log("r", 1, "c"),
            attempt("r", 1, "n"),
            rejected("s"),
            cursor("g", "n"),
            cursors("g"),
            cancelled("e"),
            heartbeat("g", "r"),
            waiting("g"),
        ];
        let fixed = [SUBMISSIONS, CONFIG, CLUSTERS, TRIGGERS, crate::spec::rule::TASKS].map(str::to_owned);
        for key in keys.into_iter().chain(more).chain(fixed) {
            assert!(is_own(&key), "{key}");
        }
    }

    #[test]
    fn only_the_result_of_a_run_is_one() {
        assert_eq!(parse_result(&result("a.b-1")), Some("a.b-1"));
        for key in [
            "runs/a/attempts/1/outputs/result.json",
            "runs//result.json",
            "active/g/a.json",
            "runs/a/result.json.bak",
        ] {
            assert_eq!(parse_result(key), None, "{key}");
        }
    }

    #[test]
    fn only_what_a_helper_says_at_its_end_is_that() {
        assert_eq!(parse_done(&attempt("a.b-1", 12, crate::outputs::direct::DONE)), Some("a.b-1"));
        for key in ["runs/a/attempts/1/outputs/done.json", "runs/a/attempts/x/done.json", "runs/a/done.json"]
        {
            assert_eq!(parse_done(key), None, "{key}");
        }
    }

    #[test]
    fn a_cursor_key_is_read_back() {
        assert_eq!(parse_cursor(&cursor("g", "default"), "g"), Some("default"));
        assert_eq!(parse_cursor("cursors/gg/default.json", "g"), None);
    }
}
