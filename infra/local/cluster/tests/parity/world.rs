//! The cluster that the recordings were made in: namespaces, accounts, and pods in the states they had.

use crate::answer;
use crate::client::{Client, Reply};
use crate::recording::{Exchange, Recording};
use bytes::Bytes;
use cluster::container::StageCommand;
use cluster::store::Kind;
use cluster::{Cluster, ClusterConfig, StaticToken};
use http::Request;
use http::request::Builder;
use http_body_util::Full;
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

/// The longest wait for a pod to be as the recording had it.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    cluster: Cluster,
    client: Client,
    _directory: TempDir,
    continued: String,
}

impl World {
    pub async fn open() -> World {
        let directory = tempfile::tempdir().unwrap();
        let stage = StageCommand::new(env!("CARGO_BIN_EXE_longshore-container"));
        let mut config = ClusterConfig::new(directory.path().join("node"), stage);
        let namespace =
            |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        config.manifests = ["fxh", "fxh-list", "fxh-watch"].map(namespace).into();
        let rule = |resource: &str, verbs: &[&str]| json!({"apiGroups": [""], "resources": [resource], "verbs": verbs});
        let runner = json!([
            rule("pods", &["get", "create", "delete", "watch", "list"]),
            rule("pods/log", &["get", "watch"]),
            rule("pods/exec", &["get", "watch"]),
        ]);
        let runner2 = json!([rule("pods/exec", &["get", "create"])]);
        for (name, rules) in [("runner", runner), ("runner2", runner2)] {
            config.manifests.extend(role(name, rules));
            let user = format!("system:serviceaccount:fxh:{name}");
            config.tokens.push(StaticToken { token: name.into(), user, groups: vec![] });
        }
        let cluster = Cluster::start(config).await.unwrap();
        let client = Client::new(&cluster);
        World { cluster, client, _directory: directory, continued: String::new() }
    }

    /// Hold a conversation again; the compared part of every answer, in order, nothing for what is left out.
    pub async fn hold(mut self, recording: &Recording) -> Vec<Option<Value>> {
        self.populate(recording.short()).await;
        let mut answers = Vec::new();
        for exchange in &recording.exchanges {
            if exchange.left_out.is_some() {
                answers.push(None);
                continue;
            }
            if let Some(sends) = &exchange.sends {
                let sends: Vec<Vec<u8>> = sends.iter().map(|hex| bytes_of(hex)).collect();
                let request = self.head(exchange).body(()).unwrap();
                answers.push(Some(match self.client.exec(request, &sends).await {
                    Ok(channels) => answer::of_exec(&channels),
                    Err(refusal) => answer::of(exchange, &refusal),
                }));
                continue;
            }
            let reply = self.send(exchange).await;
            answers.push(Some(answer::of(exchange, &reply)));
            self.after(exchange, &reply).await;
        }
        self.cluster.shutdown().await;
        answers
    }

    /// The head of a request with the credentials of its caller.
    fn head(&self, exchange: &Exchange) -> Builder {
        let token = match exchange.caller.as_str() {
            "admin" => Some(self.cluster.admin_token()),
            "none" => None,
            caller => Some(caller),
        };
        let path = self.fill(&exchange.path);
        let mut request =
            Request::builder().method(exchange.method.as_str()).uri(path).header("host", "localhost");
        for (name, value) in &exchange.headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request
    }

    async fn send(&self, exchange: &Exchange) -> Reply {
        let body = match &exchange.body {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(body) => self.fill(&body.to_string()),
        };
        self.client.send(self.head(exchange).body(Full::new(Bytes::from(body))).unwrap()).await
    }

    /// Put what this cluster said in the place of what the recorded one said.
    fn fill(&self, text: &str) -> String {
        let (_, version) = self.cluster.store().list(Kind::Pod, None);
        let mut text = text.replace("{version}", &version.to_string()).replace("{continue}", &self.continued);
        for name in ["d1", "finished"] {
            if let Some(pod) = self.cluster.store().get(Kind::Pod, "fxh", name) {
                text = text.replace(&format!("{{uid:{name}}}"), pod["metadata"]["uid"].as_str().unwrap());
            }
        }
        text
    }

    /// What the recorder did between two exchanges: remember the page, and remove the pod that was just made.
    async fn after(&mut self, exchange: &Exchange, reply: &Reply) {
        let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else { return };
        if let Some(token) =
            body["metadata"]["continue"].as_str().filter(|_| exchange.path.contains("limit=2"))
        {
            token.clone_into(&mut self.continued);
        }
        let is_made = exchange.method == "POST" && reply.code == 201 && body["kind"] == "Pod";
        if is_made && exchange.answer["code"] == 201 && body["metadata"]["name"] != "made" {
            self.remove(body["metadata"]["name"].as_str().unwrap()).await;
        }
    }

