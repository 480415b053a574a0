//! What `longshore doctor` found, as text and as JSON.

use serde_json::{Value, json};
use shared::cluster::access;
use shared::cluster::client::Permission;

use crate::exit::{FAILED, SUCCEEDED, UNREACHABLE};
use crate::paint::Paint;
use crate::services::Look;
use crate::table::{aligned, titled};

/// Everything that was looked at.
#[derive(Clone, Debug)]
pub struct Checkup {
    /// How the cluster was named: a kubeconfig, an EKS cluster, the stack's.
    pub cluster: String,
    /// Who asked, as the cluster knows them; `None` where it does not tell.
    pub identity: Option<String>,
    /// Version as the cluster writes it, and what it implies.
    pub version: Option<(String, Vec<String>)>,
    /// Kubernetes namespace.
    pub namespace: String,
    /// Each verb, and whether it is granted.
    pub rights: Vec<(Permission, bool)>,
    /// Bucket and queues; empty when there is no deployment to look at.
    pub services: Vec<Look>,
}

impl Checkup {
    /// The rights that are missing and needed.
    pub fn missing(&self) -> Vec<Permission> {
        let lacking =
            self.rights.iter().filter(|(permission, granted)| !granted && *permission != access::EVENTS);
        lacking.map(|(permission, _)| *permission).collect()
    }

    /// Some right is not granted, were it an optional one.
    fn has_gap(&self) -> bool {
        self.rights.iter().any(|(_, granted)| !granted)
    }

    /// The Role that grants all of it, and its binding.
    pub fn role(&self) -> String {
        let all: Vec<Permission> = self.rights.iter().map(|(permission, _)| *permission).collect();
        role(&self.namespace, &all)
    }

    /// 1 when a needed right is missing, 3 when bucket or queues do not answer.
    pub fn code(&self) -> u8 {
        let is_deaf = self.services.iter().any(|look| look.problem.is_some());
        match (self.missing().is_empty(), is_deaf) {
            (false, _) => FAILED,
            (true, true) => UNREACHABLE,
            (true, false) => SUCCEEDED,
        }
    }

    /// For people.
    pub fn text(&self, paint: Paint) -> String {
        let mut rows = vec![vec!["cluster".to_owned(), self.cluster.clone()]];
        let mut row = |head: &str, words: &str| rows.push(vec![head.to_owned(), words.to_owned()]);
        if let Some(identity) = &self.identity {
            row("as", identity);
        }
        match &self.version {
            Some((version, implications)) => {
                row("version", version);
                implications.iter().for_each(|words| row("", words));
            }
            None => row("version", "the cluster does not tell"),
        }
        row("namespace", &self.namespace);
        let mut text = aligned(&rows, 0);
        let rights: Vec<Vec<String>> =
            self.rights.iter().map(|(permission, granted)| line(*permission, *granted, paint)).collect();
        text.push_str(&format!("\n{}", titled(&["VERB", "RESOURCE", "FOR", ""], &rights, paint)));
        if self.services.is_empty() {
            text.push_str(&format!(
                "\n{}\n",
                paint.dim("no deployment is known here; bucket and queues were not looked at")
            ));
        } else {
            let looks: Vec<Vec<String>> = self.services.iter().map(|look| seen(look, paint)).collect();
            text.push_str(&format!("\n{}", aligned(&looks, 0)));
        }
        text.push_str(&format!("\n{}\n", self.verdict(paint)));
        if self.has_gap() {
            text.push_str(&format!("\n{}", self.role()));
        }
        text
    }

    fn verdict(&self, paint: Paint) -> String {
        let missing = self.missing();
        if !missing.is_empty() {
            let words = access::in_words(&missing);
            return format!(
                "{} to {words} in namespace `{}`; apply this Role, and bind it to whoever asked:",
                paint.red("not allowed"),
                self.namespace
            );
        }
        let deaf: Vec<&str> = self
            .services
            .iter()
            .filter(|look| look.problem.is_some())
            .map(|look| look.what.as_str())
            .collect();
        if !deaf.is_empty() {
            return format!("{}: {}", paint.red("not reachable"), deaf.join(", "));
        }
        match self.has_gap() {
            true => format!(
                "{}; without events a diagnosis has less evidence, this Role would allow them:",
                paint.green("everything needed is there")
            ),
            false => paint.green("everything is there"),
        }
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let rights: Vec<Value> = self
            .rights
            .iter()
            .map(|(permission, granted)| {
                json!({
                    "verb": permission.verb, "resource": permission.resource, "subresource": permission.subresource,
                    "optional": *permission == access::EVENTS, "granted": granted,
                })
            })
            .collect();
        let services: Vec<Value> = self
            .services
            .iter()
            .map(|look| json!({ "what": look.what, "name": look.name, "reachable": look.problem.is_none(), "problem": look.problem }))
            .collect();
        json!({
            "cluster": self.cluster,
            "identity": self.identity,
            "version": self.version.as_ref().map(|(version, _)| version),
            "implications": self.version.as_ref().map_or(&[][..], |(_, implications)| implications),
            "namespace": self.namespace,
            "rights": rights,
            "services": services,
            "role": self.has_gap().then(|| self.role()),
        })
    }
}

