//! `kubectl cp` of a tree of 50 MiB, both ways.

use crate::desk::Desk;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const MEBIBYTE: usize = 1 << 20;

/// Bytes that do not compress and do not repeat, the same on every run.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(size.div_ceil(8)).flatten().take(size).collect()
}

fn make_tree(root: &Path) {
    fs::create_dir_all(root.join("deep/er/still")).unwrap();
    for (seed, (name, mebibytes)) in
        [("big", 24), ("deep/middle", 15), ("deep/er/still/last one", 10)].into_iter().enumerate()
    {
        fs::write(root.join(name), noise(seed as u64 + 1, mebibytes * MEBIBYTE)).unwrap();
    }
    fs::create_dir_all(root.join("many")).unwrap();
    for number in 0..128 {
        fs::write(root.join(format!("many/{number}")), noise(100 + number, MEBIBYTE / 128)).unwrap();
    }
    fs::write(root.join("empty"), b"").unwrap();
}

/// Every file below a directory with its SHA-256.
fn digests(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let digest = Sha256::digest(fs::read(&path).unwrap());
            let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            found.insert(path.strip_prefix(root).unwrap().display().to_string(), digest);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn cp_carries_a_tree_of_50_mebibytes_there_and_back_unchanged() {
    let desk = Desk::open().await;
    let (there, back) = (desk.directory.path().join("tree"), desk.directory.path().join("back"));
    make_tree(&there);
    let sent = digests(&there);
    assert_eq!(sent.len(), 132);
    desk.ready("sh").await;
    desk.say("cp tree sh:/tmp/tree").await.well();
    let inside = desk.say("exec sh -- sha256sum /tmp/tree/big /tmp/tree/deep/middle").await.well();
    for name in ["big", "deep/middle"] {
        assert!(inside.contains(&format!("{}  /tmp/tree/{name}", sent[name])), "{inside}");
    }
    desk.say("cp sh:/tmp/tree back").await.well();
    assert_eq!(digests(&back), sent);
    desk.close().await;
}
