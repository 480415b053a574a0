//! A place to run the program in, and what it needs there.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::json;
use sha2::{Digest, Sha256};
use shared::outputs::direct::{Done, FORMAT_VERSION, Form, Grants, PIECE_BYTES};
use tokio::process::Command;

use crate::store::{Store, policy};

/// Prefix of the attempt's keys.
pub const PREFIX: &str = "runs/r/attempts/1/";

/// A volume with a working directory.
pub struct Stage {
    volume: tempfile::TempDir,
    /// The store.
    pub store: Store,
}

impl Stage {
    /// An empty one.
    pub async fn new() -> Stage {
        let volume = tempfile::tempdir().unwrap();
        std::fs::create_dir(volume.path().join("work")).unwrap();
        Stage { volume, store: Store::start().await }
    }

    /// The working directory, or something below it.
    pub fn at(&self, path: &str) -> PathBuf {
        self.volume.path().join("work").join(path)
    }

    /// The volume.
    pub fn volume(&self) -> &Path {
        self.volume.path()
    }

    /// Write a file into the working directory.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.at(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }

    /// Leave grants for these globs; the link to them.
    pub fn grant(&self, globs: &[&str]) -> String {
        let form = |key: &str, max_bytes: u64, more: &[serde_json::Value]| Form {
            fields: [
                ("policy".to_owned(), policy(&format!("{PREFIX}{key}"), max_bytes, more)),
                ("x-amz-signature".to_owned(), "s".to_owned()),
            ]
            .into(),
        };
        let hashes = [
            json!(["starts-with", "$x-amz-meta-longshore-sha256", ""]),
            json!(["starts-with", "$x-amz-checksum-sha256", ""]),
        ];
        let grants = Grants {
            format_version: FORMAT_VERSION,
            url: format!("{}/b", self.store.url),
            prefix: PREFIX.to_owned(),
            outputs: form("outputs/", PIECE_BYTES, &hashes),
            pieces: form("pieces/", PIECE_BYTES, &[]),
            logs: form("logs/", PIECE_BYTES, &[]),
            done: form("done.json", PIECE_BYTES, &[]),
            globs: globs.iter().map(|glob| (*glob).to_owned()).collect(),
            output_dir: None,
            container: Some("main".to_owned()),
        };
        self.store.put("grants.json", serde_json::to_vec(&grants).unwrap())
    }

    /// Leave a manifest of files; the link to it.
    pub fn manifest(&self, lines: &[String]) -> String {
        self.store.put("manifest.txt", format!("longshore-inputs 1\n{}", lines.concat()))
    }

    /// A line of a manifest for an object that is put there.
    pub fn input(&self, path: &str, content: &[u8]) -> String {
        let url = self.store.put(&format!("in/{}", path.replace(' ', "-")), content.to_vec());
        format!("{}|{}|666|{url}|{path}:\n", content.len(), hash(content))
    }

    /// The program, with what the pod would say to it.
    pub fn helper(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_longshore-helper"));
        command
            .args(arguments)
            .current_dir(self.at(""))
            .env("LONGSHORE_WORKING_DIR", self.at(""))
            .env("LONGSHORE_TERMINATION_LOG", self.volume().join("termination"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// `in`
    pub async fn fetch(&self, manifest: &str) -> Output {
        self.helper(&["in"]).env("LONGSHORE_MANIFEST", manifest).output().await.unwrap()
    }

    /// `out`
    pub async fn take(&self, grants: &str) -> Output {
        self.helper(&["out"]).env("LONGSHORE_GRANTS", grants).output().await.unwrap()
    }

    /// `run -- sh -c SCRIPT`
    pub fn run(&self, grants: &str, script: &str) -> Command {
        let mut command = self.helper(&["run", "--", "sh", "-c", script]);
        command.env("LONGSHORE_GRANTS", grants);
        command
    }

    /// What was said at the end.
    pub fn done(&self) -> Done {
        let object = self.store.object(&format!("{PREFIX}done.json")).expect("nothing was said");
        serde_json::from_slice(&object).unwrap()
    }

    /// An output in the bucket.
    pub fn output(&self, path: &str) -> Option<Vec<u8>> {
        self.store.object(&format!("{PREFIX}outputs/{path}")).map(|bytes| bytes.to_vec())
    }
}

/// Lower-case hex.
pub fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes that repeat nowhere soon.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}
