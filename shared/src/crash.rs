//! Named points at which a function may be killed, to show that the next delivery carries on.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Die here if `LONGSHORE_CRASH_AT` names this point and the file it names does not exist yet: `<point>:<file>`. The file is made first, so a function dies
/// once, and again whenever somebody has removed the file. Nothing in a deployment sets the variable.
pub fn point(name: &str) {
    let Some(setting) = crate::config::crash_at() else { return };
    let Some((point, file)) = setting.split_once(':') else { return };
    if point == name && std::fs::OpenOptions::new().write(true).create_new(true).open(file).is_ok() {
        tracing::warn!(point, "killed here, as asked");
        // As the kernel or an operator would: no handler runs, nothing is flushed, no other task of this process has a last word.
        let _ = kill(Pid::this(), Signal::SIGKILL);
        std::process::abort();
    }
}
