//! Files that move directly: the deployment has a helper, and its pods talk to the bucket themselves.

use anyhow::{Context, Result, ensure};
use kube::api::DeleteParams;
use serde_json::{Value, json};
use shared::outputs::direct::Grants;
use shared::run::result::RunResult;
use shared::run::state::State;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::deployed::elsewhere;
use crate::stack::Stack;
use crate::tasks::{Document, shell};
use crate::wait::SOON;
use crate::{pods, wait};

/// The helper's image on the stack of these tests.
const IMAGE: &str = "longshore-helper";

const BYTES: u64 = 64 * 1024 * 1024;

/// An image of a program and the libraries that it was linked with. The real image holds a static one and nothing else.
fn image(program: &Path, directory: &Path) -> Result<PathBuf> {
    let linked = Command::new("ldd").arg(program).output()?;
    let linked = String::from_utf8(linked.stdout)?;
    let libraries = linked.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    for library in libraries {
        let copy = directory.join(library.strip_prefix("/")?);
        std::fs::create_dir_all(copy.parent().context("a library at the root")?)?;
        std::fs::copy(&library, copy)?;
    }
    std::fs::copy(program, directory.join("longshore-helper"))?;
    Ok(directory.to_owned())
}

/// A stack whose deployment has a helper.
async fn stack(name: &str) -> Result<(tempfile::TempDir, Stack)> {
    let directory = tempfile::tempdir()?;
    let owner = std::process::id();
    let site = crate::stack::Site::new(&format!("direct-{name}-{owner}"))?;
    let image = image(&site.programs().join("longshore-helper"), directory.path())?;
    Ok((directory, site.with_image(IMAGE, image).up(owner).await?))
}

#[expect(clippy::indexing_slicing, reason = "the place is made where it is missing")]
fn task(id: &str, commands: &[&str], more: Value) -> Value {
    let mut task = shell(id, commands, more);
    task["taskRunner"]["fileSidecar"] = json!({"transfer": "direct"});
    task
}

/// The grants of a run's first attempt.
async fn grants(stack: &Stack, run_id: &str) -> Result<Grants> {
    let key = format!("runs/{run_id}/inputs/grants-1.json");
    let grants = stack.cloud.object(&key).await?.context("there are no grants")?;
    Ok(serde_json::from_slice(&grants)?)
}

fn succeeded(result: &RunResult) -> Result<()> {
    ensure!(result.state == State::Succeeded && result.warnings.is_empty(), "{result:#?}");
    Ok(())
}

#[tokio::test]
async fn a_file_of_64_mib_goes_in_and_out_byte_for_byte_and_a_killed_pod_leaves_its_log() -> Result<()> {
    let (_image, stack) = stack("moves").await?;
    let bytes: Vec<u8> =
        (0..BYTES / 8).flat_map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
    stack.cloud.put("data/large.bin", bytes.clone()).await?;
    let uri = format!("s3://{}/data/large.bin", stack.endpoints.bucket);
    let commands = [
        "cp large.bin 'out put.bin'; echo more >> 'out put.bin'",
        r#"echo '::{"outputs":{"said":1}}::'"#,
        "rm large.bin",
    ];
    let document = Document::of(&task(
        "both",
        &commands,
        json!({"inputFiles": {"large.bin": uri}, "outputFiles": ["*.bin"]}),
    ))?;
    let out = document.beside("out");
    let arguments =
        ["run".as_ref(), document.file.as_os_str(), "--json".as_ref(), "--out".as_ref(), out.as_os_str()];
    let result = stack.longshore(&arguments).await?.ended_with(0)?;
    succeeded(&result)?;
    let [file] = result.output_files.as_slice() else { panic!("{result:?}") };
    assert_eq!((file.path.as_str(), file.size), ("out put.bin", BYTES + 5));
    assert!(std::fs::read(out.join("out put.bin"))? == [bytes.as_slice(), b"more\n"].concat());
    assert_eq!(result.outputs["said"], 1);
    let left = stack.cloud.keys(&format!("runs/{}/attempts/1/pieces/", result.run_id)).await?;
    assert!(left.is_empty(), "{left:?}");
    exit_code(&stack).await?;
    killed(&stack).await?;
    hostile(&stack, &result.run_id).await
}

