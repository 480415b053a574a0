use super::{pod_create, refused, runner, shell};

#[test]
fn each_mistake_is_told_at_its_place() {
    for (document, part) in [
        ("5".to_owned(), "/: is a number, found `5`; accepted: a task, or a flow"),
        ("{}".to_owned(), "has no `type` and no `tasks`"),
        (
            "{id: a, type: io.kestra.plugin.scripts.node.Commands}".to_owned(),
            "/type: is no type of task that can be run",
        ),
        ("{type: io.kestra.plugin.scripts.shell.Commands, commands: [a]}".to_owned(), "has no `id`"),
        ("{id: a, type: io.kestra.plugin.scripts.shell.Commands}".to_owned(), "has no `commands`"),
        (
            "{id: a, type: io.kestra.plugin.scripts.shell.Commands, commands: []}".to_owned(),
            "has no `commands`",
        ),
        (
            "{id: a, type: io.kestra.plugin.scripts.shell.Commands, commands: {a: b}}".to_owned(),
            "/commands: `commands` is a map",
        ),
        ("{id: a, type: io.kestra.plugin.scripts.python.Script}".to_owned(), "has no `script`"),
        ("{id: a, type: io.kestra.plugin.kubernetes.core.PodCreate}".to_owned(), "has no `spec`"),
        ("{id: a, tasks: []}".to_owned(), "/tasks: `tasks` is empty"),
        ("{id: a, tasks: [{id: b}, {id: c}]}".to_owned(), "Step Functions state machine"),
        ("{id: a, triggers: [], tasks: [{id: b}]}".to_owned(), "/triggers: `triggers` is not supported yet"),
        (
            shell("containerimage: x"),
            "/containerimage: `containerimage` is not a property here; did you mean `containerImage`?",
        ),
        (shell("containerImage: \"Not An Image\""), "/containerImage: `Not An Image` is no image reference"),
        (shell("timeout: 30"), "write `PT30S` for seconds"),
        (shell("timeout: PT-1S"), "/timeout: `timeout` is negative"),
        (shell("timeout: soon"), "/timeout: `timeout` is no ISO-8601 duration"),
        (shell("timeout: PT0S"), "leaves no time"),
        (runner("waitUntilCompletion: PT0S"), "`waitUntilCompletion` leaves no time"),
        (pod_create("waitRunning: PT0S"), "`waitRunning` leaves no time"),
        (shell("failFast: maybe"), "/failFast: `failFast` is no boolean"),
        (shell("env: [a]"), "/env: is a list"),
        (shell("env: {\"a=b\": c}"), "/env/a=b: is no name of an environment variable"),
        (shell("workerGroup: {key: a b}"), "is no key of a worker group"),
        (shell("docker: {image: x}"), "`docker` is not supported yet; use `containerImage`"),
        (shell("fileSidecar: {image: x}"), "`fileSidecar` is not a property here"),
        (shell("retry: {type: sometimes}"), "/retry/type: is no kind of retry"),
        (shell("retry: {type: constant, interval: PT1S}"), "would go on for ever"),
        (shell("retry: {type: constant, maxAttempts: 2}"), "/retry: has no `interval`"),
        (
            shell("retry: {type: constant, interval: PT1S, maxAttempts: 0}"),
            "/retry/maxAttempts: `maxAttempts` is no count",
        ),
        (
            shell("retry: {type: random, minInterval: PT9S, maxInterval: PT1S, maxAttempts: 2}"),
            "is shorter than `minInterval`",
        ),
        (
            shell("retry: {type: constant, interval: PT1S, maxAttempts: 2, behavior: START_OVER}"),
            "/retry/behavior: is no behavior",
        ),
        (
            shell("taskRunner: {type: io.kestra.plugin.core.runner.Process}"),
            "/taskRunner/type: is no task runner that can be used",
        ),
        (shell("taskRunner: {}"), "/taskRunner: has no `type`"),
        (runner("pullPolicy: sometimes"), "/taskRunner/pullPolicy: is no pull policy"),
        (
            runner("resources: {request: {cpu: 1 core}}"),
            "/taskRunner/resources/request/cpu: `1 core` has the unknown unit",
        ),
        (runner("resources: {requests: {cpu: 1}}"), "did you mean `request`?"),
        (runner("namespace: Not_Valid"), "/taskRunner/namespace: is no Kubernetes namespace"),
        (runner("serviceAccountName: Not_Valid"), "is no name of a service account"),
        (runner("labels: {\"bad key\": x}"), "`bad key` is no label name"),
        (runner("nodeSelector: {a: b c}"), "/taskRunner/nodeSelector/a: is no label value"),
        (runner("credentials: {username: x}"), "`credentials` is not supported yet"),
        (runner("config: {oauthTokenProvider: {}}"), "has no `task`, which makes the token"),
        (runner("config: {keyStoreFile: x}"), "`keyStoreFile` names nothing that a function can read"),
        (runner("config: {caCertData: xxx}"), "/taskRunner/config/caCertData: is"),
        (runner("config: {masterUrl: example}"), "`masterUrl` is no URL"),
        (runner("containerDefaultSpec: {image: x}"), "`image` cannot be a default for every container"),
        (runner("containerDefaultSpec: {securtyContext: {}}"), "did you mean `securityContext`?"),
        (
            runner("containerDefaultSpec: {env: [{value: x}]}"),
            "/taskRunner/containerDefaultSpec/env/0: has no `name`",
        ),
        (runner("containerSpec: {nonsense: 1}"), "`nonsense` is not a field of a container"),
        (runner("fileSideCarSpec: {command: [a]}"), "`command` of the carriers cannot be changed"),
        (runner("fileSidecar: {transfer: rsync}"), "is no way of transfer"),
        (runner("fileSidecar: {medium: Tape}"), "is no medium"),
        (runner("fileSidecar: {sizeLimit: lots}"), "/taskRunner/fileSidecar/sizeLimit: `lots` has no number"),
        (runner("fileSidecar: {defaultSpec: {args: [a]}}"), "/taskRunner/fileSidecar/defaultSpec/args"),
        (
            runner("podSpec: {containers: [{name: init-files, image: x}]}"),
            "the container name `init-files` is reserved",
        ),
        (
            runner("podSpec: {initContainers: [{name: out-files, image: x}]}"),
            "the container name `out-files` is reserved",
        ),
        (runner("podSpec: {containers: [{name: side}]}"), "/taskRunner/podSpec/containers/0: has no `image`"),
        (runner("podSpec: {volumes: [{name: kestra-files}]}"), "the volume name `kestra-files` is reserved"),
        (runner("waitUntilReady: PT1S"), "`waitUntilReady` is not supported yet"),
        (runner("killed: true"), "`killed` is not supported yet; cancel the run"),
        (pod_create("waitUntilReady: soon"), "/waitUntilReady: `waitUntilReady` is no ISO-8601 duration"),
        (pod_create("inheritClusterConfig: perhaps"), "`inheritClusterConfig` is no boolean"),
        (shell("taskCache: true"), "/taskCache: is a boolean"),
        (shell("taskCache: {ttl: PT1H}"), "/taskCache: has no `enabled`"),
        (shell("taskCache: {enabled: true, ttl: PT0S}"), "/taskCache/ttl: `ttl` leaves no time"),
        (shell("taskCache: {enabled: true, tll: PT1H}"), "did you mean `ttl`?"),
        (shell("namespaceFiles: {enabled: true}"), "/namespaceFiles: does not tell whose files"),
        (shell("namespaceFiles: {namespaces: [a/b]}"), "/namespaceFiles/namespaces/0: is no namespace"),
        (
            shell("namespaceFiles: {namespaces: [a], include: [\"[\"]}"),
            "/namespaceFiles/include/0: `[` is no glob",
        ),
        (
            shell("namespaceFiles: {namespaces: [a], folderPerNamespace: true}"),
            "`folderPerNamespace` is not supported yet",
        ),
        (shell("runIf: [a]"), "/runIf: is a list"),
        (shell("disabled: maybe"), "/disabled: `disabled` is no boolean"),
        (shell("allowFailure: 1"), "/allowFailure: `allowFailure` is no boolean"),
        (shell("allowWarning: 1"), "/allowWarning: `allowWarning` is no boolean"),
        (shell("logLevel: LOUD"), "/logLevel: is no log level"),
        (shell("logToFile: 1"), "/logToFile: `logToFile` is no boolean"),
        (
            shell("retry: {type: constant, interval: PT1S, maxAttempt: 0}"),
            "/retry/maxAttempt: `maxAttempt` is no count",
        ),
        (pod_create("commands: [a]"), "`commands` is not a property here"),
        (pod_create("metadata: {name: Not Valid}"), "/metadata/name: is no name of a pod"),
        (pod_create("metadata: {lables: {}}"), "did you mean `labels`?"),
        (pod_create("metadata: {labels: {\"/x\": y}}"), "`/x` is no name in `labels`"),
        (pod_create("namespace: a\nmetadata: {namespace: b}"), "contradicts the task's `namespace`"),
        (pod_create("outputFiles: 5"), "/outputFiles: `outputFiles` is a number"),
    ] {
        let problems = refused(&document);
        assert!(
            problems.iter().any(|problem| problem.contains(part)),
            "{document}\n  expected {part}\n  found {problems:?}"
        );
    }
}

