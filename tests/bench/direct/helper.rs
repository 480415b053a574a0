//! The helper as a process, with what the functions would sign for it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shared::clock::{Clock, SystemClock};
use shared::files::form::{FormOrder, Join, Keys};
use shared::files::store::FileStore;
use shared::outputs::direct::{self, DONE, Done, Form, Grants, LOGS, OUTPUTS, PIECE_BYTES, PIECES, SHA256};
use shared::pod::manifest::{self, Line};
use shared::store::s3::S3Bucket;
use tokio::process::Command;

use crate::now;
use crate::stack::Stack;

/// Between two looks at the memory of a process.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The helper and the store it talks to.
pub struct Helper {
    /// The program.
    pub program: PathBuf,
    bucket: S3Bucket,
    folder: PathBuf,
}

/// What one process took.
pub struct Took {
    /// From its start to its end.
    pub took: Duration,
    /// Most memory.
    pub peak_kib: u64,
}

impl Helper {
    /// The static one of `just helper`, in a folder with the working directory `work`.
    pub fn find(stack: &Stack, folder: &Path) -> Result<Helper> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/helper/longshore-helper");
        ensure!(program.is_file(), "there is no {}; `just helper` makes it", program.display());
        let sdk = local::aws::configure(&stack.endpoints);
        let client = || shared::cluster::aws::s3(&sdk, None);
        let bucket = S3Bucket::new(client(), client(), stack.endpoints.bucket.clone());
        let bucket = bucket.signing_with(sdk.credentials_provider());
        Ok(Helper { program, bucket, folder: folder.to_owned() })
    }

    /// `out`
    pub async fn upload(&self, round: u32) -> Result<Took> {
        let grants = serde_json::to_vec(&self.grants(round).await?)?;
        let link = self.leave(&format!("bench/grants-{round}.json"), grants).await?;
        self.run("out", "LONGSHORE_GRANTS", &link, &self.folder.join("work")).await
    }

    /// What `collect` does with the pieces.
    pub async fn join(&self, round: u32) -> Result<Duration> {
        let prefix = prefix(round);
        let done = self.read(&format!("{prefix}{DONE}")).await?;
        let done: Done = serde_json::from_slice(&done)?;
        let [file] = done.files.as_slice() else { anyhow::bail!("{done:?}") };
        let Some(pieces) = file.pieces else { return Ok(Duration::ZERO) };
        let sized: Vec<(String, u64)> = (0..pieces.count)
            .map(|index| {
                let key = format!("{prefix}{}", direct::piece(pieces.file, index + 1));
                (key, PIECE_BYTES.min(file.size - u64::from(index) * PIECE_BYTES))
            })
            .collect();
        let key = format!("{prefix}{OUTPUTS}{}", file.path);
        let began = now();
        let order = Join { key: &key, pieces: &sized, hops: 1, sha256: &file.sha256 };
        self.bucket.join(&order).await?;
        let took = now() - began;
        let facts = FileStore::facts(&self.bucket, &key).await?;
        ensure!(facts.size == file.size && facts.sha256.as_ref() == Some(&file.sha256), "{facts:?}");
        Ok(took)
    }

    /// `in`, of what was uploaded and joined; compared with the file that it was.
    pub async fn fetch(&self, round: u32, original: &Path) -> Result<Took> {
        let key = format!("{}{OUTPUTS}large.bin", prefix(round));
        let url = self.bucket.presign_get(self.bucket_name(), &key, Duration::from_secs(3600)).await?;
        let size = std::fs::metadata(original)?.len();
        let line = Line { size, sha256: None, executable: false, url: &url, path: "large.bin" };
        let link = self.leave(&format!("bench/manifest-{round}.txt"), manifest::text(&[line])).await?;
        let target = self.folder.join("in/work");
        std::fs::create_dir_all(&target)?;
        let took = self.run("in", "LONGSHORE_MANIFEST", &link, &target).await?;
        let same = Command::new("cmp").arg(original).arg(target.join("large.bin")).status().await?;
        ensure!(same.success(), "it is not what it was");
        Ok(took)
    }

    /// Make room for the next round.
    pub async fn forget(&self, round: u32, stack: &Stack) -> Result<()> {
        for key in stack.cloud.keys(&prefix(round)).await? {
            shared::store::bucket::Bucket::delete(&self.bucket, &key).await?;
        }
        Ok(())
    }

    async fn run(&self, word: &str, variable: &str, link: &str, work: &Path) -> Result<Took> {
        let began = now();
        let mut child = Command::new(&self.program)
            .arg(word)
            .env(variable, link)
            .env("LONGSHORE_WORKING_DIR", work)
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let status = PathBuf::from(format!("/proc/{}/status", child.id().context("no process")?));
        let mut peak_kib = 0;
        let ended = loop {
            tokio::select! {
                ended = child.wait() => break ended?,
                () = tokio::time::sleep(LOOK_EVERY) => peak_kib = peak_kib.max(peak(&status)),
            }
        };
        ensure!(ended.success(), "the helper ended with {ended}");
        Ok(Took { took: now() - began, peak_kib })
    }

    async fn grants(&self, round: u32) -> Result<Grants> {
        let prefix = prefix(round);
        let order = |key: &str, open: &[String]| FormOrder {
            keys: if key.ends_with('/') {
                Keys::Below(format!("{prefix}{key}"))
            } else {
                Keys::Exactly(format!("{prefix}{key}"))
            },
            max_bytes: PIECE_BYTES,
            fixed: Vec::new(),
            open: open.to_vec(),
            now: SystemClock.now(),
            life: Duration::from_secs(3600),
        };
        let hashes = [format!("x-amz-meta-{SHA256}"), "x-amz-checksum-sha256".to_owned()];
        let mut forms = Vec::new();
        for order in [order(OUTPUTS, &hashes), order(PIECES, &[]), order(LOGS, &[]), order(DONE, &[])] {
            forms.push(self.bucket.form(&order).await?);
        }
        let url = forms.first().context("no form")?.url.clone();
        let mut forms = forms.into_iter().map(|form| Form { fields: form.fields.into_iter().collect() });
        let mut next = || forms.next().unwrap_or_default();
        Ok(Grants {
            format_version: direct::FORMAT_VERSION,
            url,
            outputs: next(),
            pieces: next(),
            logs: next(),
            done: next(),
            prefix,
            globs: vec!["large.bin".to_owned()],
            output_dir: None,
            container: None,
        })
    }

    async fn leave(&self, key: &str, bytes: impl Into<bytes::Bytes>) -> Result<String> {
        use shared::store::bucket::{Bucket, Condition};
        self.bucket.put(key, bytes.into(), Condition::Always).await?;
        Ok(self.bucket.presign_get(self.bucket_name(), key, Duration::from_secs(3600)).await?)
    }

    async fn read(&self, key: &str) -> Result<bytes::Bytes> {
        Ok(shared::store::bucket::Bucket::get(&self.bucket, key).await?.bytes)
    }

    fn bucket_name(&self) -> &str {
        shared::store::bucket::Bucket::name(&self.bucket)
    }
}

fn prefix(round: u32) -> String {
    format!("runs/bench-{round}/attempts/1/")
}

/// The most memory that a process has had, in KiB.
fn peak(status: &Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}
