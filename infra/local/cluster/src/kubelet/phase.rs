//! The phase of a pod, as the kubelet derives it from the containers.

use super::container::{Container, Role, State};

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not every container has started yet.
    Pending,
    /// At least one runs, or will again.
    Running,
    /// Every main container ended with 0 and none comes back.
    Succeeded,
    /// Every main container ended, one of them badly, and none comes back.
    Failed,
}

impl Phase {
    /// As the status says it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
        }
    }

    /// Whether it can still change.
    pub fn is_final(self) -> bool {
        matches!(self, Phase::Succeeded | Phase::Failed)
    }
}

/// The phase that these containers make. `is_stopping`: nothing is started again.
pub fn of(containers: &[Container], policy: &str, is_stopping: bool) -> Phase {
    let inits = || containers.iter().filter(|container| container.role == Role::Init);
    let mains = || containers.iter().filter(|container| container.role == Role::Main);
    let ends_for_good = |container: &Container| {
        container
            .ended()
            .is_some_and(|ended| is_stopping || !container.restarts_after(ended.exit_code, policy))
    };
    if inits().any(|init| ends_for_good(init) && !init.has_succeeded()) && !is_stopping {
        return Phase::Failed;
    }
    let sidecar_waits = containers.iter().any(|container| {
        container.role == Role::Sidecar
            && container.last.is_none()
            && matches!(container.state, State::Waiting { .. })
    });
    let main_waits = |main: &Container| matches!(main.shown(), State::Waiting { .. }) && main.last.is_none();
    if !inits().all(Container::has_succeeded)
        || mains().any(main_waits)
        || (sidecar_waits && !mains().any(|main| main.id.is_some()))
    {
        return Phase::Pending;
    }
    let sidecar_runs =
        containers.iter().any(|container| container.role == Role::Sidecar && container.is_running());
    if sidecar_runs || !mains().all(ends_for_good) {
        return Phase::Running;
    }
    if mains().all(Container::has_succeeded) { Phase::Succeeded } else { Phase::Failed }
}
