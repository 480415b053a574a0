//! Reading what Longshore itself has written: an object of a newer format is refused, and not read as if what is new in it were not there.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::bucket::BucketError;
use crate::run::record::{self, Record};
use crate::run::result::{self, RunResult};

/// What has a `formatVersion`.
pub(super) trait Versioned: DeserializeOwned {
    /// What it is, in words.
    const WHAT: &'static str;
    /// The newest version that is read here.
    const NEWEST: u32;
    /// The version that it is of.
    fn version(&self) -> u32;
}

impl Versioned for Record {
    const WHAT: &'static str = "a run's record";
    const NEWEST: u32 = record::FORMAT_VERSION;

    fn version(&self) -> u32 {
        self.format_version
    }
}

impl Versioned for RunResult {
    const WHAT: &'static str = "a result";
    const NEWEST: u32 = result::FORMAT_VERSION;

    fn version(&self) -> u32 {
        self.format_version
    }
}

/// Only the version, of something that cannot be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format {
    format_version: u32,
}

/// Read an object.
///
/// # Errors
/// `Newer`, also where the newer format cannot be read any more; else `Malformed`.
pub(super) fn read<T: Versioned>(key: &str, bytes: &[u8]) -> Result<T, BucketError> {
    let read: Result<T, _> = serde_json::from_slice(bytes);
    let version = match &read {
        Ok(read) => read.version(),
        Err(_) => serde_json::from_slice(bytes).map_or(0, |format: Format| format.format_version),
    };
    if version > T::NEWEST {
        return Err(BucketError::Newer { key: key.to_owned(), expected: T::WHAT, version });
    }
    read.map_err(|source| BucketError::Malformed { key: key.to_owned(), expected: T::WHAT, source })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_newer_version_wrote_is_refused_and_not_read_as_far_as_it_goes() {
        let ended_at = "2026-11-21T08:00:00Z";
        let of = |version: u32, state: &str| {
            json!({"formatVersion": version, "runId": "r", "state": state, "attempt": 1,
                "timings": {"endedAt": ended_at, "totalMs": 1}, "outputs": {}, "new": 1})
        };
        let read = |value: serde_json::Value| read::<RunResult>("k", value.to_string().as_bytes());
        assert_eq!(read(of(1, "SUCCEEDED")).unwrap().run_id, "r");
        for newer in [of(2, "SUCCEEDED"), of(2, "A_STATE_OF_TOMORROW")] {
            let error = read(newer).unwrap_err();
            assert!(matches!(error, BucketError::Newer { version: 2, .. }), "{error}");
            assert!(error.is_unreadable() && error.to_string().contains("version 2"), "{error}");
        }
        let error = read(of(1, "A_STATE_OF_TOMORROW")).unwrap_err();
        assert!(matches!(error, BucketError::Malformed { .. }) && error.is_unreadable(), "{error}");
    }
}
