//! The operator's arguments as one layer of the pod.

use serde_json::{Map, Value, json};

use super::super::super::fields::Fields;
use super::super::super::label::legal_value;
use super::layers::Layer;
use super::{environment, resources};

/// How an argument is read.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Texts,
    Flag,
    Seconds,
    /// An object of Kubernetes.
    Object,
    /// A map of texts.
    Map,
    /// A list of objects of Kubernetes.
    Objects,
}

/// Arguments that are a field of the base container under another name.
const CONTAINER: [(&str, &str, Form); 8] = [
    ("image", "image", Form::Text),
    ("cmds", "command", Form::Texts),
    ("arguments", "args", Form::Texts),
    ("ports", "ports", Form::Objects),
    ("volume_mounts", "volumeMounts", Form::Objects),
    ("image_pull_policy", "imagePullPolicy", Form::Text),
    ("container_security_context", "securityContext", Form::Object),
    ("termination_message_policy", "terminationMessagePolicy", Form::Text),
];

/// Arguments that are a field of the pod spec under another name.
const POD: [(&str, &str, Form); 19] = [
    ("volumes", "volumes", Form::Objects),
    ("init_containers", "initContainers", Form::Objects),
    ("affinity", "affinity", Form::Object),
    ("tolerations", "tolerations", Form::Objects),
    ("node_selector", "nodeSelector", Form::Map),
    ("service_account_name", "serviceAccountName", Form::Text),
    ("automount_service_account_token", "automountServiceAccountToken", Form::Flag),
    ("hostnetwork", "hostNetwork", Form::Flag),
    ("host_aliases", "hostAliases", Form::Objects),
    ("hostname", "hostname", Form::Text),
    ("subdomain", "subdomain", Form::Text),
    ("dnspolicy", "dnsPolicy", Form::Text),
    ("dns_config", "dnsConfig", Form::Object),
    ("security_context", "securityContext", Form::Object),
    ("priority_class_name", "priorityClassName", Form::Text),
    ("schedulername", "schedulerName", Form::Text),
    ("runtime_class_name", "runtimeClassName", Form::Text),
    ("active_deadline_seconds", "activeDeadlineSeconds", Form::Seconds),
    ("termination_grace_period", "terminationGracePeriodSeconds", Form::Seconds),
];

/// Read them all. The base container is always part of the layer.
pub(super) fn read(fields: &Fields<'_>, base: &str) -> Layer {
    let mut container = part(fields, &CONTAINER);
    container.insert("name".to_owned(), base.into());
    if let Some(resources) = resources::read(fields) {
        container.insert("resources".to_owned(), resources);
    }
    let mut spec = part(fields, &POD);
    environment::read(fields, &mut container, &mut spec);
    if let Some(names) = fields.names("image_pull_secrets") {
        let secrets = names.into_iter().map(|name| json!({ "name": name }));
        spec.insert("imagePullSecrets".to_owned(), secrets.collect());
    }
    spec.insert("containers".to_owned(), json!([container]));
    Layer { metadata: metadata(fields), spec }
}

fn part(fields: &Fields<'_>, table: &[(&str, &str, Form)]) -> Map<String, Value> {
    let read = |(argument, field, form): &(&str, &str, Form)| {
        let value = match form {
            Form::Text => fields.text(argument)?.into(),
            Form::Texts => fields.texts(argument)?.into(),
            Form::Flag => fields.flag(argument)?.into(),
            Form::Seconds => fields.seconds(argument)?.into(),
            Form::Object => fields.spelled(argument)?,
            Form::Map => fields
                .text_map(argument)?
                .into_iter()
                .map(|(key, text)| (key, Value::from(text)))
                .collect::<Map<_, _>>()
                .into(),
            Form::Objects => fields.maps(argument)?.into(),
        };
        Some(((*field).to_owned(), value))
    };
    table.iter().filter_map(read).collect()
}

/// Labels that are no labels get a hash of what they were, so that two of them never become one.
fn metadata(fields: &Fields<'_>) -> Map<String, Value> {
    const LONGEST_NAME: usize = 220;
    let mut metadata = Map::new();
    if let Some(name) = fields.text("name") {
        if name.len() > LONGEST_NAME {
            fields.place.at("name").wrong(format!("`name` is longer than {LONGEST_NAME} bytes"));
        }
        metadata.insert("name".to_owned(), name.into());
    }
    if let Some(namespace) = fields.text("namespace") {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    if let Some(labels) = fields.labels("labels") {
        let legal = labels.into_iter().map(|(key, value)| {
            let value = value.as_str().map(legal_value).unwrap_or_default();
            (key, Value::from(value))
        });
        metadata.insert("labels".to_owned(), Value::Object(legal.collect()));
    }
    if let Some(annotations) = fields.labels("annotations") {
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
    }
    metadata
}
