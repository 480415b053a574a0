//! `out`

use std::os::unix::fs::symlink;

use shared::outputs::direct::{self, PIECE_BYTES, Pieces};

use crate::stage::{PREFIX, Stage, hash, noise};
use crate::store::Trouble;

#[tokio::test]
async fn outputs_are_chosen_by_their_globs_and_the_end_is_said_last() {
    let stage = Stage::new().await;
    stage.write("a.txt", "one");
    stage.write("deep/new\nline ${filename}.txt", "two");
    stage.write("c.bin", "three");
    symlink("/etc/passwd", stage.at("link.txt")).unwrap();
    let output = stage.take(&stage.grant(&["**/*.txt"])).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let done = stage.done();
    let told: Vec<_> = done.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
    assert_eq!(told, [("a.txt", 3), ("deep/new\nline ${filename}.txt", 3)]);
    assert_eq!(done.files[0].sha256, hash(b"one"));
    assert_eq!(done.warnings, ["`link.txt` is a symbolic link and is left out"]);
    assert_eq!(stage.output("deep/new\nline ${filename}.txt").unwrap(), b"two");
    assert_eq!(stage.store.posted().last().unwrap(), &format!("{PREFIX}done.json"));
    assert!(stage.output("c.bin").is_none() && stage.output("link.txt").is_none());
}

#[tokio::test]
async fn a_large_file_goes_in_pieces_and_is_sent_again_where_the_store_refuses() {
    let stage = Stage::new().await;
    let content = noise(2 * PIECE_BYTES as usize + 5);
    stage.write("large.bin", &content);
    stage.store.trouble(Trouble { refused_posts: 2, ..Trouble::default() });
    let output = stage.take(&stage.grant(&["*.bin"])).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let [file] = stage.done().files.try_into().unwrap();
    let pieces = Pieces { file: 0, count: 3 };
    assert_eq!((file.size, file.pieces), (content.len() as u64, Some(pieces)));
    assert_eq!(file.sha256, hash(&content));
    let keys = (1..=3).map(|number| format!("{PREFIX}{}", direct::piece(0, number)));
    let joined: Vec<u8> = keys.flat_map(|key| stage.store.object(&key).unwrap().to_vec()).collect();
    assert!(joined == content);
}

#[tokio::test]
async fn a_file_that_the_grant_does_not_cover_is_lost_by_name() {
    let stage = Stage::new().await;
    stage.write("a", "one");
    let grants = stage.grant(&["*"]);
    let mut changed: serde_json::Value =
        serde_json::from_slice(&stage.store.object("grants.json").unwrap()).unwrap();
    changed["outputs"] = changed["logs"].clone();
    stage.store.put("grants.json", changed.to_string());
    let output = stage.take(&grants).await;
    assert!(output.status.success(), "what is lost is said in what is told, not by the exit code");
    let done = stage.done();
    assert!(done.files.is_empty() && stage.output("a").is_none());
    assert_eq!(done.lost.len(), 1);
    assert!(done.lost[0].starts_with("output file `a` could not be brought back: the store said 403"));
}

#[tokio::test]
async fn a_sidecar_uploads_when_it_is_told_to_end() {
    let stage = Stage::new().await;
    let grants = stage.grant(&["*"]);
    let mut child = stage.helper(&["out", "--at-end"]).env("LONGSHORE_GRANTS", grants).spawn().unwrap();
    while stage.store.gets() == 0 {
        tokio::task::yield_now().await;
    }
    stage.write("late.txt", "written after the sidecar began");
    let pid = nix::unistd::Pid::from_raw(child.id().unwrap().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert!(child.wait().await.unwrap().success());
    assert_eq!(stage.done().files.len(), 1);
}
