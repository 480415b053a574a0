//! `in`

use std::os::unix::fs::PermissionsExt;

use crate::stage::{Stage, noise};
use crate::store::Trouble;

#[tokio::test]
async fn inputs_arrive_byte_for_byte_though_connections_break() {
    let stage = Stage::new().await;
    let large = noise(20 * 1024 * 1024 + 7);
    let lines =
        [stage.input("large.bin", &large), stage.input("a dir/b c.txt", b"hello"), stage.input("empty", b"")];
    let manifest = stage.manifest(&lines);
    stage.store.trouble(Trouble { broken_gets: 6, ..Trouble::default() });
    let output = stage.fetch(&manifest).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read(stage.at("large.bin")).unwrap() == large);
    assert_eq!(std::fs::read(stage.at("a dir/b c.txt")).unwrap(), b"hello");
    assert_eq!(std::fs::read(stage.at("empty")).unwrap(), b"");
    let mode = |path| std::fs::metadata(stage.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("large.bin"), mode("a dir")), (0o666, 0o777));
    let left: Vec<_> =
        std::fs::read_dir(stage.volume()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["work"], "nothing of the helper's own is left");
}

#[tokio::test]
async fn a_file_that_is_not_what_was_announced_ends_everything() {
    let stage = Stage::new().await;
    let wrong_hash = stage.input("a", b"one").replace("one", "two");
    stage.store.put("in/a", b"two".to_vec());
    let shorter = stage.input("b", b"longer");
    stage.store.put("in/b", b"short".to_vec());
    for (line, words) in
        [(wrong_hash, "a is not the file that was submitted"), (shorter, "5 bytes instead of 6")]
    {
        let output = stage.fetch(&stage.manifest(&[line])).await;
        assert_eq!(output.status.code(), Some(78));
        let said = std::fs::read_to_string(stage.volume().join("termination")).unwrap();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn a_refused_grant_and_a_path_that_leaves_have_exit_codes_of_their_own() {
    let stage = Stage::new().await;
    let line = stage.input("a", b"one");
    let expired = line.replace("?signed=1", "?signed=0");
    let output = stage.fetch(&stage.manifest(&[expired])).await;
    assert_eq!(output.status.code(), Some(77));
    let leaving = line.replace("|a:", "|../a:");
    let output = stage.fetch(&stage.manifest(&[leaving])).await;
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`../a` contains `..`"));
    assert!(!stage.volume().join("a").exists());
}

#[tokio::test]
async fn a_container_that_starts_again_fetches_what_is_missing_only() {
    let stage = Stage::new().await;
    let lines = [stage.input("a", b"one"), stage.input("b", b"two")];
    // As one leaves it that was killed while it noted the second file.
    stage.write("a", "fetched before");
    std::fs::write(stage.volume().join(".longshore-fetched"), "0\n1").unwrap();
    let output = stage.fetch(&stage.manifest(&lines)).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The manifest, and the second file.
    assert_eq!(stage.store.gets(), 2);
    assert_eq!(std::fs::read(stage.at("a")).unwrap(), b"fetched before");
    assert_eq!(std::fs::read(stage.at("b")).unwrap(), b"two");
}

#[tokio::test]
async fn it_puts_a_copy_of_itself_where_other_containers_find_it() {
    let stage = Stage::new().await;
    let copy = stage.volume().join(".longshore/helper");
    let output = stage.helper(&["in"]).env("LONGSHORE_INSTALL", &copy).output().await.unwrap();
    assert!(output.status.success());
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o555);
    let usage = std::process::Command::new(&copy).output().unwrap();
    assert_eq!(usage.status.code(), Some(64));
}
