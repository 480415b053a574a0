use super::*;
use crate::api::create::{CreateOptions, Created, create};
use crate::api::status::Status;
use crate::store::{Store, text};
use serde_json::json;

fn store() -> Store {
    let store = Store::new();
    create(&store, &options(Kind::Namespace, "", ""), json!({"metadata": {"name": "fxh"}}))
        .map(drop)
        .unwrap();
    store
}

fn options<'a>(kind: Kind, namespace: &'a str, field_validation: &'a str) -> CreateOptions<'a> {
    CreateOptions { kind, namespace, dry_run: false, text: &[], field_validation }
}

fn outcome(pod: Value) -> Result<Created, Status> {
    create(&store(), &options(Kind::Pod, "fxh", ""), pod)
}

fn with(spec: Value) -> Value {
    let mut pod = json!({"metadata": {"name": "m"}, "spec": {"containers": [{"name": "main", "image": "busybox:1.36"}]}});
    if let (Value::Object(fields), Value::Object(changes)) = (&mut pod["spec"], spec) {
        fields.extend(changes);
    }
    pod
}

fn with_container(changes: Value) -> Value {
    let mut pod = with(json!({}));
    if let (Value::Object(fields), Value::Object(changes)) = (&mut pod["spec"]["containers"][0], changes) {
        fields.extend(changes);
    }
    pod
}

#[test]
fn every_recorded_mistake_is_refused_with_the_recorded_causes() {
    // http/03-create-invalid
    let recorded: Vec<Value> = serde_json::from_str(include_str!("refused.json")).unwrap();
    assert!(recorded.len() > 35);
    for case in recorded {
        let refused = outcome(case["pod"].clone()).map(drop).unwrap_err();
        assert_eq!(refused.code, 422, "{}: {}", case["what"], refused.message);
        let details = refused.details.unwrap();
        assert_eq!(details["causes"], case["causes"], "{}", case["what"]);
    }
}

#[test]
fn what_cannot_be_read_is_400_in_the_words_of_go() {
    // http/03-create-invalid, 19, 24, 42
    for (pod, message) in [
        (
            with_container(json!({"env": [{"name": "A", "value": 1}]})),
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
        ),
        (
            with_container(json!({"command": "sh -c true"})),
            "json: cannot unmarshal string into Go struct field Container.spec.containers.command of type []string",
        ),
        (with_container(json!({"resources": {"requests": {"memory": "64 MB"}}})), quantity::COMPLAINT),
    ] {
        let refused = outcome(pod).map(drop).unwrap_err();
        assert_eq!(refused.code, 400);
        assert_eq!(refused.message, format!("Pod in version \"v1\" cannot be handled as a Pod: {message}"));
    }
}

#[test]
fn admission_refuses_with_403() {
    // http/03-create-invalid, 35 to 37
    for (spec, why) in [
        (
            json!({"serviceAccountName": "no-such-sa"}),
            "error looking up service account fxh/no-such-sa: serviceaccount \"no-such-sa\" not found",
        ),
        (json!({"priorityClassName": "no-such-class"}), "no PriorityClass with name no-such-class was found"),
        (
            json!({"runtimeClassName": "no-such-runtime"}),
            "pod rejected: RuntimeClass \"no-such-runtime\" not found",
        ),
    ] {
        let refused = outcome(with(spec)).map(drop).unwrap_err();
        assert_eq!(refused.code, 403);
        assert_eq!(refused.message, format!("pods \"m\" is forbidden: {why}"));
    }
}