#[test]
fn mistakes_in_a_pod_spec() {
    for (spec, part) in [
        ("{}", "/spec: has no `containers`"),
        ("{containers: []}", "/spec/containers: `containers` is empty"),
        ("{containers: {}}", "/spec/containers: `containers` is a map"),
        ("{containers: [5]}", "/spec/containers/0: is a number"),
        ("{containers: [{image: i}]}", "/spec/containers/0: has no `name`"),
        ("{containers: [{name: a}]}", "/spec/containers/0: has no `image`"),
        ("{containers: [{name: A_B, image: i}]}", "/spec/containers/0/name: is no container name"),
        ("{containers: [{name: a, image: i}, {name: a, image: i}]}", "two containers are called `a`"),
        (
            "{containers: [{name: a, image: i, resources: {limits: {memory: 5MB}}}]}",
            "/spec/containers/0/resources/limits/memory: `5MB`",
        ),
        ("{containers: [{name: a, image: i, resources: {limit: {}}}]}", "`limit` is not part of resources"),
        ("{containers: [{name: a, image: i, env: {A: b}}]}", "/spec/containers/0/env: `env` is a map"),
        ("5", "/spec: is a number"),
    ] {
        let problems =
            refused(&format!("id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\nspec: {spec}\n"));
        assert!(problems.iter().any(|problem| problem.contains(part)), "{spec}: {problems:?}");
    }
}

