use serde_json::json;

use super::super::plan::{InputFile, InputSource};
use super::{main_of, plan, pod_create, refused, runner, shell};

fn inline(path: &str, text: &str) -> InputFile {
    InputFile { path: path.to_owned(), source: InputSource::Inline(text.to_owned()), executable: false }
}

#[test]
fn input_files_as_map_or_json() {
    for (id, document, expected) in [
        (
            "map",
            "inputFiles: {b.txt: x, a/c.txt: \"{{ run.id }}\"}",
            vec![inline("a/c.txt", "run-1"), inline("b.txt", "x")],
        ),
        (
            "K-IN-05: null drops, empty is a file",
            "inputFiles: {a.txt: null, b.txt: \"\"}",
            vec![inline("b.txt", "")],
        ),
        ("K-IN-07", "inputFiles: '{\"a.txt\":\"x\"}'", vec![inline("a.txt", "x")]),
        (
            "numbers and booleans are texts",
            "inputFiles: {a: 1, b: true}",
            vec![inline("a", "1"), inline("b", "true")],
        ),
        ("a leading dot is dropped", "inputFiles: {./a.txt: x}", vec![inline("a.txt", "x")]),
        (
            "objects",
            "inputFiles: {a: \"s3://bucket/some/key with%20percent\"}",
            vec![InputFile {
                path: "a".to_owned(),
                source: InputSource::Object {
                    bucket: "bucket".to_owned(),
                    key: "some/key with%20percent".to_owned(),
                },
                executable: false,
            }],
        ),
    ] {
        assert_eq!(plan(&shell(document)).files.inputs, expected, "{id}");
    }
}

#[test]
fn input_files_that_are_refused() {
    for (id, document, part) in [
        (
            "K-IN-03",
            "inputFiles: {a/../../b: x}",
            "/inputFiles/a~1..~1..~1b: the file name `a/../../b` has `..`",
        ),
        ("absolute", "inputFiles: {/etc/passwd: x}", "is absolute"),
        (
            "K-IN-06",
            "inputFiles: {data.txt: \"{{ outputs.missing.file }}\"}",
            "/inputFiles/data.txt: `outputs` cannot be used",
        ),
        ("kestra storage", "inputFiles: {a: \"kestra:///x/y\"}", "Kestra server's storage"),
        ("no key", "inputFiles: {a: \"s3://bucket\"}", "names no object"),
        ("no JSON", "inputFiles: 'hello'", "is no JSON object"),
        ("a list", "inputFiles: [a]", "is a list"),
        ("nested", "inputFiles: {a: {b: c}}", "/inputFiles/a: is a map"),
        ("twice", "inputFiles: {a: x, ./a: y}", "two input files are called `a`"),
        (
            "the output directory",
            "inputFiles: {outputs: x}\noutputDir: true",
            "/inputFiles/outputs: `outputs` is the output directory",
        ),
        ("file and folder", "inputFiles: {a: x, a/b: y}", "`a` is a file and also the folder of `a/b`"),
    ] {
        let problems = refused(&shell(document));
        assert!(problems.iter().any(|problem| problem.contains(part)), "{id}: {problems:?}");
    }
}

#[test]
fn globs_of_output_files_are_normalised() {
    let document = shell("outputFiles: [./out.txt, /b.txt, \"**/*.csv\", out.txt]");
    assert_eq!(plan(&document).files.outputs, ["out.txt", "b.txt", "**/*.csv"]);
    let problems = refused(&shell("outputFiles: [\"[a\", ../x, \"\"]"));
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("/outputFiles/0: `[a` is no glob"), "{problems:?}");
}

#[test]
fn an_output_directory_exists_when_it_is_asked_for_or_named() {
    for (document, expected) in [
        (shell("outputDir: true"), true),
        (shell("outputDir: false"), false),
        (shell(""), false),
        (shell("beforeCommands: [\"cp a $OUTPUT_DIR\"]"), true),
        (shell("env: {X: \"{{ outputDir }}/a\"}"), true),
        (pod_create("metadata: {annotations: {dir: \"{{ outputDir }}\"}}"), true),
        (pod_create("metadata: {annotations: {dir: \"$OUTPUT_DIR\"}}"), false),
    ] {
        let files = plan(&document).files;
        assert_eq!(files.output_dir.is_some(), expected, "{document}");
        assert_eq!(files.has_outputs(), expected, "{document}");
    }
}

