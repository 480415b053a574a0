//! What a pod is given: one link to one manifest, and in it links to its own inputs.

use std::time::Duration;

use anyhow::Result;
use fixtures::entrances::Function;
use serde_json::json;
use shared::cluster::aws;
use shared::run::record::Record;
use shared::store::s3::S3Bucket;

use super::{shell, with_victim};

#[tokio::test]
async fn the_manifest_of_a_run_links_to_its_own_inputs_and_to_what_its_task_names() -> Result<()> {
    let entrances = with_victim().await?;
    let files = json!({"a.txt": "inline", "b.csv": "s3://bucket/uploads/a.csv"});
    let envelope = json!({"task": shell(json!({"inputFiles": files})), "runId": "mine"});
    entrances.message(Function::Submit, "m", &envelope.to_string()).await?;
    let manifest = String::from_utf8(entrances.bucket.read("runs/mine/inputs/manifest.txt").unwrap())?;
    let links: Vec<&str> =
        manifest.split('|').filter_map(|word| word.strip_prefix("http://127.0.0.1:9/bucket/")).collect();
    assert_eq!(links, ["runs/mine/inputs/-/0", "uploads/a.csv"], "{manifest}");
    let posted = entrances.cluster.posted();
    let pod = posted.iter().find(|pod| pod.to_string().contains("mine")).unwrap().to_string();
    let links: Vec<&str> =
        pod.match_indices("http://").map(|(at, _)| pod.split_at(at).1.split('"').next().unwrap()).collect();
    assert_eq!(links, ["http://127.0.0.1:9/bucket/runs/mine/inputs/manifest.txt"]);
    Ok(())
}

#[tokio::test]
async fn a_link_reads_one_object_for_as_long_as_a_pod_may_wait_and_no_longer() -> Result<()> {
    let entrances = with_victim().await?;
    for (run_id, waits, seconds) in [
        ("plain", None, 600 + 900),
        ("short", Some("PT1M"), 60 + 900),
        // S3 signs for a week at most.
        ("patient", Some("P30D"), 7 * 24 * 3600),
    ] {
        let mut task = shell(json!({"inputFiles": {"a.txt": "x"}}));
        if let Some(waits) = waits {
            let runner =
                json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "waitUntilRunning": waits});
            task["taskRunner"] = runner;
        }
        let envelope = json!({"task": task, "runId": run_id});
        assert!(entrances.message(Function::Submit, run_id, &envelope.to_string()).await?, "{run_id}");
        let record = entrances.bucket.read(&format!("active/eks-test/{run_id}.json")).unwrap();
        let record: Record = serde_json::from_slice(&record)?;
        let lives = entrances.bucket.lives.lock().unwrap().clone();
        let own: Vec<_> =
            lives.iter().filter(|(key, _)| key.starts_with(&format!("runs/{run_id}/"))).collect();
        assert_eq!(own.len(), 2, "{lives:?}");
        assert!(
            own.iter().all(|(_, life)| *life == Duration::from_secs(seconds)),
            "{own:?} {:?}",
            record.plan.limits
        );
    }
    let sdk = local::aws::at("http://127.0.0.1:9", "eu-west-1", "AKIDOFTHEFUNCTION", "secret");
    let bucket = S3Bucket::new(aws::s3(&sdk, None), aws::s3(&sdk, None), "bucket".into());
    let url = bucket.presign_get("bucket", "runs/mine/inputs/a b?c", Duration::from_secs(960)).await?;
    let (address, query) = url.split_once('?').unwrap();
    assert_eq!(address, "http://127.0.0.1:9/bucket/runs/mine/inputs/a%20b%3Fc");
    let said: Vec<&str> = query.split('&').collect();
    for part in ["X-Amz-Expires=960", "X-Amz-SignedHeaders=host", "x-id=GetObject"] {
        assert!(said.contains(&part), "{url}");
    }
    assert!(!url.contains("secret"), "{url}");
    Ok(())
}
