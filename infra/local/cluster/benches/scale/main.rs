//! What the embedded cluster can carry, over TLS, in a process of its own whose memory and processor time are measured.
//!
//! `just bench-cluster`. Prints a table: name, figure, unit, goal, met; fails when a goal is not met.

mod client;
mod report;
mod server;

use client::Client;
use report::Table;
use serde_json::{Value, json};
use server::Server;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Requests under way at once.
const IN_FLIGHT: usize = 10;
/// Finished pods of the first scene.
const FINISHED: usize = 3_000;
/// Changes a second of the second scene, and for how long.
const CHANGES_PER_SECOND: usize = 1_000;
const CHANGE_SECONDS: usize = 20;
/// Watches that follow every change.
const FOLLOWERS: usize = 2;
/// Watches that are idle, and how long their cost is measured.
const IDLE: usize = 200;
const IDLE_SECONDS: u64 = 10;
/// Pods of the last scene, and the size of a page.
const MANY: [usize; 2] = [10_000, 50_000];
const PAGE: usize = 500;
const SELECTOR: &str = "labelSelector=app.kubernetes.io%2Fmanaged-by%3Dlongshore";

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new();
    let serves = std::env::args().any(|argument| argument == server::ARGUMENT);
    let outcome = runtime.map_err(Into::into).and_then(|runtime| {
        runtime
            .block_on(async { if serves { server::serve().await.map(|()| true) } else { measure().await } })
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Outcome<bool> {
    let mut table = Table::default();
    finished(&mut table).await?;
    many(&mut table).await?;
    Ok(table.print())
}

/// 3,000 pods are created and end; then labels change a thousand times a second before watches; then watches are idle.
async fn finished(table: &mut Table) -> Outcome<()> {
    let server = Server::start()?;
    let begun = now();
    create(&server, 0..FINISHED).await?;
    table.least("creates, 10 in flight over TLS", rate(FINISHED, begun), "1/s", 400.0);
    ended(&server, FINISHED).await?;
    table.figure("memory with 3,000 finished pods", server.memory_mib()?, "MiB");

    let seen = Arc::new(AtomicUsize::new(0));
    for _ in 0..FOLLOWERS {
        follow(&server, seen.clone()).await?;
    }
    let (begun, busy) = (now(), server.processor_seconds()?);
    let changes = CHANGES_PER_SECOND * CHANGE_SECONDS;
    relabel(&server, changes).await?;
    let wanted = changes * FOLLOWERS;
    until("every change is seen", || async { Ok(seen.load(Ordering::Relaxed) >= wanted) }).await?;
    let took = begun.elapsed().as_secs_f64();
    table.least(
        "watch events, each watch",
        as_figure(changes) / took,
        "1/s",
        as_figure(CHANGES_PER_SECOND) * 0.98,
    );
    table.figure("processor for them", (server.processor_seconds()? - busy) / took * 100.0, "% of one");
    table.most("peak memory with 3,000 pods, 1,000 events/s", server.peak_mib()?, "MiB", 300.0);

    let memory = server.memory_mib()?;
    for _ in 0..IDLE {
        follow(&server, seen.clone()).await?;
    }
    let busy = server.processor_seconds()?;
    tokio::time::sleep(Duration::from_secs(IDLE_SECONDS)).await;
    let busy = (server.processor_seconds()? - busy) * 1000.0 / as_figure(IDLE) / IDLE_SECONDS as f64;
    table.most("processor for an idle watch", busy, "ms/s", 0.5);
    let memory = (server.memory_mib()? - memory) * 1024.0 / as_figure(IDLE);
    table.figure("memory for an idle watch", memory, "KiB");
    Ok(())
}

/// As many pods as the hollow mode is for, and lists of them.
async fn many(table: &mut Table) -> Outcome<()> {
    let server = Server::start()?;
    let mut there = 0;
    for count in MANY {
        let begun = now();
        create(&server, there..count).await?;
        table.figure(&format!("creates up to {count} pods"), rate(count - there, begun), "1/s");
        there = count;
        let begun = now();
        ended(&server, count).await?;
        table.figure(
            &format!("from the last create to {count} ended pods"),
            begun.elapsed().as_secs_f64(),
            "s",
        );
        let mut client = server.client().await?;
        let begun = now();
        let listed = list(&mut client, SELECTOR).await?;
        if listed != count {
            return Err(format!("{listed} of {count} pods are listed").into());
        }
        table.figure(&format!("list of {count} pods by 500"), begun.elapsed().as_secs_f64(), "s");
        let begun = now();
        list(&mut client, "fieldSelector=status.phase%3DPending").await?;
        table.figure(
            &format!("list of the pending ones of {count}"),
            begun.elapsed().as_secs_f64() * 1000.0,
            "ms",
        );
        table.figure(&format!("memory with {count} pods"), server.memory_mib()?, "MiB");
    }
    Ok(())
}

async fn create(server: &Server, numbers: std::ops::Range<usize>) -> Outcome<()> {
    each(server, numbers, |number| {
        ("POST", "/api/v1/namespaces/default/pods".to_owned(), "application/json", pod(number))
    })
    .await
}

/// Change labels evenly over the time.
async fn relabel(server: &Server, changes: usize) -> Outcome<()> {
    let begun = now();
    let mut done = 0;
    while done < changes {
        let due = (begun.elapsed().as_secs_f64() * as_figure(CHANGES_PER_SECOND)) as usize;
        let due = due.min(changes);
        if due > done {
            each(server, done..due, |number| {
                let path = format!("/api/v1/namespaces/default/pods/{}", name(number % FINISHED));
                let body = json!({"metadata": {"labels": {"round": number.to_string()}}});
                ("PATCH", path, "application/merge-patch+json", body)
            })
            .await?;
            done = due;
        } else {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}

/// One request for each number, over as many connections as may be under way; the connections are kept.
async fn each(
    server: &Server,
    numbers: std::ops::Range<usize>,
    request: impl Fn(usize) -> (&'static str, String, &'static str, Value) + Copy + Send + Sync + 'static,
) -> Outcome<()> {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let mut working = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (next, mut client, end) = (next.clone(), server.idle_client().await?, numbers.end);
        working.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return Ok::<Client, Box<dyn Error + Send + Sync>>(client);
                }
                let (method, path, content_type, body) = request(number);
                client.send(method, &path, content_type, &body.to_string()).await?;
            }
        });
    }
    while let Some(worked) = working.join_next().await {
        server.give_back(worked??);
    }
    Ok(())
}

