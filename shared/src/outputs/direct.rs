//! What a pod's helper and the collection must agree on where files go to the bucket without passing through anybody: the grants that the helper
//! gets, where it may put what, and what it says when it is done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of [`Grants`] and [`Done`].
pub const FORMAT_VERSION: u32 = 1;

/// Most bytes of one upload by a form. A larger file goes in pieces of this size, which the collection has the store put together.
pub const PIECE_BYTES: u64 = 32 * 1024 * 1024;

/// Most pieces of a file: parts of a multipart upload
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>).
pub const MAX_PIECES: u64 = 10_000;

/// Most bytes of the object [`Done`].
pub const MAX_DONE_BYTES: u64 = 64 * 1024 * 1024;

/// Metadata of an output (`x-amz-meta-longshore-sha256`): its hash in lower-case hex, as the helper found it.
pub const SHA256: &str = "longshore-sha256";

/// Folder of the output files below an attempt's prefix.
pub const OUTPUTS: &str = "outputs/";
/// Folder of pieces of large files below an attempt's prefix.
pub const PIECES: &str = "pieces/";
/// Folder of logs below an attempt's prefix.
pub const LOGS: &str = "logs/";
/// Name of the object that says that the helper is done, below an attempt's prefix.
pub const DONE: &str = "done.json";

/// What a helper may do and is to do, for one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grants {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Where forms are posted to: the bucket's address.
    pub url: String,
    /// Prefix of the attempt's keys, with `/` at its end.
    pub prefix: String,
    /// For output files.
    pub outputs: Form,
    /// For pieces of large files.
    pub pieces: Form,
    /// For logs.
    pub logs: Form,
    /// For the one object that says that all is done.
    pub done: Form,
    /// Globs of the outputs.
    pub globs: Vec<String>,
    /// Name of the output directory below the working directory, all of whose files are outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_dir: Option<String>,
    /// Container whose log is uploaded by the helper that wraps its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
}

/// A signed form: whoever posts its fields may store objects below one prefix, or under one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Form {
    /// Sent as they are, in front of the file: policy, signature and what they name.
    pub fields: BTreeMap<String, String>,
}

/// What the helper says at its end. A reason to look, and not more: names are judged again, sizes are asked of the store, and how the program ended
/// is asked of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Files that were uploaded.
    pub files: Vec<DoneFile>,
    /// Files that were chosen and could not be uploaded; whole sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// What was left out and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Parts of the log, when all of it was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_parts: Option<u32>,
}

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneFile {
    /// Path below the working directory.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// Set for a file in pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<Pieces>,
}

/// Where the pieces of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pieces {
    /// Number of the file.
    pub file: u32,
    /// How many there are.
    pub count: u32,
}

/// How many pieces a file of that size goes in; `None`: in one upload.
pub fn pieces(size: u64) -> Option<u64> {
    (size > PIECE_BYTES).then(|| size.div_ceil(PIECE_BYTES))
}

/// Key of a piece below the attempt's prefix; pieces count from 1.
pub fn piece(file: u32, number: u32) -> String {
    format!("{PIECES}{file}/{number:05}")
}

/// Key of a part of a log below the attempt's prefix; parts count from 1 and sort by name.
pub fn log_part(container: &str, number: u32) -> String {
    format!("{LOGS}{container}.parts/{number:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_in_pieces_when_it_is_larger_than_one() {
        for (size, expected) in [
            (0, None),
            (PIECE_BYTES, None),
            (PIECE_BYTES + 1, Some(2)),
            (2 * PIECE_BYTES, Some(2)),
            (2 * PIECE_BYTES + 1, Some(3)),
        ] {
            assert_eq!(pieces(size), expected, "{size}");
        }
    }

    #[test]
    fn what_an_older_helper_wrote_is_read() {
        let written = r#"{"formatVersion":1,"files":[{"path":"a","size":1,"sha256":"00","pieces":{"file":0,"count":2}},{"path":"b","size":0,"sha256":"11"}]}"#;
        let done: Done = serde_json::from_str(written).unwrap();
        assert_eq!(done.files[0].pieces, Some(Pieces { file: 0, count: 2 }));
        assert_eq!(serde_json::to_string(&done).unwrap(), written);
    }

    #[test]
    fn parts_of_a_log_sort_in_their_order() {
        let mut keys: Vec<String> = [10, 9, 1, 100].map(|number| log_part("main", number)).to_vec();
        keys.sort();
        assert_eq!(keys.first().map(String::as_str), Some("logs/main.parts/00000001"));
        assert_eq!(keys.last().map(String::as_str), Some("logs/main.parts/00000100"));
    }
}
