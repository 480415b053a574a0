//! Archives and listings as somebody writes them who means no good, and what `collect` makes of them.

use std::collections::BTreeMap;

use fixtures::carrier::{CarrierCluster, Commands, Ending, Output, is_listing};
use fixtures::hostile::world::{Deployment, TASK};
use jiff::Timestamp;
use shared::error::Error;
use shared::files::outputs::{self, Collected};
use shared::store::keys;

/// A member with this field for its size, its content filled up to a block.
pub fn member(name: &[u8], kind: u8, size: &[u8], content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name);
    put(100, b"0000644\0");
    put(124, size);
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar  \0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header.extend(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

/// A plain file as it should be.
pub fn file(name: &str, content: &[u8]) -> Vec<u8> {
    member(name.as_bytes(), b'0', format!("{:011o}\0", content.len()).as_bytes(), content)
}

/// A header of PAX with these records for the member after it.
pub fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut content = Vec::new();
    for (key, value) in records {
        let length =
            (1..).find(|length: &usize| length.to_string().len() + key.len() + value.len() + 3 == *length);
        content.extend(format!("{} {key}=", length.unwrap()).as_bytes());
        content.extend(*value);
        content.push(b'\n');
    }
    let mut header =
        member(b"./PaxHeaders/x", b'x', format!("{:011o}\0", content.len()).as_bytes(), &content);
    // the magic of POSIX, without which there are no records
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// The end of an archive.
pub const END: [u8; 1024] = [0; 1024];

/// A listing of these files: raw mode in hex, size, name.
pub fn listing(files: &[(&str, u64, &[u8])]) -> Vec<u8> {
    let mut listing = Vec::new();
    for (index, (mode, size, name)) in files.iter().enumerate() {
        listing.extend(format!("1\0{mode} 1 1:{index} {size}\0").as_bytes());
        listing.extend(*name);
        listing.push(0);
    }
    listing.extend(b"end\x000\0");
    listing
}

/// A listing of plain files.
pub fn plain(files: &[(&str, u64)]) -> Vec<u8> {
    listing(&files.iter().map(|(name, size)| ("81a4", *size, name.as_bytes())).collect::<Vec<_>>())
}

/// What came of a collection, and the output files that are in the bucket afterwards.
pub struct Outcome {
    /// What is reported.
    pub collected: Result<Collected, Error>,
    /// What is there.
    pub stored: BTreeMap<String, Vec<u8>>,
}

impl Outcome {
    /// What is reported.
    pub fn report(&self) -> &Collected {
        self.collected.as_ref().unwrap()
    }

    /// The only file that was lost, in words.
    pub fn lost(&self) -> &str {
        assert_eq!(self.report().lost.len(), 1, "{:?}", self.report());
        assert!(self.report().files.is_empty() && self.stored.is_empty(), "{:?}", self.stored.keys());
        &self.report().lost[0]
    }

    /// The only warning.
    pub fn warning(&self) -> &str {
        assert_eq!(self.report().warnings.len(), 1, "{:?}", self.report());
        &self.report().warnings[0]
    }
}

/// Collect from a carrier whose commands answer like this.
pub async fn collect(commands: Commands) -> Outcome {
    let deployment = Deployment::new(|clock| std::sync::Arc::new(CarrierCluster::new(clock, commands)));
    let record = deployment.run_of(TASK);
    let collected =
        outputs::collect(&deployment.environment, deployment.cluster.as_ref(), &record, Timestamp::MAX).await;
    let prefix = keys::output(&record.run_id, record.attempt.number, "");
    let keys = deployment.bucket.keys();
    let stored = keys
        .iter()
        .filter_map(|key| Some((key.strip_prefix(&prefix)?.to_owned(), deployment.bucket.read(key)?)))
        .collect();
    Outcome { collected, stored }
}

/// Collect from a carrier with this listing, whose `tar` prints this and ends well.
pub async fn collect_from(listing: Vec<u8>, archive: Vec<u8>) -> Outcome {
    collect_ending(listing, archive, Ok(())).await
}

/// Collect from a carrier whose `tar` ends like this.
pub async fn collect_ending(listing: Vec<u8>, archive: Vec<u8>, ending: Ending) -> Outcome {
    collect(Box::new(move |command| match is_listing(command) {
        true => (output(listing.clone()), Ok(())),
        false => (output(archive.clone()), ending.clone()),
    }))
    .await
}

/// Bytes as what a command prints.
pub fn output(bytes: Vec<u8>) -> Output {
    Box::new(std::io::Cursor::new(bytes))
}
