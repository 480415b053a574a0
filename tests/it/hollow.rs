//! The files of hollow pods, asked for with the very commands of collection.

use cluster::hollow::{Hollow, Script};
use cluster::node::{ContainerRef, ExecOptions, Exit, Node, Output};
use cluster::store::{Kind, Store};
use serde_json::json;
use shared::outputs::{archive, listing};

const DIRECTORY: &str = "/kestra/working-dir";

#[tokio::test]
async fn collection_finds_and_fetches_the_files_of_a_hollow_pod() {
    let store = Store::new();
    let script: Script = serde_json::from_value(json!({"rules": [{
        "steps": [{"turn": {"running": {}}}],
        "files": [{"path": "out/large.bin", "bytes": 300_000}, {"path": "empty"}],
    }]}))
    .unwrap();
    let hollow = Hollow::start(store.clone(), "node", script).unwrap();
    let mut changes = store.subscribe();
    let pod = json!({
        "metadata": {"name": "a", "namespace": "n"},
        "spec": {"nodeName": "node", "containers": [{"name": "main"}, {"name": "out-files"}]},
    });
    let pod = store.create(Kind::Pod, pod).unwrap();
    while changes.recv().await.unwrap().object["status"]["phase"] != "Running" {}
    let carrier = ContainerRef {
        namespace: "n".into(),
        pod: "a".into(),
        uid: pod["metadata"]["uid"].as_str().unwrap().into(),
        container: "out-files".into(),
    };
    let run = async |command: Vec<String>| {
        let options = ExecOptions { command, stdout: true, ..ExecOptions::default() };
        let mut session = hollow.exec(carrier.clone(), options).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(Output::Stdout(piece)) = session.output.recv().await {
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(session.exit.await.unwrap(), Exit::Code(0));
        bytes
    };
    let found = listing::parse(&run(listing::command(DIRECTORY)).await).unwrap();
    assert_eq!(found.warnings, Vec::<String>::new());
    let told: Vec<(&str, u64)> =
        found.entries.iter().map(|entry| (entry.path.as_str(), entry.size)).collect();
    assert_eq!(told, [("out/large.bin", 300_000), ("empty", 0)]);
    let all: Vec<&listing::Entry> = found.entries.iter().collect();
    let batches = archive::batches(&all);
    assert_eq!(batches.len(), 1);
    let bytes = run(batches[0].command(DIRECTORY)).await;
    // Two headers, the content in whole blocks, two empty blocks at the end.
    assert_eq!(bytes.len(), 512 + 300_032 + 512 + 1024);
    assert_eq!(&bytes[257..262], b"ustar");
}
