//! Which container is what in a run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::facts::{Restart, RestartRule};
use crate::resolve::plan::{Deciding, Plan};

/// What the plan knows about the pod's containers and the pod's status does not tell: which of them decide, and restart rules that are newer
/// than the typed pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Roles {
    pub(super) deciding: Deciding,
    pub(super) rules: BTreeMap<String, Vec<RestartRule>>,
}

impl Roles {
    /// The roles of a run's containers.
    pub fn of(plan: &Plan) -> Self {
        Self::in_pod(&plan.pod, plan.deciding.clone())
    }

    /// The roles in a pod given as JSON (an object with `spec`).
    pub fn in_pod(pod: &Value, deciding: Deciding) -> Self {
        Roles { deciding, rules: rules_of(pod) }
    }
}

/// `restartPolicyRules` of every container that has some.
fn rules_of(pod: &Value) -> BTreeMap<String, Vec<RestartRule>> {
    ["/spec/containers", "/spec/initContainers"]
        .into_iter()
        .filter_map(|pointer| pod.pointer(pointer).and_then(Value::as_array))
        .flatten()
        .filter_map(|container| {
            let name = container.get("name")?.as_str()?;
            let rules: Vec<RestartRule> =
                container.get("restartPolicyRules")?.as_array()?.iter().filter_map(restart_rule).collect();
            Some((name.to_owned(), rules))
        })
        .collect()
}

/// A rule with action `Restart`; `RestartAllContainers` restarts this one as well.
fn restart_rule(rule: &Value) -> Option<RestartRule> {
    let exit_codes = rule.get("exitCodes")?;
    Some(RestartRule {
        negated: exit_codes.get("operator")?.as_str()? == "NotIn",
        exit_codes: exit_codes
            .get("values")?
            .as_array()?
            .iter()
            .filter_map(|value| i32::try_from(value.as_i64()?).ok())
            .collect(),
    })
}

/// A container's restart policy from its own field, the pod's, and its rules.
pub(super) fn restart(own: Option<&str>, pod: Option<&str>, rules: Option<&Vec<RestartRule>>) -> Restart {
    let policy = match own.or(pod) {
        Some("Never") => Restart::Never,
        Some("OnFailure") => Restart::OnFailure,
        // `Always` is what Kubernetes fills in.
        _ => Restart::Always,
    };
    match (rules, policy) {
        (Some(rules), policy @ (Restart::Never | Restart::OnFailure)) => {
            Restart::Rules { rules: rules.clone(), otherwise_on_failure: policy == Restart::OnFailure }
        }
        (_, policy) => policy,
    }
}
