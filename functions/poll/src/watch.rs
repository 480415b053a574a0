//! One namespace: from the cursor on, every change of a pod is looked at; then the cursor is saved.

use std::time::Duration;

use futures::StreamExt;
use shared::clock::{between, later};
use shared::error::{Error, chain};
use shared::store::cursors::{self, Cursor};

use crate::group::Group;
use crate::pod;

/// Pause after a watch that could not be opened or broke off.
const PAUSE: Duration = Duration::from_secs(1);

/// Most changes that are looked at together.
const TOGETHER: usize = 64;

/// Between two looks at what is due.
const TICK: Duration = Duration::from_secs(1);

/// Watch until the poll ends.
pub async fn namespace(group: &Group<'_>, namespace: String) -> Result<(), Error> {
    let bucket = group.environment.bucket.as_ref();
    let mut cursor = cursors::load(bucket, group.name, &namespace).await?;
    let begun_with = cursor.clone();
    if cursor.resource_version.is_empty() {
        list(group, &namespace, None, &mut cursor).await?;
    } else {
        // Pods that wait are few; their limits are known again after this.
        let mut unused = Cursor::default();
        list(group, &namespace, Some("status.phase=Pending"), &mut unused).await?;
    }
    loop {
        let left = between(group.environment.clock.now(), group.stop).as_secs();
        if left == 0 {
            break;
        }
        let begun = group.environment.clock.now();
        match follow(group, &namespace, &mut cursor, u32::try_from(left).unwrap_or(u32::MAX)).await {
            // A server that ends every watch at once must not be asked many times a second.
            Ok(()) if between(begun, group.environment.clock.now()) < PAUSE => {
                group.environment.clock.sleep(PAUSE).await;
            }
            Ok(()) => {}
            Err(Error::Cluster(error)) if error.is_gone() => {
                tracing::info!(group = group.name, namespace, "the watch is too old; listing anew");
                list(group, &namespace, None, &mut cursor).await?;
                // The same for one that says so each time.
                if between(begun, group.environment.clock.now()) < PAUSE {
                    group.environment.clock.sleep(PAUSE).await;
                }
            }
            Err(error) => {
                tracing::warn!(group = group.name, namespace, error = chain(&error), "the watch broke off");
                group.environment.clock.sleep(PAUSE).await;
            }
        }
    }
    pod::left(group).await?;
    if cursor != begun_with {
        cursors::save(bucket, group.name, &namespace, &Cursor { format_version: 1, ..cursor }).await?;
    }
    Ok(())
}

/// Every pod of a listing is looked at; the cursor then stands where the listing does.
async fn list(
    group: &Group<'_>,
    namespace: &str,
    field_selector: Option<&str>,
    cursor: &mut Cursor,
) -> Result<(), Error> {
    let mut next = None;
    loop {
        let page = group.cluster.list(namespace, field_selector, next.as_deref()).await?;
        pod::listed(group, &page.pods).await?;
        cursor.resource_version = page.resource_version;
        next = page.next;
        if next.is_none() {
            return Ok(());
        }
    }
}

/// One watch, as long as it lasts. The cursor moves only past changes whose effects are done.
async fn follow(group: &Group<'_>, namespace: &str, cursor: &mut Cursor, seconds: u32) -> Result<(), Error> {
    let changes = group.cluster.watch(namespace, &cursor.resource_version, seconds).await?;
    // What has come meanwhile is looked at together.
    let mut changes = changes.ready_chunks(TOGETHER);
    let clock = &group.environment.clock;
    let mut next_look = later(clock.now(), TICK);
    loop {
        // Also between changes that come thick and fast.
        if clock.now() >= next_look {
            pod::due(group).await?;
            next_look = later(clock.now(), TICK);
        }
        if clock.now() >= group.stop {
            return Ok(());
        }
        let change = tokio::select! {
            // In this order: what happens depends on nothing but what happened. A look that is due is not kept waiting, see above.
            biased;
            change = changes.next() => change,
            () = clock.sleep(between(clock.now(), next_look)) => continue,
        };
        let Some(together) = change else { return Ok(()) };
        let (mut seen, mut broken) = (Vec::with_capacity(together.len()), None);
        for change in together {
            match change {
                Ok(change) => seen.push(change),
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        pod::changed(group, &seen).await?;
        seen.iter().for_each(|change| advance(cursor, change.version()));
        if let Some(error) = broken {
            return Err(error.into());
        }
    }
}

fn advance(cursor: &mut Cursor, version: Option<&str>) {
    if let Some(version) = version.filter(|version| !version.is_empty()) {
        version.clone_into(&mut cursor.resource_version);
    }
}