    async fn remove(&self, name: &str) {
        let path = format!("/api/v1/namespaces/fxh/pods/{name}?gracePeriodSeconds=0");
        self.ask("DELETE", &path, Value::Null).await;
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Reply {
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let request = request.header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", self.cluster.admin_token()));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.client.send(request.body(Full::new(Bytes::from(body))).unwrap()).await
    }

    /// Create the pods that a conversation is about, and wait until they are as they were.
    async fn populate(&self, recording: &str) {
        let unscheduled = json!({"nodeSelector": {"disk": "no-such"}});
        let mut wanted: Vec<(&str, &str, Value, Value, &str)> = Vec::new();
        let none = json!({});
        match recording {
            "01" => {}
            "13" | "14" | "16" => {
                for (number, name) in ["l0", "l1", "l2", "l3", "l4", "l5"].into_iter().enumerate() {
                    let tier = if number % 2 == 1 { "a" } else { "b" };
                    let labels = json!({"n": number.to_string(), "tier": tier});
                    wanted.push(("fxh-list", name, labels, unscheduled.clone(), "Unschedulable"));
                }
                wanted.push((
                    "fxh",
                    "cmissing",
                    none.clone(),
                    config_missing(),
                    "CreateContainerConfigError",
                ));
                wanted.push(("fxh", "sh", none, script("sleep 600"), "\"ready\":true"));
            }
            "40" | "41" | "42" | "43" => {
                for name in ["w0", "w1"] {
                    wanted.push(("fxh-watch", name, none.clone(), unscheduled.clone(), "Unschedulable"));
                }
            }
            _ => {
                let stays = script("trap '' TERM; while :; do sleep 0.1; done");
                for name in ["d1", "d2", "d3", "sh"] {
                    wanted.push(("fxh", name, none.clone(), stays.clone(), "\"ready\":true"));
                }
                for name in ["dc0", "dc1"] {
                    wanted.push(("fxh", name, json!({"dc": "1"}), unscheduled.clone(), "Unschedulable"));
                }
                for name in ["made", "unsched"] {
                    wanted.push(("fxh", name, none.clone(), unscheduled.clone(), "Unschedulable"));
                }
                let lines = "for n in 1 2 3 4 5; do echo line $n; done; printf 'no newline at the end'";
                let absent = json!({"containers": [{"name": "main", "image": "nohost.invalid/a:1"}]});
                let two = |name: &str| container(name, &format!("echo from {name}; sleep 600"));
                let initing = json!({"initContainers": [container("setup", "echo in init; sleep 600")],
                                     "containers": [container("main", "true")]});
                let fails = json!({"containers": [{"name": "main", "image": "busybox:1.36", "command": ["/no-such"]}]});
                wanted.extend([
                    ("fxh", "finished", none.clone(), script(lines), "Succeeded"),
                    (
                        "fxh",
                        "two",
                        none.clone(),
                        json!({"containers": [two("a"), two("b")]}),
                        "\"ready\":true",
                    ),
                    ("fxh", "waiting", none.clone(), absent, "ImagePullBackOff"),
                    ("fxh", "initing", none.clone(), initing, "\"running\""),
                    ("fxh", "cmissing", none.clone(), config_missing(), "CreateContainerConfigError"),
                    ("fxh", "startfail", none, fails, "StartError"),
                ]);
            }
        }
        for (namespace, name, labels, spec, _) in &wanted {
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels},
                "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 8,
                         "containers": [container("main", "sleep 600")]}});
            pod["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            let reply = self.ask("POST", &format!("/api/v1/namespaces/{namespace}/pods"), pod).await;
            assert_eq!(reply.code, 201, "{name}: {}", String::from_utf8_lossy(&reply.body));
        }
        for (namespace, name, _, _, sign) in &wanted {
            self.until(namespace, name, sign).await;
        }
    }

    /// Wait until the status of a pod has a word in it.
    async fn until(&self, namespace: &str, name: &str, sign: &str) {
        let mut changes = self.cluster.store().subscribe();
        let is_there = || {
            let pod = self.cluster.store().get(Kind::Pod, namespace, name).unwrap();
            pod["status"].to_string().contains(sign)
        };
        let look = async {
            while !is_there() {
                // Lagging or not: look again.
                let _ = changes.recv().await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, look).await;
        assert!(came.is_ok(), "{name} {sign}: {:#?}", self.cluster.store().get(Kind::Pod, namespace, name));
    }
}

fn role(name: &str, rules: Value) -> [Value; 3] {
    let metadata = json!({"name": name, "namespace": "fxh"});
    let group = "rbac.authorization.k8s.io";
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata, "rules": rules}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
               "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
               "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "fxh"}]}),
    ]
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits.map(|start| u8::from_str_radix(hex.get(start..start + 2).unwrap(), 16).unwrap()).collect()
}

fn container(name: &str, script: &str) -> Value {
    json!({"name": name, "image": "busybox:1.36", "command": ["sh", "-c", script]})
}

fn script(line: &str) -> Value {
    json!({"containers": [container("main", line)]})
}

fn config_missing() -> Value {
    let mut main = container("main", "true");
    main["envFrom"] = json!([{"configMapRef": {"name": "no-such"}}]);
    json!({"containers": [main]})
}
