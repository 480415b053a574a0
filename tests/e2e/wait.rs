//! Waiting for something to become true, never for time to pass.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, Result};

/// Long enough for anything that happens at all, and no claim about how fast: what a function on this busy machine did not get done comes again when
/// its queue shows it again, after 305 s at the latest.
pub const SOON: Duration = Duration::from_secs(420);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Look again and again until there is something to see; `what` is what did not happen `within` that time.
pub async fn until<T, Looking>(what: &str, within: Duration, mut look: impl FnMut() -> Looking) -> Result<T>
where
    Looking: Future<Output = Result<Option<T>>>,
{
    let looking = async {
        loop {
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(within, looking)
        .await
        .with_context(|| format!("{what} did not happen within {} s", within.as_secs()))?
}
