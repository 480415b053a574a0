//! `pods/log`: the options checked as upstream checks them, then the node's bytes as they come.

use super::Api;
use super::answer::{Answer, answer, streamed, whole};
use super::attend::Asked;
use super::status::{Cause, Status};
use crate::clock;
use crate::node::{ContainerRef, LogOptions, NodeError};
use crate::store::{Kind, text};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// `GET` of `pods/log`.
pub(super) async fn log(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let name = asked.target.name.as_str();
    let options = options(asked)?;
    let pod = api
        .store
        .get(Kind::Pod, &asked.target.namespace, name)
        .ok_or_else(|| Status::not_found(Kind::Pod, name))?;
    let container = container(&pod, asked.query.text("container"))?;
    if text(&pod, "/spec/nodeName").is_empty() {
        let mut answer = answer(StatusCode::NO_CONTENT, "text/plain", whole(""));
        answer.headers_mut().remove(http::header::CONTENT_TYPE);
        return Ok(answer);
    }
    let pieces = api.node.logs(container_ref(&pod, &container), options).await;
    let pieces = pieces.map_err(|error| refused(&error, &pod, &container))?;
    let body = streamed(pieces, |mut pieces| async move { pieces.recv().await.map(|bytes| (bytes, pieces)) });
    Ok(answer(StatusCode::OK, "text/plain", body))
}

/// The container as the node knows it.
pub(super) fn container_ref(pod: &Value, container: &str) -> ContainerRef {
    ContainerRef {
        namespace: text(pod, "/metadata/namespace").into(),
        pod: text(pod, "/metadata/name").into(),
        uid: text(pod, "/metadata/uid").into(),
        container: container.into(),
    }
}

/// The container that is meant: the one named, or the only one.
///
/// # Errors
///
/// 400 in upstream's words when there is no such container, or none is named and there are several.
pub(super) fn container(pod: &Value, named: &str) -> Result<String, Status> {
    let names = |field: &str| -> Vec<String> {
        let containers = pod.pointer(&format!("/spec/{field}")).and_then(Value::as_array);
        containers.into_iter().flatten().map(|container| text(container, "/name").to_owned()).collect()
    };
    let (containers, init) = (names("containers"), names("initContainers"));
    let name = text(pod, "/metadata/name");
    if named.is_empty() {
        return match containers.as_slice() {
            [only] => Ok(only.clone()),
            several => {
                let several = several.join(" ");
                let mut message =
                    format!("a container name must be specified for pod {name}, choose one of: [{several}]");
                if !init.is_empty() {
                    message.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
                }
                Err(Status::bad_request(message))
            }
        };
    }
    if containers.iter().chain(&init).any(|container| container == named) {
        return Ok(named.into());
    }
    Err(Status::bad_request(format!("container {named} is not valid for pod {name}")))
}

fn options(asked: &Asked) -> Result<LogOptions, Status> {
    let query = &asked.query;
    let (tail, limit, seconds) =
        (query.number("tailLines")?, query.number("limitBytes")?, query.number("sinceSeconds")?);
    let time = match query.text("sinceTime") {
        "" => None,
        time => Some(time.parse::<Timestamp>().map_err(|_| {
            Status::bad_request(format!(
                "parsing time \"{time}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{time}\" as \"2006\""
            ))
        })?),
    };
    let mut causes = Vec::new();
    let mut invalid = |field: &str, value: i64, what: &str| {
        causes.push(Cause {
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {value}: must be {what}"),
            field: field.into(),
        });
    };
    if let Some(tail) = tail.filter(|tail| *tail < 0) {
        invalid("tailLines", tail, "greater than or equal to 0");
    }
    if let Some(limit) = limit.filter(|limit| *limit < 1) {
        invalid("limitBytes", limit, "greater than 0");
    }
    if let Some(seconds) = seconds.filter(|seconds| *seconds < 1) {
        invalid("sinceSeconds", seconds, "greater than 0");
    }
    if time.is_some() && seconds.is_some() {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            message: "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified".into(),
            field: "[]".into(),
        });
    }
    if !causes.is_empty() {
        return Err(Status::invalid("", "PodLogOptions", &asked.target.name, &causes));
    }
    let unsigned = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    Ok(LogOptions {
        follow: query.is_set("follow"),
        previous: query.is_set("previous"),
        since: time.or_else(|| seconds.map(|seconds| clock::now() - SignedDuration::from_secs(seconds))),
        tail_lines: unsigned(tail),
        limit_bytes: unsigned(limit),
        timestamps: query.is_set("timestamps"),
    })
}

fn refused(error: &NodeError, pod: &Value, container: &str) -> Status {
    let name = text(pod, "/metadata/name");
    match error {
        NodeError::Waiting { container, reason } => {
            let why = match reason.as_str() {
                "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image",
                reason => reason,
            };
            Status::bad_request(format!(
                "container \"{container}\" in pod \"{name}\" is waiting to start: {why}"
            ))
        }
        NodeError::NoPrevious(container) => Status::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{name}\" not found"
        )),
        NodeError::NotRunning(container) => {
            Status::bad_request(format!("container \"{container}\" in pod \"{name}\" is not available"))
        }
        NodeError::Unreachable => {
            let node = text(pod, "/spec/nodeName");
            let namespace = text(pod, "/metadata/namespace");
            Status::internal(format!(
                "Get \"https://{node}:10250/containerLogs/{namespace}/{name}/{container}\": \
                 dial tcp 127.0.0.1:10250: connect: connection refused"
            ))
        }
        NodeError::Unsupported(what) => Status::unsupported(what),
        NodeError::Other(why) => Status::internal(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_container_is_found_or_refused_as_recorded() {
        // http/20-log
        let two =
            json!({"metadata": {"name": "two"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(container(&two, "b").unwrap(), "b");
        let refused = container(&two, "").unwrap_err();
        assert_eq!(refused.message, "a container name must be specified for pod two, choose one of: [a b]");
        assert_eq!(container(&two, "nope").unwrap_err().message, "container nope is not valid for pod two");
    }

    #[test]
    fn a_waiting_container_is_400_with_its_reason() {
        let pod = json!({"metadata": {"name": "waiting"}});
        let waiting = |reason: &str| NodeError::Waiting { container: "main".into(), reason: reason.into() };
        for (reason, why) in [
            ("ImagePullBackOff", "trying and failing to pull image"),
            ("CreateContainerConfigError", "CreateContainerConfigError"),
        ] {
            let status = refused(&waiting(reason), &pod, "main");
            assert_eq!(status.code, 400);
            assert_eq!(
                status.message,
                format!("container \"main\" in pod \"waiting\" is waiting to start: {why}")
            );
        }
    }
}
