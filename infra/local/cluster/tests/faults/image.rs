//! Images that cannot be pulled.

use super::put;
use super::recording::{events, phase, recorded_waiting, run, until, waiting};
use crate::client::Rig;
use serde_json::json;

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_told_in_the_recorded_words() {
    // pods/20-image-unknown-repo, 21-image-unknown-host, 23-image-unauthorised
    let rig = Rig::with_processes().await;
    for (name, problem, image, scenario) in [
        ("unknown", "NotFound", "docker.io/library/no-such-image:1.0", "20-image-unknown-repo"),
        ("host", "UnknownHost", "nohost.invalid/team/app:1.0", "21-image-unknown-host"),
        ("secret", "Unauthorized", "private.example/team/busybox:latest", "23-image-unauthorised"),
    ] {
        put(&rig, json!({"kind": "ImagePull", "with": {"problem": problem}}));
        let container = json!([{"name": "main", "image": image, "command": ["true"]}]);
        run(&rig, name, "true", json!({"containers": container})).await;
        for reason in ["ErrImagePull", "ImagePullBackOff"] {
            let pod = until(&rig, name, |pod| waiting(pod).0 == reason).await;
            assert_eq!(waiting(&pod).1, recorded_waiting(scenario, reason), "{problem}");
        }
        assert_eq!(events(&rig, name, "Pulling"), [format!("Pulling image \"{image}\"")]);
    }
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_rate_limit_passes() {
    let rig = Rig::with_processes().await;
    put(
        &rig,
        json!({"kind": "ImagePull", "with": {"problem": "RateLimited", "pulls": 1, "container": "main"}}),
    );
    run(&rig, "p", "true", json!({})).await;
    let pod = until(&rig, "p", |pod| waiting(pod).0 == "ErrImagePull").await;
    assert!(waiting(&pod).1.contains("429 Too Many Requests - Server message: toomanyrequests"), "{pod:#}");
    phase(&rig, "p", "Succeeded").await;
    rig.cluster.shutdown().await;
}
