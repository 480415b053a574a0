//! What is said when something goes wrong: the recorded words, and where there is no recording those of upstream's source.

use super::kind::{Admission, Form, PullProblem, RequestFault};
use crate::api::answer::{Answer, text_answer};
use crate::api::status::Status;
use crate::kubelet::image::full_name;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde_json::json;

/// What a request is about, as answers say it.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// The verb of the authorizer.
    pub verb: String,
    /// API group.
    pub group: String,
    /// The resource, without its subresource.
    pub resource: String,
    /// The resource with its subresource.
    pub resource_path: String,
    /// Namespace; empty for the cluster scope.
    pub namespace: String,
    /// The object.
    pub name: String,
    /// Who asks.
    pub user: String,
    /// Names of the containers of a pod that is created.
    pub containers: Vec<String>,
}

/// The roles that a server which has just started does not know yet (http/63-server-start-and-stop, without the two
/// of that recording's distribution).
const ROLES_NOT_READ: [&str; 4] = [
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
];

/// The answer that a fault gives instead of the real one, if it is one that answers.
pub(super) fn instead(fault: &RequestFault, about: &About) -> Option<Answer> {
    let status = match fault {
        // http/62-too-many-requests
        RequestFault::TooManyRequests { retry_after_seconds, form: Form::PlainText } => {
            let mut answer =
                text_answer(StatusCode::TOO_MANY_REQUESTS, "Too many requests, please try again later.\n");
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after_seconds));
            return Some(answer);
        }
        // The storage of a resource that starts: apiserver/pkg/storage/cacher, `NewTooManyRequests`.
        RequestFault::TooManyRequests { retry_after_seconds, form: Form::Status } => {
            let mut status =
                Status::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "storage is (re)initializing");
            status.details = Some(Box::new(json!({"retryAfterSeconds": retry_after_seconds})));
            status.retry_after_seconds = Some(*retry_after_seconds);
            status
        }
        RequestFault::ServerError(code) => server_error(*code),
        // http/50-unauthorized
        RequestFault::Unauthorized => Status::unauthorized(),
        RequestFault::StartingUp => starting_up(about),
        RequestFault::Admission(admission) => refused(admission, about),
        RequestFault::Latency(_)
        | RequestFault::ConnectionReset(_)
        | RequestFault::NoAnswer(_)
        | RequestFault::Watch { .. }
        | RequestFault::ExecCut { .. }
        | RequestFault::LogCut { .. } => return None,
    };
    Some(status.answer())
}

/// apimachinery/pkg/api/errors: `NewInternalError`, `NewServiceUnavailable` with the text of its generic answer, and
/// `NewTimeoutError` as the server's timeout filter calls it; what etcd says is client/v3's `ErrTimeout`.
fn server_error(code: StatusCode) -> Status {
    match code {
        StatusCode::SERVICE_UNAVAILABLE => {
            Status::new(code, "ServiceUnavailable", "the server is currently unable to handle the request")
        }
        StatusCode::GATEWAY_TIMEOUT => {
            Status::new(code, "Timeout", "Timeout: request did not complete within the allotted timeout")
        }
        code => Status { code, ..Status::internal("etcdserver: request timed out") },
    }
}

fn starting_up(about: &About) -> Status {
    let scope = match about.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let missing: Vec<String> = ROLES_NOT_READ
        .iter()
        .map(|role| format!("clusterrole.rbac.authorization.k8s.io \"{role}\" not found"))
        .collect();
    let why = format!(
        "User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {scope}: RBAC: [{}]",
        about.user,
        about.verb,
        about.resource_path,
        about.group,
        missing.join(", ")
    );
    // Of a create the authorizer does not know the name.
    let name = if about.verb == "create" { "" } else { about.name.as_str() };
    Status::forbidden(&about.group, &about.resource, name, &why)
}

fn refused(admission: &Admission, about: &About) -> Status {
    let forbidden = |why: &str| Status::forbidden("", "pods", &about.name, why);
    match admission {
        // http/08-quota
        Admission::Quota { quota, requested, used, limited } => forbidden(&format!(
            "exceeded quota: {quota}, requested: {requested}, used: {used}, limited: {limited}"
        )),
        // apimachinery/pkg/api/errors: `NewConflict`, with the words of registry/generic's `OptimisticLockErrorMsg`
        Admission::QuotaConflict { quota } => {
            let message = format!(
                "Operation cannot be fulfilled on resourcequotas \"{quota}\": the object has been modified; \
                 please apply your changes to the latest version and try again"
            );
            let mut status = Status::new(StatusCode::CONFLICT, "Conflict", message);
            status.details = Some(Box::new(json!({"name": quota, "kind": "resourcequotas"})));
            status
        }
        // http/09-limitrange
        Admission::LimitRange { message } => forbidden(message),
        // http/07-pod-security
        Admission::PodSecurity { level } => forbidden(&pod_security(level, &about.containers)),
        // apiserver/pkg/admission/plugin/webhook/errors: `ToStatusErr`
        Admission::Webhook { webhook, message, code } => {
            let message = format!("admission webhook \"{webhook}\" denied the request: {message}");
            let reason = match code.as_u16() {
                403 => "Forbidden",
                422 => "Invalid",
                _ => "BadRequest",
            };
            Status::new(*code, reason, message)
        }
    }
}

/// Every violation of the level `restricted` that a pod without a security context has.
fn pod_security(level: &str, containers: &[String]) -> String {
    let quoted: Vec<String> = containers.iter().map(|name| format!("\"{name}\"")).collect();
    let plural = if containers.len() == 1 { "" } else { "s" };
    let who = format!("container{plural} {}", quoted.join(", "));
    format!(
        "violates PodSecurity \"{level}\": allowPrivilegeEscalation != false \
         ({who} must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities \
         ({who} must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true \
         (pod or {who} must set securityContext.runAsNonRoot=true), seccompProfile \
         (pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
    )
}

/// What the container runtime says about a pull.
pub(super) fn pull(problem: PullProblem, image: &str) -> String {
    let full = full_name(image);
    let (host, rest) = full.split_once('/').unwrap_or(("docker.io", full.as_str()));
    let (path, tag) = rest.rsplit_once(':').unwrap_or((rest, "latest"));
    let unpack = format!("failed to pull and unpack image \"{full}\"");
    match problem {
        // pods/20-image-unknown-repo
        PullProblem::NotFound => {
            format!("rpc error: code = NotFound desc = {unpack}: failed to resolve image: {full}: not found")
        }
        // pods/21-image-unknown-host, without the resolver that its machine asked
        PullProblem::UnknownHost => format!(
            "{unpack}: failed to resolve image: failed to do request: \
             Head \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp: lookup {host}: no such host"
        ),
        // pods/23-image-unauthorised
        PullProblem::Unauthorized => format!(
            "{unpack}: failed to resolve image: pull access denied, repository does not exist or may require \
             authorization: authorization failed: no basic auth credentials"
        ),
        // containerd's `failed to copy: httpReadSeeker` around what Docker Hub answers; the error code is that of
        // https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
        PullProblem::RateLimited => format!(
            "{unpack}: failed to copy: httpReadSeeker: failed open: unexpected status code \
             https://{host}/v2/{path}/manifests/{tag}: 429 Too Many Requests - Server message: toomanyrequests: \
             You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
        ),
    }
}
