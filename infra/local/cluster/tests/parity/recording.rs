//! The recorded exchanges, as they lie beside this file.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A conversation: exchanges in order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Its name, for example `12-delete`.
    pub recording: String,
    pub title: String,
    pub exchanges: Vec<Exchange>,
}

impl Recording {
    /// Its number, for example `12`.
    pub fn short(&self) -> &str {
        self.recording.split('-').next().unwrap()
    }
}

/// A request, and what of the answer is compared.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exchange {
    pub number: usize,
    pub what: String,
    pub method: String,
    /// Path and query; `{uid:NAME}`, `{version}` and `{continue}` stand for what this cluster said before.
    pub path: String,
    /// Who asks: admin, runner, runner2, bad (a wrong token) or none.
    #[serde(default, rename = "as")]
    pub caller: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// An object, or text that is sent as it is.
    #[serde(default)]
    pub body: Option<Value>,
    /// Frames that the client sends, hexadecimal: only of exchanges whose frames are compared.
    #[serde(default)]
    pub sends: Option<Vec<String>>,
    #[serde(default)]
    pub answer: Value,
    /// Why it is not sent.
    #[serde(default)]
    pub left_out: Option<String>,
}

/// All of them, by name.
pub fn all() -> Vec<Recording> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    let read = |path: &Path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    paths.iter().map(|path| read(path)).collect()
}
