//! The id of the run that an upload becomes.

use sha2::{Digest, Sha256};
use shared::spec::upload::Upload;
use shared::store::upload::hex;

/// Most characters of the readable part.
const READABLE: usize = 40;

/// Hex digits of the hash.
const HASH: usize = 16;

/// The same for every event of one upload, and another for every rule: `<rule>-<name of the object>-<hash>`. What is uploaded is told by
/// bucket, key and version; without versions, by etag and sequencer.
pub fn run_id(upload: &Upload, rule: Option<&str>) -> String {
    let (version, order) = match &upload.version_id {
        Some(version) => (version.as_str(), ""),
        None => (upload.e_tag.as_str(), upload.sequencer.as_str()),
    };
    let identity = [rule.unwrap_or_default(), &upload.bucket, &upload.key, version, order].join("\0");
    let hash: String = hex(&Sha256::digest(identity)).chars().take(HASH).collect();
    let stem = upload.name().rsplit_once('.').map_or(upload.name(), |(stem, _)| stem);
    match readable(&[rule.unwrap_or_default(), stem].join("-")) {
        readable if readable.is_empty() => format!("upload-{hash}"),
        readable => format!("{readable}-{hash}"),
    }
}

/// Lower-case letters, digits and single dashes between them.
fn readable(text: &str) -> String {
    let mut readable = String::new();
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            readable.push(letter);
        } else if !readable.is_empty() && !readable.ends_with('-') {
            readable.push('-');
        }
        if readable.len() == READABLE {
            break;
        }
    }
    readable.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use shared::spec::read::is_run_id;

    use super::*;

    fn upload(key: &str) -> Upload {
        Upload {
            bucket: "data".into(),
            key: key.into(),
            size: 1,
            e_tag: "e".into(),
            version_id: None,
            sequencer: "0A".into(),
            time: "t".into(),
        }
    }

    #[test]
    fn an_event_that_comes_again_means_the_same_run() {
        let one = upload("in/Sales 2026.csv");
        let again = Upload { time: "later".into(), ..one.clone() };
        assert_eq!(run_id(&one, Some("load")), run_id(&again, Some("load")));
        assert!(run_id(&one, Some("load")).starts_with("load-sales-2026-"), "{}", run_id(&one, Some("load")));
    }

    #[test]
    fn another_upload_rule_key_or_version_is_another_run() {
        let one = upload("a");
        let others = [
            Upload { sequencer: "0B".into(), ..one.clone() },
            Upload { e_tag: "f".into(), ..one.clone() },
            Upload { bucket: "other".into(), ..one.clone() },
            Upload { version_id: Some("v".into()), ..one.clone() },
            upload("b/a"),
        ];
        let mut ids: Vec<String> = others.iter().map(|upload| run_id(upload, None)).collect();
        ids.extend([run_id(&one, None), run_id(&one, Some("r")), run_id(&one, Some("s"))]);
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn with_versions_the_version_alone_counts() {
        let one = Upload { version_id: Some("v".into()), ..upload("a") };
        assert_eq!(run_id(&one, None), run_id(&Upload { sequencer: String::new(), ..one.clone() }, None));
    }

    #[test]
    fn every_key_gives_a_run_id() {
        for key in ["a", "…", ".hidden", "a b/ü.tar.gz", &"long".repeat(200), "-_-"] {
            let id = run_id(&upload(key), Some("rule"));
            assert!(is_run_id(&id) && id.len() <= READABLE + 1 + HASH, "{id}");
            assert!(is_run_id(&run_id(&upload(key), None)), "{key}");
        }
    }
}
