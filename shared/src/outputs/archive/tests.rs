use std::collections::BTreeMap;

use futures::StreamExt;
use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use super::super::listing::{self, Kind};
use super::super::workbench::{Folder, run, tool_sets};
use super::*;

fn entry(path: &str, shared_inode: Option<&str>) -> Entry {
    Entry { kind: Kind::File, size: 1, path: path.into(), shared_inode: shared_inode.map(str::to_owned) }
}

async fn contents(archive: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut archive = tokio_tar::Archive::new(std::io::Cursor::new(archive));
    let mut entries = archive.entries().unwrap();
    while let Some(file) = entries.next().await {
        let mut file = file.unwrap();
        assert!(file.header().entry_type().is_file());
        let path = super::super::paths::safe(file.path_bytes().unwrap()).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).await.unwrap();
        found.insert(path, content);
    }
    found
}

#[tokio::test]
async fn real_tools_archive_any_name_byte_for_byte() {
    let folder = Folder::new("archive");
    let long = format!("{}/{}", "directory/".repeat(20), "n".repeat(200));
    let names = [
        "plain",
        "sub dir/a b",
        "-dash",
        "new\nline",
        "ünïcode/+%41&=",
        "pct%s\\n\\101",
        "@at",
        "*",
        "quote'\"$x`",
        &long,
    ];
    for name in names {
        folder.write(&[b"work/", name.as_bytes()].concat(), name.as_bytes());
    }
    folder.write(b"work/empty", b"");
    let work = folder.path().join("work");
    std::fs::hard_link(work.join("plain"), work.join("twin")).unwrap();
    for tools in tool_sets(&folder) {
        let listed = run(&listing::command(work.to_str().unwrap()), &tools);
        let listing = listing::parse(&listed.stdout).unwrap();
        let files: Vec<&Entry> = listing.entries.iter().collect();
        let mut found = BTreeMap::new();
        let batches = batches(&files);
        assert_eq!(batches.len(), 2, "two names of one file need two archives");
        for batch in batches {
            let output = run(&batch.command(work.to_str().unwrap()), &tools);
            assert!(output.status.success(), "{tools}: {}", String::from_utf8_lossy(&output.stderr));
            found.extend(contents(output.stdout).await);
        }
        let mut expected: BTreeMap<String, Vec<u8>> = names
            .iter()
            .map(|name| (super::super::paths::safe(name).unwrap(), name.as_bytes().to_vec()))
            .collect();
        expected.extend([("empty".into(), vec![]), ("twin".into(), b"plain".to_vec())]);
        assert_eq!(found, expected, "{tools}");
    }
}

#[test]
fn names_of_one_file_go_into_different_batches_in_order() {
    let files = [
        entry("a", Some("1:1")),
        entry("b", Some("1:1")),
        entry("c", None),
        entry("d", Some("1:1")),
        entry("e", Some("1:2")),
    ];
    let batches = batches(&files.iter().collect::<Vec<_>>());
    let paths: Vec<Vec<&str>> =
        batches.iter().map(|batch| batch.files.iter().map(|file| file.path.as_str()).collect()).collect();
    assert_eq!(paths, [vec!["a", "c", "e"], vec!["b"], vec!["d"]]);
}

#[test]
fn nothing_needs_no_batch() {
    assert!(batches(&[]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_file_is_in_exactly_one_batch_and_every_batch_fits(
        paths in prop::collection::btree_set("[a-zé /]{1,300}", 0..120),
        inodes in prop::collection::vec(prop::option::of(0_u8..3), 120),
    ) {
        let files: Vec<Entry> = paths
            .iter()
            .zip(inodes)
            .map(|(path, inode)| entry(path, inode.map(|inode| format!("1:{inode}")).as_deref()))
            .collect();
        let files: Vec<&Entry> = files.iter().collect();
        let batches = batches(&files);
        let mut seen: Vec<&str> = batches.iter().flat_map(|batch| &batch.files).map(|file| file.path.as_str()).collect();
        seen.sort_unstable();
        prop_assert_eq!(seen, paths.iter().map(String::as_str).collect::<Vec<_>>());
        for batch in &batches {
            prop_assert!(!batch.files.is_empty());
            prop_assert!(batch.files.iter().map(|file| url_bytes(&file.path)).sum::<usize>() <= MAX_URL_BYTES);
            let mut inodes = HashSet::new();
            prop_assert!(batch.files.iter().filter_map(|file| file.shared_inode.as_ref()).all(|inode| inodes.insert(inode)));
        }
    }
}
