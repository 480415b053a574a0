//! Named points at which a function may be killed, to show that the next delivery carries on.

/// Die here if `LONGSHORE_CRASH_AT` names this point and the file it names does not exist yet: `<point>:<file>`. The file is made first, so a function dies
/// once. Nothing in a deployment sets the variable.
pub fn point(name: &str) {
    let Some(setting) = crate::config::crash_at() else { return };
    let Some((point, file)) = setting.split_once(':') else { return };
    if point == name && std::fs::OpenOptions::new().write(true).create_new(true).open(file).is_ok() {
        tracing::warn!(point, "killed here, as asked");
        std::process::abort();
    }
}
