//! A later submission of a run that is under way and wants an attempt of its own (`resume: false`).

use shared::effects::observe;
use shared::environment::Environment;
use shared::error::Error;
use shared::pod;
use shared::run::record::Record;
use shared::store::records::{self, Stored};

/// Begin another attempt for a submission that has none yet. A second delivery of one that has, or that began the run, changes nothing; and where the
/// attempt under way has no pod yet, it is the submission's as well.
pub async fn anew(environment: &Environment, stored: Stored, source: &str) -> Result<Stored, Error> {
    let now = environment.clock.now();
    let mut replaced = None;
    let change = |record: &mut Record| {
        let is_known = record.source == source || record.joined.iter().any(|joined| joined == source);
        let changes = !is_known && record.has_pod() && record.cancel.is_none() && record.ending.is_none();
        replaced = changes.then(|| record.clone());
        if changes {
            let next = record.attempt.number.saturating_add(1);
            let pod_name = pod::name(&record.plan, &record.run_id, next);
            *record = record.clone().joined(source, pod_name, now).by(environment.writer.as_str());
        }
        changes
    };
    let stored = records::change(environment.bucket.as_ref(), stored, change).await?;
    let Some((old, uid)) = replaced.and_then(|old| Some((old.clone(), old.attempt.pod_uid?))) else {
        return Ok(stored);
    };
    tracing::info!(
        run.id = old.run_id,
        run.attempt = stored.record.attempt.number,
        source,
        "another submission begins an attempt of its own"
    );
    shared::crash::point("after-join");
    let cluster = environment.clusters.of(&old.plan.target.cluster)?;
    // Should this not be reached: the group's poll deletes pods of attempts that are over.
    cluster.delete(observe::namespace(environment, &old), &old.attempt.pod_name, &uid, None).await?;
    Ok(stored)
}