#[test]
fn a_mount_at_the_place_of_the_files_is_refused() {
    for path in ["/kestra/", "/kestra/working-dir"] {
        let spec = format!(
            "spec: {{containers: [{{name: a, image: i, volumeMounts: [{{name: v, mountPath: {path}}}]}}], volumes: [{{name: v, emptyDir: {{}}}}]}}"
        );
        let task = format!("id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\n{spec}\n");
        let problems = refused(&format!("{task}outputFiles: [a]\n"));
        assert!(problems[0].contains("which is reserved for the task's files"), "{path}: {problems:?}");
    }
}

#[test]
fn pointers_lead_into_what_was_sent() {
    let envelope = r#"{"task": {"id": "f", "namespace": "n", "tasks": [{"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["a"], "timeout": 5}]}}"#;
    assert!(refused(envelope)[0].starts_with("/task/tasks/0/timeout: "));
}

#[test]
fn five_mistakes_are_five_problems() {
    let problems = refused(
        &runner("pullPolicy: sometimes\nwaitUntilRunning: 10\nresources: {request: {memory: 1Q}}")
            .replace("id: t", "ident: t")
            .replace("commands: [\"true\"]", "commands: [\"true\"]\noutputFiles: [\"[\"]"),
    );
    assert_eq!(problems.len(), 6, "an unknown property and a missing one besides: {problems:#?}");
}
