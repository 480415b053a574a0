//! One request: who asks, may they, and who answers.

use super::answer::{Answer, json_answer, text_answer};
use super::query::Query;
use super::route::{Route, Target, route};
use super::selector::Selector;
use super::status::Status;
use super::{Api, create, delete, discovery, exec, list, log, openapi, patch, watch};
use crate::access::{Question, User, review};
use crate::clock;
use crate::faults;
use crate::store::Kind;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::json;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The largest body that is read; upstream's constant.
const BODY_LIMIT_BYTES: usize = 3 * 1024 * 1024;

/// A request once its path, its sender and its body are known.
pub(crate) struct Asked {
    pub method: Method,
    pub target: Target,
    pub kind: Kind,
    pub query: Query,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Answer a request.
pub(super) async fn attend(api: Arc<Api>, request: Request<Incoming>, stop: CancellationToken) -> Answer {
    match answer(&api, request, stop).await {
        Ok(answer) => answer,
        Err(status) => {
            let mut answer = status.answer();
            if status.code == StatusCode::FORBIDDEN {
                let headers = answer.headers_mut();
                headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            }
            answer
        }
    }
}

async fn answer(
    api: &Arc<Api>,
    mut request: Request<Incoming>,
    stop: CancellationToken,
) -> Result<Answer, Status> {
    let credentials = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let user = api.tokens.authenticate(credentials, clock::now()).map_err(|_| Status::unauthorized())?;
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let target = match route(request.uri().path()).ok_or_else(Status::no_such_resource)? {
        Route::Resource(target) => target,
        Route::Path(path) => return at_path(api, &user, &path, &request),
    };
    let verb = target.verb(request.method(), &query);
    authorize(api, &user, &target, verb, &query)?;
    let is_review = target.resource.ends_with("reviews") && target.group.starts_with("auth");
    let kind = Kind::find(&target.group, &target.resource).filter(|_| target.version == "v1");
    let version = query.text("resourceVersion").to_owned();
    let asks = (&user, &target, verb);
    if matches!(target.subresource.as_str(), "exec" | "attach") && kind == Some(Kind::Pod) {
        let strike = faults::meet(&api.faults, &api.store, asks, request.headers(), &[]).await;
        if let Some(answer) = strike.instead().await {
            return Ok(answer);
        }
        strike.mark(request.extensions_mut());
        let answered = exec::upgrade(api, &user, &target, &query, request, stop).await;
        return strike.on(answered, &api.store, &version).await;
    }
    let (Parts { method, headers, .. }, body) = request.into_parts();
    let body = collect(body).await?;
    let strike = faults::meet(&api.faults, &api.store, asks, &headers, &body).await;
    if let Some(answer) = strike.instead().await {
        return Ok(answer);
    }
    let answered = match kind {
        _ if is_review => at_review(api, &user, &target, &method, &headers, &body),
        None => Err(discovery::unknown_resource(&target)),
        Some(kind) => dispatch(api, Asked { method, target, kind, query, headers, body }).await,
    };
    strike.on(answered, &api.store, &version).await
}

async fn collect(body: Incoming) -> Result<Bytes, Status> {
    match Limited::new(body, BODY_LIMIT_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("Request entity too large: limit is {BODY_LIMIT_BYTES}");
            Err(Status::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message))
        }
        Err(error) => Err(Status::bad_request(error.to_string())),
    }
}

async fn dispatch(api: &Arc<Api>, asked: Asked) -> Result<Answer, Status> {
    let collection = asked.target.name.is_empty();
    match (&asked.method, asked.target.subresource.as_str()) {
        (&Method::GET, "log") if asked.kind == Kind::Pod => log::log(api, &asked).await,
        (&Method::GET, "" | "status") if !collection => list::get(api, &asked),
        (&Method::GET, "") if asked.query.is_set("watch") => watch::watch(api, &asked),
        (&Method::GET, "") => list::list(api, &asked),
        (&Method::POST, "") if collection => create::created(api, &asked),
        (&Method::PUT, "") if !collection => patch::replace(api, &asked),
        (&Method::PATCH, "") if !collection => patch::patch(api, &asked),
        (&Method::DELETE, "") if collection => delete::delete_collection(api, &asked),
        (&Method::DELETE, "") => delete::delete(api, &asked),
        (_, "") => Err(Status::method_not_allowed()),
        (_, subresource) => Err(discovery::unknown_subresource(&asked.target, subresource)),
    }
}

fn at_path(api: &Api, user: &User, path: &str, request: &Request<Incoming>) -> Result<Answer, Status> {
    if api.authorizer.path(user, path).is_none() {
        let message = format!("forbidden: User \"{}\" cannot get path \"{path}\"", user.name);
        let mut status = Status::new(StatusCode::FORBIDDEN, "Forbidden", message);
        status.details = Some(Box::new(json!({})));
        return Err(status);
    }
    let accept = accept(request.headers());
    discovery::at(api, path, accept)
        .or_else(|| openapi::at(path))
        .map_or_else(|| Ok(text_answer(StatusCode::NOT_FOUND, "404 page not found\n")), Ok)
}

fn at_review(
    api: &Api,
    user: &User,
    target: &Target,
    method: &Method,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Answer, Status> {
    if method != Method::POST || !target.name.is_empty() {
        return Err(Status::method_not_allowed());
    }
    let kind = match target.resource.as_str() {
        "selfsubjectrulesreviews" => "SelfSubjectRulesReview",
        "selfsubjectreviews" => "SelfSubjectReview",
        _ => "SelfSubjectAccessReview",
    };
    let body = create::read(headers, body, kind)?;
    let answer = review(&api.authorizer, user, &target.resource, &body)?;
    Ok(json_answer(StatusCode::CREATED, &answer))
}

/// Refuse in upstream's words what the rules do not allow.
pub(super) fn authorize(
    api: &Api,
    user: &User,
    target: &Target,
    verb: &str,
    query: &Query,
) -> Result<(), Status> {
    let mut name = target.name.clone();
    if name.is_empty()
        && let Some(kind) = Kind::find(&target.group, &target.resource)
        && let Ok(selector) = Selector::parse(kind, "", query.text("fieldSelector"))
    {
        name = selector.exact_name().unwrap_or_default().to_owned();
    }
    let question = Question {
        verb: verb.into(),
        group: target.group.clone(),
        resource: target.resource_path(),
        namespace: target.namespace.clone(),
        name: name.clone(),
    };
    if api.authorizer.allows(user, &question).is_some() {
        return Ok(());
    }
    let scope = match target.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let why = format!(
        "User \"{}\" cannot {verb} resource \"{}\" in API group \"{}\" {scope}",
        user.name, question.resource, target.group
    );
    Err(Status::forbidden(&target.group, &target.resource, &name, &why))
}

/// The `Accept` header; empty when there is none.
pub(super) fn accept(headers: &HeaderMap) -> &str {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
