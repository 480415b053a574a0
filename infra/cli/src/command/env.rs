//! `longshore env`

use local::Endpoints;

use crate::environment::Environment;
use crate::exit::{Failure, SUCCEEDED};
use crate::screen::Screen;
use crate::stack;

/// Print shell exports for the running stack.
///
/// # Errors
/// When none runs.
pub fn env(screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    screen.write(&exports(&stack::running(environment)?));
    Ok(SUCCEEDED)
}

fn exports(endpoints: &Endpoints) -> String {
    let kubeconfig = endpoints.kubeconfig.display().to_string();
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", endpoints.endpoint_url.as_str()),
        ("AWS_REGION", &endpoints.region),
        ("AWS_DEFAULT_REGION", &endpoints.region),
        ("AWS_ACCESS_KEY_ID", &endpoints.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &endpoints.secret_access_key),
    ];
    variables.extend(endpoints.eks_endpoint_url.as_deref().map(|url| ("AWS_ENDPOINT_URL_EKS", url)));
    variables.extend(endpoints.faults_url.as_deref().map(|url| ("LONGSHORE_FAULTS", url)));
    variables.extend([
        ("KUBECONFIG", kubeconfig.as_str()),
        ("LONGSHORE_BUCKET", &endpoints.bucket),
        ("LONGSHORE_SUBMISSIONS_QUEUE", &endpoints.submissions_queue),
        ("LONGSHORE_COLLECT_QUEUE", &endpoints.collect_queue),
        ("LONGSHORE_CANCEL_QUEUE", &endpoints.cancel_queue),
        ("LONGSHORE_UPLOADS_QUEUE", &endpoints.uploads_queue),
        ("LONGSHORE_NOTIFY_QUEUE", &endpoints.notify_queue),
        ("LONGSHORE_WAKE_QUEUE", &endpoints.wake_queue),
    ]);
    // A session token from the caller's shell would not match the test credentials.
    let mut text = String::from("unset AWS_SESSION_TOKEN AWS_PROFILE\n");
    for (name, value) in variables {
        text.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    text
}

/// One word for a POSIX shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A stack for tests.
    pub fn endpoints() -> Endpoints {
        serde_json::from_value(serde_json::json!({
            "formatVersion": 1, "pid": 1, "processStart": 1, "startedAt": "2026-01-01T00:00:00Z",
            "endpointUrl": "http://127.0.0.1:4566", "emulatorPort": 4566, "eksEndpointUrl": "http://127.0.0.1:4567",
            "region": "us-east-1", "accessKeyId": "test", "secretAccessKey": "test",
            "bucket": "longshore-000000000000-us-east-1",
            "submissionsQueue": "http://127.0.0.1:4566/000000000000/submissions",
            "collectQueue": "http://127.0.0.1:4566/000000000000/collect",
            "cancelQueue": "http://127.0.0.1:4566/000000000000/cancel",
            "uploadsQueue": "http://127.0.0.1:4566/000000000000/uploads",
            "notifyQueue": "http://127.0.0.1:4566/000000000000/notify",
            "wakeQueue": "http://127.0.0.1:4566/000000000000/wake.fifo",
            "submitFunction": "submit", "pollFunction": "poll", "collectFunction": "collect", "cancelFunction": "cancel",
            "triggerFunction": "trigger", "notifyFunction": "notify",
            "cluster": "embedded", "clusterName": "longshore", "clusterUrl": "https://127.0.0.1:6443",
            "faultsUrl": "http://127.0.0.1:4568/0123/faults",
            "kubeconfig": "/c/it's/kubeconfig", "images": [],
        }))
        .unwrap()
    }

    #[test]
    fn a_shell_reads_the_exports_as_they_are_meant() {
        let script =
            format!("{}printf %s \"$AWS_ENDPOINT_URL $KUBECONFIG $LONGSHORE_BUCKET\"", exports(&endpoints()));
        let output = std::process::Command::new("sh").args(["-euc", &script]).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "http://127.0.0.1:4566 /c/it's/kubeconfig longshore-000000000000-us-east-1"
        );
    }

    #[test]
    fn what_the_documentation_promises_is_exported() {
        let text = exports(&endpoints());
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "KUBECONFIG",
            "LONGSHORE_FAULTS",
            "LONGSHORE_BUCKET",
            "LONGSHORE_SUBMISSIONS_QUEUE",
        ] {
            assert!(text.contains(&format!("export {name}='")), "{name}");
        }
    }
}
