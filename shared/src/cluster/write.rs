//! What is written to an API server: pods that are created and deleted. The answers say no more than is needed: metadata, without specification and status.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use k8s_openapi::api::core::v1::Pod;
use kube::Resource;
use kube::api::{DeleteParams, Preconditions};
use serde_json::Value;

use super::client::CreatedPod;
use super::error::ClusterError;

/// An object's metadata instead of the object, where the server can; the whole object is understood as well.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// POST a pod, sent as it is: fields that this code's types do not know must arrive.
pub(super) async fn create(
    client: kube::Client,
    namespace: &str,
    pod: &Value,
) -> Result<CreatedPod, ClusterError> {
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let operation = format!("create pod `{namespace}/{name}`");
    let body =
        serde_json::to_vec(pod).map_err(|error| ClusterError::unreachable(operation.clone(), error))?;
    // Strictly: else the API server leaves out what it does not know, and a limit or a toleration that is misspelt is simply not there.
    let path = format!("{}?fieldValidation=Strict", Pod::url_path(&(), Some(namespace)));
    let request = http::Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|error| ClusterError::unreachable(operation.clone(), error))?;
    let created = send(client, request, &operation).await?;
    let text = |pointer: &str| created.pointer(pointer).and_then(Value::as_str);
    Ok(CreatedPod {
        uid: text("/metadata/uid").unwrap_or_default().to_owned(),
        created_at: text("/metadata/creationTimestamp").and_then(|time| time.parse().ok()),
    })
}

/// DELETE the pod with this uid. Gone already is fine, and so is that the name belongs to another pod by now (409 on the uid).
pub(super) async fn delete(
    client: kube::Client,
    namespace: &str,
    name: &str,
    uid: &str,
    grace_seconds: Option<u32>,
) -> Result<(), ClusterError> {
    let operation = format!("delete pod `{namespace}/{name}`");
    let parameters = DeleteParams {
        grace_period_seconds: grace_seconds,
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    let request = kube::core::Request::new(Pod::url_path(&(), Some(namespace)))
        .delete(name, &parameters)
        .map_err(|error| ClusterError::unreachable(operation.clone(), error))?;
    match send(client, request, &operation).await {
        Ok(_) | Err(ClusterError::Api { status: 404 | 409, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Plain-text answers (429) must be told apart, and their `Retry-After` be read.
async fn send(
    client: kube::Client,
    mut request: http::Request<Vec<u8>>,
    operation: &str,
) -> Result<Value, ClusterError> {
    let unreachable =
        |source: Box<dyn std::error::Error + Send + Sync>| ClusterError::unreachable(operation, source);
    request.headers_mut().insert(ACCEPT, http::HeaderValue::from_static(METADATA));
    let answer = client.send(request.map(kube::client::Body::from)).await;
    let (head, body) = answer.map_err(|error| unreachable(error.into()))?.into_parts();
    let bytes = body.collect_bytes().await.map_err(|error| unreachable(error.into()))?;
    if head.status.is_success() {
        return serde_json::from_slice(&bytes).map_err(|error| unreachable(error.into()));
    }
    let header = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Err(refusal(operation, head.status.as_u16(), &bytes, header.map(Duration::from_secs)))
}

/// An error answer: a Status object, or plain text as 429 and proxies send it.
fn refusal(operation: &str, status: u16, body: &[u8], retry_after: Option<Duration>) -> ClusterError {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let text = |name: &str| {
        parsed.as_ref().and_then(|value| value.get(name)?.as_str()).unwrap_or_default().to_owned()
    };
    let plain =
        || String::from_utf8_lossy(body.get(..body.len().min(1024)).unwrap_or_default()).trim().to_owned();
    let message = if parsed.is_some() { text("message") } else { plain() };
    let (operation, reason) = (operation.to_owned(), text("reason"));
    ClusterError::Api { operation, status, reason, message, retry_after }
}
