//! How large a storm is: small with the other tests, large where variables ask for it.

use tokio::sync::{Mutex, MutexGuard};

/// Runs of a storm, unless `LONGSHORE_STORM_RUNS` says how many.
pub fn runs(small: usize) -> usize {
    wanted("LONGSHORE_STORM_RUNS").and_then(|runs| usize::try_from(runs).ok()).unwrap_or(small)
}

/// Whether somebody asked for more than the small form.
pub fn is_full() -> bool {
    wanted("LONGSHORE_STORM_RUNS").is_some() || wanted("LONGSHORE_SOAK_MINUTES").is_some()
}

/// What the dice start from: `LONGSHORE_STORM_SEED`.
pub fn seed() -> u64 {
    wanted("LONGSHORE_STORM_SEED").unwrap_or(1)
}

/// How long a soak lasts: `LONGSHORE_SOAK_MINUTES`.
pub fn soak_minutes() -> u64 {
    wanted("LONGSHORE_SOAK_MINUTES").unwrap_or(30)
}

/// Between two submissions of a soak: `LONGSHORE_SOAK_PAUSE_MS`.
pub fn soak_pause_ms() -> u64 {
    wanted("LONGSHORE_SOAK_PAUSE_MS").unwrap_or(3000)
}

/// One full storm at a time: each wants the whole machine. Small ones mostly wait, and do so side by side.
pub async fn alone() -> Option<MutexGuard<'static, ()>> {
    static STORM: Mutex<()> = Mutex::const_new(());
    if is_full() { Some(STORM.lock().await) } else { None }
}

#[expect(clippy::disallowed_methods, reason = "a wish of the caller, not a setting of the product")]
fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
