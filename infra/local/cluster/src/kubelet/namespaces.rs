//! Whether this machine lets pods be made, and what to change when it does not.

use super::KubeletError;
use crate::container::StageCommand;
use std::fs;
use std::io;
use std::process::Stdio;
use tokio::process::Command;

/// Try it once.
pub async fn check(stage: &StageCommand) -> Result<(), KubeletError> {
    let mut command = Command::new(&stage.program);
    command.args(&stage.arguments).arg("probe").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let answer = command
        .output()
        .await
        .map_err(|cause| KubeletError::Stage { program: stage.program.clone(), cause })?;
    if answer.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&answer.stdout).into_owned();
    Err(KubeletError::Namespaces {
        advice: advice(|path| fs::read_to_string(path).ok()),
        cause: io::Error::other(words),
    })
}

/// The settings that commonly forbid it.
fn advice(read: impl Fn(&str) -> Option<String>) -> String {
    let is = |path: &str, value: &str| read(path).is_some_and(|text| text.trim() == value);
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "set it with `sysctl -w kernel.unprivileged_userns_clone=1`".into()
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "set it with `sysctl -w user.max_user_namespaces=15000`".into()
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "set it with `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`".into()
    } else {
        "inside another container, start that one with the right to make namespaces and an unmasked /proc"
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_names_the_setting_that_forbids() {
        for name in ["kernel/unprivileged_userns_clone", "user/max_user_namespaces"] {
            let path = format!("/proc/sys/{name}");
            let advice = advice(|asked| (asked == path).then(|| "0\n".into()));
            assert!(advice.contains(&name.replace('/', ".")), "{advice}");
        }
        let advice = advice(|asked| asked.ends_with("restrict_unprivileged_userns").then(|| "1\n".into()));
        assert!(advice.contains("kernel.apparmor_restrict_unprivileged_userns=0"), "{advice}");
    }
}