/// Wait until that many pods have ended.
async fn ended(server: &Server, count: usize) -> Outcome<()> {
    let mut client = server.client().await?;
    until("every pod has ended", async || {
        let query = "limit=1&fieldSelector=status.phase%21%3DSucceeded";
        let answer = client.get(&format!("/api/v1/namespaces/default/pods?{query}")).await?;
        Ok(answer.pointer("/items").and_then(Value::as_array).is_some_and(Vec::is_empty))
    })
    .await?;
    let listed = list(&mut server.client().await?, "fieldSelector=status.phase%3DSucceeded").await?;
    if listed == count { Ok(()) } else { Err(format!("{listed} of {count} pods have ended").into()) }
}

/// Read page after page; how many there are.
async fn list(client: &mut Client, query: &str) -> Outcome<usize> {
    let (mut listed, mut go_on) = (0, String::new());
    loop {
        let path = format!("/api/v1/namespaces/default/pods?{query}&limit={PAGE}&continue={go_on}");
        let page = client.get(&path).await?;
        listed += page.pointer("/items").and_then(Value::as_array).map_or(0, Vec::len);
        match page.pointer("/metadata/continue").and_then(Value::as_str) {
            Some(token) if !token.is_empty() => go_on = token.to_owned(),
            _ => return Ok(listed),
        }
    }
}

/// Watch from now on and count what comes.
async fn follow(server: &Server, seen: Arc<AtomicUsize>) -> Outcome<()> {
    let mut client = server.client().await?;
    let listed = client.get("/api/v1/namespaces/default/pods?limit=1").await?;
    let version = listed.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or("0");
    let path = format!(
        "/api/v1/namespaces/default/pods?watch=true&{SELECTOR}&allowWatchBookmarks=true&resourceVersion={version}"
    );
    let mut body = client.open(&path).await?;
    tokio::spawn(async move {
        while let Some(bytes) = body.next().await {
            seen.fetch_add(bytes.iter().filter(|byte| **byte == b'\n').count(), Ordering::Relaxed);
        }
    });
    Ok(())
}

/// Look again and again, three minutes at most.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> Outcome<bool>) -> Outcome<()> {
    let begun = now();
    while !is_so().await? {
        if begun.elapsed() > Duration::from_secs(180) {
            return Err(format!("it never came to it that {what}").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn name(number: usize) -> String {
    format!("bench-{number:06}")
}

/// A pod of about the size that Longshore makes.
fn pod(number: usize) -> Value {
    let name = name(number);
    let mounts = json!([{"name": "kestra-files", "mountPath": "/kestra"}]);
    let resources = json!({"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "64Mi"}});
    let variable = |name: &str, value: &str| json!({"name": name, "value": value});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {
                "app.kubernetes.io/managed-by": "longshore", "longshore/run": name, "longshore/attempt": "1",
                "kestra.io/flow-id": "bench", "kestra.io/task-id": "echo",
            },
            "annotations": {
                "longshore/run-id": name, "longshore/attempt": "1",
                "longshore/submission": "9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de",
            },
        },
        "spec": {
            "restartPolicy": "Never", "activeDeadlineSeconds": 7200,
            "volumes": [{"name": "kestra-files", "emptyDir": {}}],
            "initContainers": [{
                "name": "init-files", "image": "busybox:1.37", "command": ["sh", "-c", "wget -O - \"$MANIFEST\""],
                "env": [variable("MANIFEST", "http://127.0.0.1:4566/bucket/runs/bench/inputs/manifest?signature=0123456789abcdef")],
                "volumeMounts": mounts, "resources": resources,
            }],
            "containers": [{
                "name": "main", "image": "busybox:1.37", "command": ["sh", "-c"], "args": ["echo hello"],
                "workingDir": "/kestra/working-dir",
                "env": [variable("WORKING_DIR", "/kestra/working-dir"), variable("OUTPUT_DIR", "/kestra/working-dir/out"),
                        variable("LANG", "C.UTF-8")],
                "volumeMounts": mounts, "resources": resources,
            }],
        },
    })
}

fn rate(count: usize, begun: Instant) -> f64 {
    as_figure(count) / begun.elapsed().as_secs_f64()
}

fn as_figure(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
