//! Names of the objects in the bucket. Settled once; nothing else makes a key.

/// `active/<group>/<run-id>.json`
pub fn record(group: &str, run_id: &str) -> String {
    format!("active/{group}/{run_id}.json")
}

/// `active/<group>/`
pub fn records(group: &str) -> String {
    format!("active/{group}/")
}

/// `active/`
pub const ACTIVE: &str = "active/";

/// `runs/<run-id>/result.json`
pub fn result(run_id: &str) -> String {
    format!("runs/{run_id}/result.json")
}

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

/// `cursors/<group>/<namespace>.json`
pub fn cursor(group: &str, namespace: &str) -> String {
    format!("cursors/{group}/{namespace}.json")
}

/// `cursors/<group>/`
pub fn cursors(group: &str) -> String {
    format!("cursors/{group}/")
}

/// Group and run id of a record's key.
pub fn parse_record(key: &str) -> Option<(&str, &str)> {
    let (group, file) = key.strip_prefix(ACTIVE)?.split_once('/')?;
    let run_id = file.strip_suffix(".json")?;
    (!run_id.is_empty() && !run_id.contains('/')).then_some((group, run_id))
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
    fn a_cursor_key_is_read_back() {
        assert_eq!(parse_cursor(&cursor("g", "default"), "g"), Some("default"));
        assert_eq!(parse_cursor("cursors/gg/default.json", "g"), None);
    }
}