/// The exit code is the program's, and what it left is collected.
async fn exit_code(stack: &Stack) -> Result<()> {
    let fails = task(
        "fails",
        &["echo made > made.txt; echo why >&2; exit 7"],
        json!({"outputFiles": ["*.txt", "none"]}),
    );
    let result = stack.run(&fails, &[]).await?.ended_with(1)?;
    let diagnosis = result.diagnosis.as_ref().context("no diagnosis")?;
    assert_eq!((diagnosis.exit_code, diagnosis.container.as_deref()), (Some(7), Some("main")));
    assert_eq!(result.output_files.len(), 1);
    assert!(result.log_tail.as_deref().is_some_and(|tail| tail.contains("why")), "{result:?}");
    Ok(())
}

/// A pod that is taken away without a word has left its log in the bucket, and there it can be followed.
async fn killed(stack: &Stack) -> Result<()> {
    let endless = task("killed", &["echo before the end; exec sleep 600"], json!({"outputFiles": ["*.txt"]}));
    let run_id = stack.submit(&endless).await?;
    let pod = pods::running(stack, &run_id).await?;
    let part = format!("runs/{run_id}/attempts/1/logs/main.parts/00000001");
    wait::until("a part of the log", SOON, || async { stack.cloud.object(&part).await }).await?;
    let bucket = stack.endpoints.bucket.as_str();
    let so_far = elsewhere(stack, &["logs", &run_id, "--bucket", bucket]).await?;
    assert_eq!((so_far.code, so_far.said.as_str()), (0, "before the end\n"), "{}", so_far.complained);
    let other = elsewhere(stack, &["logs", &run_id, "-c", "init-files", "--bucket", bucket]).await?;
    assert!(other.code == 1 && other.complained.contains(&format!("{pod} -c init-files`")), "{other:?}");
    let kill = async {
        // Once it is being followed, and if not, what is followed is what is stored.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        anyhow::Ok(pods::api(stack).await?.delete(&pod, &now).await.map(drop)?)
    };
    let arguments = ["logs", "-f", "-t", &run_id, "--bucket", bucket];
    let (followed, killed) = futures::join!(elsewhere(stack, &arguments), kill);
    killed?;
    let followed = followed?;
    let line = followed.said.strip_suffix("Z before the end\n");
    assert!(followed.code == 0 && line.is_some_and(|time| !time.contains('\n')), "{followed:?}");
    let result = wait::until("the result", SOON, || stack.cloud.result(&run_id)).await?;
    let log = result.logs.get("main").with_context(|| format!("no log: {result:#?}"))?;
    let key = log.uri.split_once("runs/").context("a URI elsewhere")?.1;
    let text = stack.cloud.object(&format!("runs/{key}")).await?.context("no object")?;
    ensure!(String::from_utf8_lossy(&text).contains("before the end"), "{result:#?}");
    Ok(())
}

/// With the grants of one attempt nothing can be written but what is this attempt's.
async fn hostile(stack: &Stack, run_id: &str) -> Result<()> {
    let grants = grants(stack, run_id).await?;
    let prefix = format!("runs/{run_id}/attempts/1/");
    assert_eq!(grants.prefix, prefix);
    let hash = [("x-amz-meta-longshore-sha256", "0"), ("x-amz-checksum-sha256", "0")];
    for (form, key, more, expected) in [
        (&grants.logs, format!("{prefix}logs/main.parts/99999999"), &[][..], "204"),
        (&grants.logs, format!("{prefix}outputs/a"), &[], "403"),
        (&grants.logs, format!("runs/{run_id}/result.json"), &[], "403"),
        (&grants.logs, "config/clusters.yaml".to_owned(), &[], "403"),
        (&grants.outputs, format!("runs/{run_id}/attempts/2/outputs/a"), &hash, "403"),
        (&grants.outputs, format!("{prefix}done.json"), &hash, "403"),
        (&grants.done, format!("{prefix}pod.json"), &[], "403"),
        // A field that nobody allowed, and metadata that would hide how many runs led to it.
        (&grants.logs, format!("{prefix}logs/x"), &[("acl", "public-read")], "403"),
        (
            &grants.outputs,
            format!("{prefix}outputs/a"),
            &[hash[0], hash[1], ("x-amz-meta-longshore-hops", "0")],
            "403",
        ),
    ] {
        let mut command = Command::new("curl");
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "-F", &format!("key={key}")]);
        let fields = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let replaced = |name: &str| more.iter().any(|(other, _)| *other == name);
        for (name, value) in fields.filter(|(name, _)| !replaced(name)).chain(more.iter().copied()) {
            command.args(["-F", &format!("{name}={value}")]);
        }
        let output = command.args(["-F", "file=hello", &grants.url]).output()?;
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{key} {more:?}");
    }
    Ok(())
}
