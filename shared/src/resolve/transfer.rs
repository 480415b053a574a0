//! Whether the deployment's helper moves a run's files, and in which container.

use serde_json::Value;

use super::plan::{Deciding, Plan};
use crate::spec::layout::COLLECTION_SECONDS;
use crate::spec::transfer::Transfer;

/// What a deployment has for direct transfers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Means<'a> {
    /// The helper's image.
    pub image: Option<&'a str>,
    /// How long, at least, what a function signs is of use.
    pub signing_seconds: u64,
}

/// Settle how the files of a run move. Whoever asked for direct transfer and does not get it is told why.
pub fn settle(plan: &mut Plan, means: Means<'_>) {
    if plan.files.transfer == Transfer::Exec || !plan.files.is_needed() {
        return;
    }
    match obstacle(plan, means) {
        Ok(image) => plan.files.helper = Some(image),
        Err(reason) if plan.files.transfer == Transfer::Direct => {
            plan.warnings.push(format!("files move by exec instead of directly: {reason}"));
        }
        Err(_) => {}
    }
}

/// The container whose program the helper runs: the one that decides, where its program is known and runs once.
pub fn wrapped(plan: &Plan) -> Option<&str> {
    let Deciding::Container(name) = &plan.deciding else { return None };
    let once = |holder: &Value| holder.get("restartPolicy").is_none_or(|policy| policy == "Never");
    let spec = plan.pod.get("spec").filter(|spec| once(spec))?;
    let container = spec
        .get("containers")?
        .as_array()?
        .iter()
        .find(|container| container.get("name").is_some_and(|own| own == name.as_str()))?;
    let command = container.get("command").and_then(Value::as_array)?;
    let is_plain = once(container) && container.get("restartPolicyRules").is_none();
    (is_plain && !command.is_empty()).then_some(name)
}

/// The helper's image, or what stands in its way.
fn obstacle(plan: &Plan, means: Means<'_>) -> Result<String, String> {
    let image = means.image.ok_or("the deployment has no helper; set its parameter `HelperImage`")?;
    if plan.files.value.is_some() {
        return Err("a return value is read by exec".to_owned());
    }
    if plan.files.has_outputs() {
        if wrapped(plan).is_none() {
            return Err("the helper runs the program of one container that decides, has a `command` and never restarts; there is none".to_owned());
        }
        if plan.is_let_in() {
            return Err(
                "a queue or a gate lets the pod in, and nobody knows whether signatures last until then"
                    .to_owned(),
            );
        }
        let life = grant_seconds(plan);
        if life > means.signing_seconds {
            let sure = means.signing_seconds;
            return Err(format!(
                "the run may last {life} s, and the functions' signatures are sure to last {sure} s (parameter `SigningSeconds`)"
            ));
        }
    }
    Ok(image.to_owned())
}

/// How long a run's grants must be of use: for as long as its pod may live.
pub fn grant_seconds(plan: &Plan) -> u64 {
    let limits = &plan.limits;
    limits.start_seconds().saturating_add(limits.running_seconds).saturating_add(COLLECTION_SECONDS)
}
