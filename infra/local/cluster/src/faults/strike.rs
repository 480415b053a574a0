//! A request meets the plan.

use super::Faults;
use super::kind::{Effect, RequestFault};
use super::plan::Seen;
use super::stream::{self, ExecCut};
use super::texts::{self, About};
use super::wire::cut;
use crate::access::User;
use crate::api::answer::{Answer, line};
use crate::api::route::Target;
use crate::api::status::Status;
use crate::store::{Kind, Store, text};
use http::{Extensions, HeaderMap, header};
use serde_json::{Value, json};
use std::sync::Arc;

/// What happens to a request; by default nothing.
#[derive(Default)]
pub(crate) struct Strike(Option<(RequestFault, About)>);

/// Find out what happens to a request, and wait as long as it is to be late.
pub(crate) async fn meet(
    faults: &Faults,
    store: &Store,
    (user, target, verb): (&User, &Target, &str),
    headers: &HeaderMap,
    body: &[u8],
) -> Strike {
    if !faults.is_on() {
        return Strike::default();
    }
    // A body that cannot be read is refused later.
    let sent: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_new = verb == "create" && target.name.is_empty();
    let name = if is_new { text(&sent, "/metadata/name") } else { target.name.as_str() };
    let stored: Option<Arc<Value>> = Kind::find(&target.group, &target.resource)
        .filter(|_| !is_new)
        .and_then(|kind| store.get(kind, &target.namespace, name));
    let object = stored.as_deref().unwrap_or(&sent);
    let resource_path = target.resource_path();
    let seen = Seen {
        verb,
        resource: &resource_path,
        namespace: &target.namespace,
        name,
        labels: object.pointer("/metadata/labels"),
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default(),
    };
    let (delay, fault) = faults.request(&seen);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let Some(fault) = fault else { return Strike::default() };
    tracing::info!(verb, resource = resource_path, name, ?fault, "a request goes wrong on request");
    let containers = object.pointer("/spec/containers").and_then(Value::as_array);
    let about = About {
        verb: verb.to_owned(),
        group: target.group.clone(),
        resource: target.resource.clone(),
        namespace: target.namespace.clone(),
        name: name.to_owned(),
        user: user.name.clone(),
        containers: containers.into_iter().flatten().map(|one| text(one, "/name").to_owned()).collect(),
        resource_path,
    };
    Strike(Some((fault, about)))
}

impl Strike {
    /// What is answered instead of carrying the request out.
    pub async fn instead(&self) -> Option<Answer> {
        let (fault, about) = self.0.as_ref()?;
        match fault {
            RequestFault::ConnectionReset(Effect::None) => Some(cut()),
            RequestFault::NoAnswer(Effect::None) => std::future::pending().await,
            fault => texts::instead(fault, about),
        }
    }

    /// Mark the request for an exec.
    pub fn mark(&self, extensions: &mut Extensions) {
        if let Some((RequestFault::ExecCut { after_bytes }, _)) = &self.0 {
            extensions.insert(ExecCut(*after_bytes));
        }
    }

    /// What becomes of the answer of a request that was carried out.
    pub async fn on(
        self,
        answered: Result<Answer, Status>,
        store: &Store,
        version: &str,
    ) -> Result<Answer, Status> {
        let Some((fault, _)) = self.0 else { return answered };
        match (fault, answered) {
            (RequestFault::ConnectionReset(Effect::Done), _) => Ok(cut()),
            (RequestFault::NoAnswer(Effect::Done), _) => std::future::pending().await,
            (RequestFault::Watch { after_events, how }, Ok(answer)) => {
                // http/41-watch-gone
                let message = format!("too old resource version: {version} ({})", store.version());
                let gone = line(&json!({"type": "ERROR", "object": Status::expired(message).object()}));
                Ok(stream::watch(answer, after_events, how, gone))
            }
            (RequestFault::LogCut { after_bytes }, Ok(answer)) => Ok(stream::log(answer, after_bytes)),
            (_, answered) => answered,
        }
    }
}