#[test]
fn odd_things_are_accepted_with_a_warning_or_without() {
    // http/03-create-invalid, 16, 18, 33, 47, 51
    let twice = with_container(json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}));
    let created = outcome(twice).map_err(|status| status.message).unwrap();
    assert_eq!(
        created.warnings,
        [
            "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply"
        ]
    );
    for spec in [
        json!({"securityContext": {"runAsNonRoot": true, "runAsUser": 0}}),
        json!({"volumes": [{"name": "v"}]}),
        json!({"terminationGracePeriodSeconds": -1}),
    ] {
        let created = outcome(with(spec)).map_err(|status| status.message).unwrap();
        assert!(created.warnings.is_empty());
        if let Some(volume) = created.object.pointer("/spec/volumes/0/emptyDir") {
            assert_eq!(volume, &json!({}));
        }
        assert!(created.object["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap() > 0);
    }
}

#[test]
fn unknown_fields_are_refused_warned_about_or_ignored() {
    // http/05-field-validation
    let mut pod = with_container(json!({"imagePullpolicy": "Always"}));
    pod["spec"]["notAField"] = json!(1);
    let made = |validation: &str| create(&store(), &options(Kind::Pod, "fxh", validation), pod.clone());
    let refused = made("Strict").map(drop).unwrap_err();
    assert_eq!(
        refused.message,
        "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \
         \"spec.containers[0].imagePullpolicy\", unknown field \"spec.notAField\""
    );
    let warnings =
        ["unknown field \"spec.containers[0].imagePullpolicy\"", "unknown field \"spec.notAField\""];
    for (validation, expected) in [("", &warnings[..]), ("Warn", &warnings[..]), ("Ignore", &[])] {
        let created = made(validation).map_err(|status| status.message).unwrap();
        assert_eq!(created.warnings, expected);
        assert!(created.object["spec"].get("notAField").is_none());
    }
    assert_eq!(made("Bogus").map(drop).unwrap_err().code, 422);
}

#[test]
fn a_plain_pod_is_filled_in_as_recorded() {
    // http/01-create-ok
    let pod = json!({"metadata": {"name": "made"}, "spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "nodeSelector": {"disk": "no-such"},
        "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "sleep 600"]}]}});
    let created = outcome(pod).map_err(|status| status.message).unwrap();
    let mut object = Value::clone(&created.object);
    let volume = text(&object, "/spec/volumes/0/name").to_owned();
    assert!(volume.starts_with("kube-api-access-"));
    let lost = |key: &str| json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
    let expected = json!({
        "volumes": [{"name": volume, "projected": {"sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
        ], "defaultMode": 420}}],
        "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "sleep 600"], "resources": {},
            "volumeMounts": [{"name": volume, "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent"}],
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "dnsPolicy": "ClusterFirst",
        "nodeSelector": {"disk": "no-such"}, "serviceAccountName": "default", "serviceAccount": "default",
        "securityContext": {}, "schedulerName": "default-scheduler", "tolerations": [lost("not-ready"), lost("unreachable")],
        "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
    });
    assert_eq!(object["spec"].take(), expected);
    assert_eq!(object["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
}

#[test]
fn limits_become_requests_and_decide_the_quality_of_service() {
    let resources = |resources: Value| {
        let created = outcome(with_container(json!({"resources": resources})))
            .map_err(|status| status.message)
            .unwrap();
        Value::clone(&created.object)
    };
    let guaranteed = resources(json!({"limits": {"cpu": "1", "memory": "1Gi"}}));
    assert_eq!(
        guaranteed["spec"]["containers"][0]["resources"]["requests"],
        json!({"cpu": "1", "memory": "1Gi"})
    );
    assert_eq!(text(&guaranteed, "/status/qosClass"), "Guaranteed");
    assert_eq!(text(&resources(json!({"requests": {"cpu": "1"}})), "/status/qosClass"), "Burstable");
}

#[test]
fn only_a_few_fields_of_a_pod_may_change() {
    // http/11-patch
    let old = with(json!({"activeDeadlineSeconds": 100, "schedulingGates": [{"name": "a/b"}]}));
    for (pointer, value, field) in [
        ("/spec/restartPolicy", json!("Always"), "spec"),
        ("/spec/containers/0/command", json!(["true"]), "spec"),
        ("/spec/activeDeadlineSeconds", json!(200), "spec.activeDeadlineSeconds"),
        ("/spec/containers/0/image", json!("busybox:1.35"), ""),
        ("/spec/activeDeadlineSeconds", json!(50), ""),
        ("/spec/schedulingGates", json!([]), ""),
    ] {
        let mut new = old.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        new.pointer_mut(parent).unwrap()[name] = value;
        let causes = update::check(Kind::Pod, &old, &new);
        let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
        assert_eq!(fields, if field.is_empty() { vec![] } else { vec![field] }, "{pointer}");
    }
}
