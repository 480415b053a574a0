//! The return value of a task, read through the carrier.

use std::time::Duration;

use jiff::Timestamp;
use tokio::io::AsyncReadExt;

use crate::cluster::client::Cluster;
use crate::cluster::error::ClusterError;
use crate::effects::observe;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::pace::Paced;
use crate::outputs::value::{self, MAX_BYTES, ReturnValue, ValueError};
use crate::pod::OUT_CARRIER;
use crate::run::record::Record;
use crate::spec::value_file::ValueFile;

/// Comes before the bytes of a file that is there, and stands alone where there is none.
const THERE: u8 = b'+';
const MISSING: u8 = b'-';

/// How often it is asked for.
const TRIES: u32 = 3;

/// An exec that is silent for so long comes to nothing.
const SILENCE: Duration = Duration::from_secs(60);

/// Read the file, until a time. A link or anything else that is no plain file counts as none.
///
/// # Errors
/// When the carrier cannot be reached; it may be done again.
pub async fn read(
    environment: &Environment,
    cluster: &dyn Cluster,
    record: &Record,
    file: &ValueFile,
    until: Timestamp,
) -> Result<Result<ReturnValue, ValueError>, Error> {
    for _ in 1..TRIES {
        match once(environment, cluster, record, file, until).await {
            // An exec that breaks off says nothing about the file.
            Err(Error::Cluster(ClusterError::Command { .. })) if environment.clock.now() < until => {}
            other => return other,
        }
    }
    once(environment, cluster, record, file, until).await
}

async fn once(
    environment: &Environment,
    cluster: &dyn Cluster,
    record: &Record,
    file: &ValueFile,
    until: Timestamp,
) -> Result<Result<ReturnValue, ValueError>, Error> {
    const SCRIPT: &str =
        "if [ -f \"$1\" ] && [ ! -L \"$1\" ]; then printf +; head -c \"$2\" \"$1\"; else printf -- -; fi";
    let limit = MAX_BYTES + 1;
    let command = ["/bin/sh", "-c", SCRIPT, "sh", &file.path(), &limit.to_string()].map(str::to_owned);
    let namespace = observe::namespace(environment, record);
    let running = cluster.exec(namespace, &record.attempt.pod_name, OUT_CARRIER, &command).await?;
    let stdout = Paced::new(running.stdout, &environment.clock, SILENCE, until);
    let mut bytes = Vec::new();
    // a carrier that sends more than it was asked for is not read to its end
    let most = limit as u64 + 1;
    let read = stdout.take(most).read_to_end(&mut bytes).await;
    let broken = |outcome: String| ClusterError::Command {
        command: "read the return value".to_owned(),
        container: OUT_CARRIER.to_owned(),
        outcome,
    };
    read.map_err(|error| broken(format!("broke off: {error}")))?;
    running.outcome.await?;
    match bytes.split_first() {
        Some((&THERE, content)) => Ok(value::read(Some(content))),
        Some((&MISSING, [])) => Ok(value::read(None)),
        _ => Err(broken("answered something else".to_owned()).into()),
    }
}