#[test]
fn a_task_without_files_that_names_the_working_directory_gets_one_without_carriers() {
    let shell = plan(&shell("env: {X: \"{{ workingDir }}/x\"}"));
    assert!(!shell.files.is_needed());
    assert_eq!(
        main_of(&shell)["volumeMounts"],
        json!([{"name": "kestra-files", "mountPath": "/kestra/working-dir"}])
    );
    assert_eq!(main_of(&shell)["workingDir"], "/kestra/working-dir");
    assert_eq!(shell.pod["spec"]["volumes"], json!([{"name": "kestra-files", "emptyDir": {}}]));
    let pod = plan(
        "id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\nspec: {containers: [{name: c, image: i, command: [ls, \"{{workingDir}}\"]}]}",
    );
    assert_eq!(main_of(&pod)["command"], json!(["ls", "/kestra/working-dir"]));
    assert_eq!(
        main_of(&pod)["volumeMounts"],
        json!([{"name": "kestra-files", "mountPath": "/kestra/working-dir"}])
    );
    assert_eq!(main_of(&pod).get("workingDir"), None);
}

#[test]
fn what_an_author_mounts_on_the_working_directory_stays_where_no_files_move() {
    let runner = runner(
        "containerSpec: {volumeMounts: [{name: own, mountPath: /kestra/working-dir}]}\npodSpec: {volumes: [{name: own, emptyDir: {}}]}",
    );
    let planned = plan(&(runner + "env: {X: \"{{ workingDir }}/x\"}\n"));
    assert_eq!(
        main_of(&planned)["volumeMounts"],
        json!([{"name": "own", "mountPath": "/kestra/working-dir"}])
    );
}

#[test]
fn an_address_names_an_object_and_a_list_of_addresses_is_a_content() {
    let list = "s3://longshore/a\ns3://longshore/b\n";
    let document = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"],
        "inputFiles": {"list.txt": list, "one.txt": "s3://longshore/a\n"}});
    let inputs = plan(&document.to_string()).files.inputs;
    assert_eq!(inputs[0], inline("list.txt", list));
    let (bucket, key) = ("longshore".to_owned(), "a".to_owned());
    assert_eq!(inputs[1].source, InputSource::Object { bucket, key });
}

#[test]
fn without_files_there_is_no_volume() {
    let plain = plan(&shell(""));
    assert_eq!(plain.pod["spec"].get("volumes"), None, "K-SC-05");
    assert_eq!(main_of(&plain).get("workingDir"), None);
    assert_eq!(main_of(&plain).get("env"), None);
}

#[test]
fn the_whole_working_directory_on_demand() {
    assert_eq!(plan(&runner("syncWorkingDirectory: true")).files.outputs, ["**"]);
    assert_eq!(plan(&runner("syncWorkingDirectory: \"false\"")).files.outputs, Vec::<String>::new());
}

#[test]
fn carriers_take_their_settings_in_order() {
    for (id, document, expected) in [
        ("nothing said", pod_create(""), json!({"image": "busybox"})),
        (
            "K-SC-01",
            pod_create(
                "containerDefaultSpec: {securityContext: {runAsUser: 1}, tty: true}\nfileSidecar: {defaultSpec: {securityContext: {runAsUser: 2}}}",
            ),
            json!({"securityContext": {"runAsUser": 2}, "image": "busybox"}),
        ),
        (
            "the default for all",
            pod_create("containerDefaultSpec: {securityContext: {runAsUser: 1}}"),
            json!({"securityContext": {"runAsUser": 1}, "image": "busybox"}),
        ),
        (
            "K-SC-03: explicit resources win",
            pod_create(
                "fileSidecar: {resources: {limits: {memory: 1Gi}}, defaultSpec: {resources: {limits: {memory: 256Mi, cpu: 1}}}}",
            ),
            json!({"resources": {"limits": {"memory": "1Gi", "cpu": 1}}, "image": "busybox"}),
        ),
        (
            "fileSideCarSpec comes last",
            runner(
                "fileSidecar: {image: alpine, resources: {limits: {cpu: 1}}}\nfileSideCarSpec: {resources: {limits: {cpu: 2}}, tty: true}",
            ),
            json!({"image": "alpine", "resources": {"limits": {"cpu": 2}}, "tty": true}),
        ),
    ] {
        assert_eq!(plan(&document).files.carrier, expected, "{id}");
    }
}

#[test]
fn settings_of_the_volume() {
    let files = plan(&pod_create("fileSidecar: {medium: Memory, sizeLimit: 64Mi}")).files;
    assert_eq!(serde_json::to_value(files.volume).unwrap(), json!({"medium": "Memory", "sizeLimit": "64Mi"}));
}

#[test]
fn a_long_script_becomes_an_input_file() {
    let script = "print('x')\n".repeat(20_000);
    let document = json!({"id": "t", "type": "io.kestra.plugin.scripts.python.Script", "script": script});
    let plan = plan(&document.to_string());
    assert_eq!(plan.files.inputs, [inline(".longshore/script", &script)]);
    assert!(main_of(&plan)["command"][2].as_str().unwrap().contains("/kestra/working-dir/.longshore/script"));
    assert_eq!(main_of(&plan)["workingDir"], "/kestra/working-dir");
}
