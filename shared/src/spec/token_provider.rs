//! `oauthTokenProvider`: a task that makes a bearer token. Kestra runs any task for it; here the one for EKS is built in.

use serde::{Deserialize, Serialize};

use super::catalogue::{EKS_TOKEN, TOKEN_PROVIDER};
use super::fields::Fields;
use super::place::Place;

/// What to do instead of another task.
const ALTERNATIVES: &str = "`eks` (io.kestra.plugin.aws.auth.EksToken), which is built in; for another cluster give a service account's token as \
                            `oauthToken`, best by the ARN of a secret that something renews, or a client certificate";

/// A token for an EKS cluster, signed anew each time by the function's own role or by one that it assumes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenProvider {
    /// Name of the cluster.
    pub cluster: String,
    /// Its region; the function's own unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ARN of a role to assume first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// External id that the role asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Use a token no longer than this, in seconds (`cache`); never longer than EKS accepts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_seconds: Option<u64>,
}

/// The provider of a connection. With `strictly` values are checked for form.
pub(crate) fn read(connection: &Fields<'_>, strictly: bool) -> Option<TokenProvider> {
    let fields = connection.nested("oauthTokenProvider")?;
    fields.only(&TOKEN_PROVIDER);
    let cache_seconds = fields.duration("cache");
    let output = fields.text("output");
    if strictly && output.is_some_and(|text| !text.contains("tokenValue")) {
        let place = fields.place.at("output");
        place.wrong("`output` is not the token; leave it out, or write {{ token.tokenValue }}");
    }
    let Some(task) = fields.nested("task") else {
        if fields.value("task").is_none() {
            fields.place.wrong("has no `task`, which makes the token");
        }
        return None;
    };
    let kind = task.required_text("type")?;
    if !EKS_TOKEN.types.contains(&kind.as_str()) {
        task.place.at("type").refuse(&kind.into(), "is no task that makes tokens here", ALTERNATIVES);
        return None;
    }
    task.only(&EKS_TOKEN);
    task.text("id");
    let role_arn = task.text("stsRoleArn");
    if let Some(role) = role_arn.as_deref().filter(|role| strictly && !task.place.is_open(role)) {
        check_role(role, &task.place.at("stsRoleArn"));
    }
    let (region, external_id) = (task.text("region"), task.text("stsRoleExternalId"));
    let cluster = task.required_text("clusterName")?;
    Some(TokenProvider { cluster, region, role_arn, external_id, cache_seconds })
}

/// The text is an ARN of a role.
pub(crate) fn check_role(role: &str, place: &Place<'_>) {
    if !(role.starts_with("arn:") && role.contains(":role/")) {
        place.wrong("is no ARN of a role");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::spec::place::{Notes, Reading};

    fn read_it(provider: &Value) -> (Option<TokenProvider>, Vec<String>) {
        let notes = Notes::new(Reading::Rendered);
        let connection = json!({ "oauthTokenProvider": provider });
        let fields = Fields::read(&connection, Place::new(&notes, "")).unwrap();
        let provider = read(&fields, true);
        (provider, notes.into_problems().0.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_task_for_eks_is_built_in_under_both_names() {
        for kind in EKS_TOKEN.types {
            let (provider, problems) = read_it(&json!({
                "task": { "id": "t", "type": kind, "clusterName": "prod", "region": "eu-west-1", "stsRoleArn": "arn:aws:iam::1:role/x", "expirationDuration": 600 },
                "output": "{{ token.tokenValue }}", "cache": "PT5M",
            }));
            assert_eq!(problems, Vec::<String>::new());
            let expected = TokenProvider {
                cluster: "prod".into(),
                region: Some("eu-west-1".into()),
                role_arn: Some("arn:aws:iam::1:role/x".into()),
                external_id: None,
                cache_seconds: Some(300),
            };
            assert_eq!(provider, Some(expected));
        }
    }

    #[test]
    fn another_task_is_refused_with_the_alternatives() {
        let (_, problems) = read_it(
            &json!({ "task": { "type": "io.kestra.plugin.gcp.auth.OauthAccessToken" }, "output": "{{ accessToken.tokenValue }}" }),
        );
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("is no task that makes tokens here"), "{problems:?}");
        assert!(problems[0].contains("EksToken") && problems[0].contains("`oauthToken`"), "{problems:?}");
    }

    #[test]
    fn what_a_function_cannot_use_is_told() {
        for (provider, words) in [
            (json!({}), "has no `task`"),
            (json!({ "task": { "type": "eks" } }), "has no `clusterName`"),
            (
                json!({ "task": { "type": "eks", "clusterName": "c", "accessKeyId": "x" } }),
                "`accessKeyId` is not supported yet; the token is signed by",
            ),
            (json!({ "task": { "type": "eks", "clusterName": "c", "cluster": "x" } }), "did you mean"),
            (json!({ "task": { "type": "eks", "clusterName": "c", "stsRoleArn": "x" } }), "no ARN of a role"),
            (
                json!({ "task": { "type": "eks", "clusterName": "c" }, "output": "{{ x }}" }),
                "is not the token",
            ),
        ] {
            let (_, problems) = read_it(&provider);
            assert!(problems.len() == 1 && problems[0].contains(words), "{words}: {problems:?}");
        }
    }
}
