//! Ctrl-C: once to stop in good order, twice to stop at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::Failure;

/// How often the command was asked to stop (SIGINT, SIGTERM or SIGHUP) since it began to listen.
#[derive(Debug)]
pub struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Listen from now on; the signals end the process no longer by themselves.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn listen() -> Result<Self, Failure> {
        let (sender, receiver) = watch::channel(0);
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let mut signals =
                signal(kind).map_err(|error| Failure::failed("cannot listen to signals").because(&error))?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    sender.send_modify(|count| *count += 1);
                }
            });
        }
        Ok(Interrupt(receiver))
    }

    /// Wait until the command was asked at least `times` times.
    pub async fn reached(&self, times: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|count| *count >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// How often so far.
    pub fn count(&self) -> u32 {
        *self.0.borrow()
    }
}
