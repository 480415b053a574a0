//! `fileSidecar.transfer`: how files move between a pod and the bucket.

use serde::{Deserialize, Serialize};

/// How files move, as it was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transfer {
    /// By the deployment's helper where it can, else by exec.
    #[default]
    Auto,
    /// By the helper; where it cannot, by exec with a warning.
    Direct,
    /// By exec.
    Exec,
}

impl Transfer {
    /// The words of a document.
    pub const WORDS: [&str; 3] = ["auto", "direct", "exec"];

    /// One of the words.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "auto" => Some(Transfer::Auto),
            "direct" => Some(Transfer::Direct),
            "exec" => Some(Transfer::Exec),
            _ => None,
        }
    }

    /// Nothing was asked for.
    pub fn is_auto(&self) -> bool {
        *self == Transfer::Auto
    }
}
