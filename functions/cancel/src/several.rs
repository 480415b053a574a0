//! Many runs at once: those that labels select, and those of an execution.

use futures::{StreamExt, TryStreamExt, stream};
use shared::effects::cancel;
use shared::environment::Environment;
use shared::error::{Error, chain};
use shared::pod::{PodIdentity, labels_of};
use shared::run::record::Record;
use shared::spec::selector::Selector;
use shared::store::bucket::list_all;
use shared::store::executions::{self, Mark};
use shared::store::records::{self, Stored};
use shared::store::{keys, results};

/// Records that are read side by side.
const AT_ONCE: usize = 32;

/// Every active run whose pod has, or will have, such labels; the answer is the ids.
pub async fn selected(
    environment: &Environment,
    selector: &Selector,
    reason: &str,
) -> Result<Vec<String>, Error> {
    each(environment, reason, |record| {
        let identity = PodIdentity {
            run_id: &record.run_id,
            attempt: record.attempt.number,
            submission_hash: &record.submission_hash,
            group: &record.group,
        };
        let labels = labels_of(&record.plan, &identity);
        selector.matches(|key| labels.get(key).and_then(serde_json::Value::as_str))
    })
    .await
}

/// Every run of an execution; the mark ends those that are accepted after this.
pub async fn of_execution(
    environment: &Environment,
    execution_id: &str,
    reason: &str,
) -> Result<Vec<String>, Error> {
    let mark = Mark {
        format_version: 1,
        execution_id: execution_id.to_owned(),
        at: environment.clock.now(),
        reason: reason.to_owned(),
    };
    executions::mark(environment.bucket.as_ref(), &mark).await?;
    each(environment, reason, |record| record.execution_id.as_deref() == Some(execution_id)).await
}

async fn each(
    environment: &Environment,
    reason: &str,
    is_meant: impl Fn(&Record) -> bool,
) -> Result<Vec<String>, Error> {
    let listed = list_all(environment.bucket.as_ref(), keys::ACTIVE).await?;
    let runs: Vec<_> = listed.iter().filter_map(|object| keys::parse_record(&object.key)).collect();
    let loaded = stream::iter(runs).map(|(group, run_id)| load(environment, group, run_id));
    let meant: Vec<Stored> = loaded
        .buffer_unordered(AT_ONCE)
        .try_filter_map(|stored| std::future::ready(Ok(stored.filter(|stored| is_meant(&stored.record)))))
        .try_collect()
        .await?;
    let mut ids = Vec::new();
    for stored in meant {
        let run_id = stored.record.run_id.clone();
        // Its record stays for a while after its end.
        if results::read(environment.bucket.as_ref(), &run_id).await?.is_some() {
            continue;
        }
        match cancel::mark(environment, stored, reason).await {
            Ok(()) => ids.push(run_id),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    ids.sort();
    Ok(ids)
}

async fn load(environment: &Environment, group: &str, run_id: &str) -> Result<Option<Stored>, Error> {
    match records::load(environment.bucket.as_ref(), group, run_id).await {
        Ok(stored) => Ok(Some(stored)),
        // It has ended since it was listed.
        Err(error) if error.is_not_found() => Ok(None),
        // Whether it is meant, nobody can tell; the others are not spared for it.
        Err(error) if error.is_unreadable() => {
            tracing::error!(
                run.id = run_id,
                error = chain(&error),
                "a run cannot be looked at and is left out"
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