/// A Role with these rights, and its binding, in one file.
pub fn role(namespace: &str, permissions: &[Permission]) -> String {
    format!("{}---\n{}", access::role(namespace, permissions), access::binding(namespace))
}

fn line(permission: Permission, granted: bool, paint: Paint) -> Vec<String> {
    let resource = match permission.subresource {
        Some(subresource) => format!("{}/{subresource}", permission.resource),
        None => permission.resource.to_owned(),
    };
    let outcome = match (granted, permission == access::EVENTS) {
        (true, _) => paint.green("granted"),
        (false, true) => paint.yellow("missing"),
        (false, false) => paint.red("missing"),
    };
    vec![permission.verb.to_owned(), resource, access::purpose(permission).to_owned(), outcome]
}

fn seen(look: &Look, paint: Paint) -> Vec<String> {
    let outcome = match &look.problem {
        None => paint.green("reachable"),
        Some(problem) => format!("{}: {problem}", paint.red("not reachable")),
    };
    vec![look.what.clone(), look.name.clone(), outcome]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkup(granted: impl Fn(&Permission) -> bool) -> Checkup {
        let mut needed = access::needs(true);
        needed.push(access::EVENTS);
        Checkup {
            cluster: "EKS cluster `prod`".to_owned(),
            identity: Some("system:serviceaccount:default:runner".to_owned()),
            version: Some(("v1.36.1".to_owned(), vec!["exec: needs both".to_owned()])),
            namespace: "team".to_owned(),
            rights: needed.into_iter().map(|permission| (permission, granted(&permission))).collect(),
            services: vec![Look { what: "bucket".into(), name: "s3://b".into(), problem: None }],
        }
    }

    #[test]
    fn everything_stands_in_a_table_and_the_role_follows_a_gap() {
        let found =
            checkup(|permission| permission.subresource != Some("exec") && *permission != access::EVENTS);
        insta::assert_snapshot!(found.text(Paint::PLAIN), @r#"
        cluster    EKS cluster `prod`
        as         system:serviceaccount:default:runner
        version    v1.36.1
                   exec: needs both
        namespace  team

        VERB    RESOURCE   FOR
        create  pods       every run            granted
        get     pods       every run            granted
        list    pods       every run            granted
        watch   pods       every run            granted
        delete  pods       every run            granted
        get     pods/log   every run            granted
        get     pods/exec  output files         missing
        create  pods/exec  output files         missing
        list    events     diagnosis, optional  missing

        bucket  s3://b  reachable

        not allowed to get pods/exec, create pods/exec in namespace `team`; apply this Role, and bind it to whoever asked:

        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata:
          name: longshore
          namespace: team
        rules:
          - apiGroups: [""]
            resources: [pods]
            verbs: [create, delete, get, list, watch]
          - apiGroups: [""]
            resources: [pods/log]
            verbs: [get]
          - apiGroups: [""]
            resources: [pods/exec]
            verbs: [create, get]
          - apiGroups: [""]
            resources: [events]
            verbs: [list]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata:
          name: longshore
          namespace: team
        roleRef:
          apiGroup: rbac.authorization.k8s.io
          kind: Role
          name: longshore
        subjects:
          - apiGroup: rbac.authorization.k8s.io
            kind: Group
            name: longshore
        "#);
        assert_eq!(found.code(), FAILED);
    }

    #[test]
    fn the_exit_code_tells_a_right_from_a_service() {
        assert_eq!(checkup(|_| true).code(), SUCCEEDED);
        assert_eq!(
            checkup(|permission| *permission != access::EVENTS).code(),
            SUCCEEDED,
            "events are optional"
        );
        let mut deaf = checkup(|_| true);
        deaf.services[0].problem = Some("403".to_owned());
        assert_eq!(deaf.code(), UNREACHABLE);
        assert!(deaf.text(Paint::PLAIN).contains("not reachable: bucket"));
        assert!(checkup(|_| true).json()["role"].is_null());
    }
}
