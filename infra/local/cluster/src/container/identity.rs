//! User namespaces and their id maps, one user and one group each, so that no privilege is needed.

use super::{Doing, Refusal, spec::Identity};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use std::fs;

/// Root inside, so that the process may mount.
pub const ROOT: Identity = Identity { user: 0, group: 0 };

/// Leave for a new user namespace, and the other namespaces named, as `identity`.
pub fn unshare_as(identity: Identity, namespaces: CloneFlags) -> Result<(), Refusal> {
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | namespaces).doing("unshare", "namespaces")?;
    fs::write("/proc/self/setgroups", "deny").doing("write", "/proc/self/setgroups")?;
    fs::write("/proc/self/uid_map", format!("{} {user} 1", identity.user))
        .doing("write", "/proc/self/uid_map")?;
    fs::write("/proc/self/gid_map", format!("{} {group} 1", identity.group))
        .doing("write", "/proc/self/gid_map")
}
