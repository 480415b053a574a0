//! What goes wrong with a container on request, once it runs.

use super::container::{Role, State};
use super::pod::{Notice, Worker};
use super::stop::EVICTION_GRACE;
use crate::faults::{Disturbance, disrupt};
use nix::sys::signal::Signal;

impl Worker {
    /// Find out what is to go wrong with a container that has just started.
    pub(super) fn disturb(&mut self, index: usize) {
        let is_main = |index: usize| self.containers.get(index).is_some_and(|one| one.role == Role::Main);
        let is_first = is_main(index) && !(0..index).any(is_main);
        let Some(container) = self.containers.get_mut(index) else { return };
        for (after, disturbance) in self.host.config.faults.started(&self.pod, container.name(), is_first) {
            if disturbance == Disturbance::ChildOutOfMemory {
                // Only the reason tells of it, at the container's own end.
                container.is_out_of_memory = true;
                continue;
            }
            let notices = self.notices.clone();
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                // A worker that has ended has nothing to be disturbed.
                let _ = notices.send(Notice::Disturbed(index, disturbance));
            });
        }
    }

    /// It goes wrong.
    pub(super) async fn suffer(&mut self, index: usize, disturbance: Disturbance) {
        match disturbance {
            Disturbance::OutOfMemory | Disturbance::ChildOutOfMemory => {
                let Some(container) = self.containers.get_mut(index) else { return };
                if let (State::Running { .. }, Some(keeper)) =
                    (&container.state, self.keepers.get_mut(&index))
                {
                    container.is_out_of_memory = true;
                    keeper.signal(Signal::SIGKILL).await;
                }
            }
            Disturbance::Evicted { message, disruption_target } if self.stop.is_none() => {
                if disruption_target {
                    disrupt(&self.host.store, &self.pod, "TerminationByKubelet", &message);
                }
                self.event("Warning", "Evicted", message.clone(), None);
                self.cause = Some(("Evicted", message));
                self.begin(EVICTION_GRACE);
            }
            Disturbance::Evicted { .. } => {}
        }
    }
}
