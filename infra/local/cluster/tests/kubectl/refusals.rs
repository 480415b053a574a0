//! What `kubectl` says when the cluster refuses.

use crate::desk::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_pod_is_not_found_whatever_is_asked_of_it() {
    let desk = Desk::open().await;
    let words = "rror from server (NotFound): pods \"nope\" not found";
    for line in ["get pod nope", "describe pod nope", "delete pod nope", "exec nope -- true", "logs nope"] {
        let said = desk.say(line).await.refused();
        assert!(said.contains(words), "{line}: {said}");
    }
    desk.finished("done", "true").await;
    let ended = desk.say("exec done -- true").await.refused();
    assert_eq!(ended, "error: cannot exec into a container in a completed pod; current phase is Succeeded");
    let wrong = desk.say("logs done -c nope").await.refused();
    assert!(wrong.starts_with("error: container nope is not valid for pod done"), "{wrong}");
    let nodes = desk.say("get jobs").await.refused();
    assert_eq!(nodes, "error: the server doesn't have a resource type \"jobs\"");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_user_is_told_what_is_forbidden() {
    let desk = Desk::open().await;
    desk.ready("sh").await;
    let user = "User \"system:serviceaccount:default:reader\"";
    let here = "in the namespace \"default\"";
    for (line, words) in [
        (
            "get events",
            format!("events is forbidden: {user} cannot list resource \"events\" in API group \"\" {here}"),
        ),
        (
            "exec sh -- true",
            format!(
                "pods \"sh\" is forbidden: {user} cannot create resource \"pods/exec\" in API group \"\" {here}"
            ),
        ),
        (
            "delete pod sh",
            format!(
                "pods \"sh\" is forbidden: {user} cannot delete resource \"pods\" in API group \"\" {here}"
            ),
        ),
        (
            "run other --image=busybox:1.36",
            format!("pods is forbidden: {user} cannot create resource \"pods\" in API group \"\" {here}"),
        ),
        (
            "get pods -n kube-system",
            format!(
                "pods is forbidden: {user} cannot list resource \"pods\" in API group \"\" in the namespace \"kube-system\""
            ),
        ),
    ] {
        let said = desk.say_as_reader(line).await.refused();
        // Newer ones say of exec that the connection could not be upgraded.
        assert!(said.starts_with("Error from server (Forbidden): ") || line.starts_with("exec"), "{said}");
        assert!(said.ends_with(&format!(": {words}")), "{line}: {said}");
    }
    assert_eq!(desk.say_as_reader("logs sh").await.well(), "started\n");
    let described = desk.say_as_reader("describe pod sh").await.well();
    assert!(described.contains("Status:           Running"), "{described}");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_pod_is_refused_with_every_mistake_in_it() {
    let desk = Desk::open().await;
    let manifest = desk.manifest("Bad_Name", "Sometimes");
    for line in [format!("apply -f {manifest} --dry-run=server"), format!("create -f {manifest}")] {
        let said = desk.say(&line).await.refused();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0].trim_end(), "The Pod \"Bad_Name\" is invalid:", "{said}");
        assert!(
            lines[1]
                .starts_with("* metadata.name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain")
        );
        let words = "* spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"";
        assert_eq!(lines[2], words);
        assert_eq!(lines.len(), 3, "{said}");
    }
    desk.close().await;
}
