//! Every limit of a document has an error of its own, and stands in the table of `docs/OPERATIONS.md`.

use fixtures::carrier::CarrierCluster;
use fixtures::hostile::world::Deployment;
use serde_json::{Value, json};
use shared::cluster::{derivation, keystore, kubeconfig};
use shared::files::{logs, outputs};
use shared::outputs::{lines, listing, paths, stamped, value};
use shared::resolve::{bounds, limits, render, tags};
use shared::spec::{pattern, read, task};
use shared::store::upload;

/// The problems of a submission, as they lie in `rejected/`, one a line.
async fn problems(submission: &str) -> String {
    let deployment = Deployment::new(|clock| CarrierCluster::with_files(clock, vec![], vec![]));
    let event = deployment.batch("message-1", submission);
    let answer = submit::handle(event, &deployment.environment).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": []}), "it is settled, and not delivered again");
    let kept = deployment.bucket.read("rejected/message-1.json");
    let kept: Value = serde_json::from_slice(&kept.unwrap_or_else(|| panic!("it is accepted"))).unwrap();
    let mut told = String::new();
    for problem in kept["problems"].as_array().unwrap() {
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        told += &format!("{} {}; accepted: {}\n", text("pointer"), text("message"), text("accepted"));
    }
    told
}

/// A task with these properties besides those that every task has.
fn with(more: &Value) -> String {
    let mut task = json!({
        "id": "t", "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "spec": {"containers": [{"name": "main", "image": "busybox"}]},
    });
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task.to_string()
}

fn container(more: &Value) -> Value {
    let mut container = json!({"name": "main", "image": "busybox"});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"spec": {"containers": [container]}})
}

/// The stack of a function's main thread, on which it handles events; a test's own has a quarter of it.
const STACK_BYTES: usize = 8 << 20;

#[test]
fn what_is_too_much_says_what_where_and_what_is_accepted() {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(each_limit());
    });
    thread.unwrap().join().unwrap();
}

async fn each_limit() {
    let variables: Vec<Value> = (0..=limits::MAX_VARIABLES)
        .map(|number| json!({"name": format!("V{number}"), "value": "x"}))
        .collect();
    let containers: Vec<Value> = (0..=limits::MAX_CONTAINERS)
        .map(|number| json!({"name": format!("c{number}"), "image": "busybox"}))
        .collect();
    let files: serde_json::Map<String, Value> =
        (0..=task::MAX_INPUT_FILES).map(|number| (format!("f{number}"), json!("x"))).collect();
    let anchored = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(100));
    let cases = [
        (
            "size of the document",
            " ".repeat(read::MAX_BYTES + 1),
            " the document is 4194305 bytes long; accepted: at most 4194304 bytes",
        ),
        (
            "depth of JSON",
            format!("{}{}", "[".repeat(66), "]".repeat(66)),
            " is nested more than 64 levels deep; accepted: lists and maps in each other, at most 64 levels",
        ),
        (
            "depth of YAML",
            format!("a: {}{}", "[".repeat(66), "]".repeat(66)),
            " is nested more than 64 levels deep; accepted: lists and maps in each other, at most 64 levels",
        ),
        (
            "values of JSON",
            format!("[{}0]", "0,".repeat(read::MAX_VALUES)),
            " has more than 250000 values; accepted: at most 250000 values, those of aliases included",
        ),
        (
            "values of YAML",
            format!("a: [{}0]", "0,".repeat(read::MAX_VALUES)),
            " has more than 250000 values; accepted: at most 250000 values, those of aliases included",
        ),
        (
            "aliases",
            format!("a: &a x\nb: [{}]", "*a, ".repeat(read::MAX_ALIASES + 1)),
            " has more than 1000 aliases; accepted: at most 1000 aliases (`*name`)",
        ),
        (
            "text behind aliases",
            anchored,
            " its texts have more than 8388608 bytes once its aliases are followed; accepted: at most 8388608 bytes of text, that of aliases included",
        ),
        (
            "input files",
            with(&json!({"inputFiles": files})),
            "/inputFiles has 1001 input files; accepted: at most 1000 input files; pack them into an archive",
        ),
        (
            "path of an input file",
            with(&json!({"inputFiles": {"d/".repeat(600): "x"}})),
            "is longer than 1024 bytes",
        ),
        (
            "globs",
            with(
                &json!({"outputFiles": (0..=limits::MAX_GLOBS).map(|number| format!("{number}")).collect::<Vec<_>>()}),
            ),
            " has 1001 globs in `outputFiles`; accepted: at most 1000 globs in `outputFiles`",
        ),
        (
            "containers",
            with(&json!({"spec": {"containers": containers}})),
            " has 101 containers; accepted: at most 100 containers",
        ),
        (
            "environment variables",
            with(&container(&json!({"env": variables}))),
            " has 1001 environment variables in container `main`; accepted: at most 1000 environment variables in container `main`",
        ),
        (
            "size of an environment variable",
            with(&container(
                &json!({"env": [{"name": "BIG", "value": "x".repeat(limits::MAX_VARIABLE_BYTES)}]}),
            )),
            " the environment variable `BIG` of container `main` has 131075 bytes; accepted: at most 131071 bytes of NAME=value; pass more in a file by `inputFiles`",
        ),
        (
            "size of the pod",
            with(&container(&json!({"args": ["x".repeat(limits::MAX_POD_BYTES)]}))),
            "bytes in its pod, as JSON; accepted: at most 1048576 bytes in its pod, as JSON",
        ),
        (
            "time of a template",
            with(&container(
                &json!({"args": ["{% for a in range(9000) %}{% for b in range(9000) %}{{ b }}{% endfor %}{% endfor %}"]}),
            )),
            "/spec/containers/0/args/0 the template has not come to its end after 100000 steps; accepted: a template without long loops",
        ),
        (
            "length of what a template makes",
            with(&container(
                &json!({"args": [format!("{{% for a in range(9000) %}}{}{{% endfor %}}", "x".repeat(600))]}),
            )),
            "/spec/containers/0/args/0 the template makes a text of more than 4194304 bytes",
        ),
        (
            "values of a template",
            with(&container(
                &json!({"args": [format!("{{% set a = 'xxxxxxxx' %}}{}", "{% set a = a ~ a %}".repeat(40))]}),
            )),
            "a value that is given a name has more than 1048576 bytes",
        ),
        (
            "length of an expression",
            with(&container(&json!({"args": [format!("{{{{ {} }}}}", "x".repeat(1001))]}))),
            "an expression of the template is longer than 1000 characters",
        ),
        (
            "expressions",
            with(&container(&json!({"args": ["{{ 1 }}".repeat(1001)]}))),
            "the template has more than 1000 expressions",
        ),
    ];
    for (what, submission, expected) in cases {
        let told = problems(&submission).await;
        assert!(told.contains(expected), "{what}: {}", told.chars().take(2000).collect::<String>());
    }
}

/// The number in the second column of the table in `docs/OPERATIONS.md`, in bytes where it has a unit.
fn documented(rows: &str, name: &str) -> Vec<u64> {
    let row = rows.lines().find(|row| row.starts_with(&format!("| {name} |")));
    let row = row.unwrap_or_else(|| panic!("the table has no row `{name}`"));
    let value = row.split('|').nth(2).unwrap().replace(',', "");
    let mut numbers = Vec::new();
    let mut words = value.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let Ok(number) = word.parse::<u64>() else { continue };
        let unit = match words.peek() {
            Some(&"KiB") => 1 << 10,
            Some(&"MiB") => 1 << 20,
            Some(&"GiB") => 1 << 30,
            _ => 1,
        };
        numbers.push(number * unit);
    }
    numbers
}

#[test]
fn the_table_of_limits_has_the_numbers_of_the_code() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md")).unwrap();
    let table = page.split("## Limits").nth(1).unwrap();
    let of = |bytes: usize| bytes as u64;
    for (name, expected) in [
        ("task document", vec![of(read::MAX_BYTES)]),
        ("depth of a document", vec![of(read::MAX_DEPTH)]),
        ("values of a document", vec![of(read::MAX_VALUES)]),
        ("aliases of a document", vec![of(read::MAX_ALIASES), of(read::MAX_TEXT_BYTES)]),
        ("rendering of a text", vec![render::MAX_STEPS, of(render::MAX_OUTPUT_BYTES)]),
        (
            "value that a template keeps or makes",
            vec![of(bounds::MAX_KEPT_BYTES), of(bounds::MAX_MADE_BYTES)],
        ),
        (
            "expressions of a text",
            vec![of(tags::MAX_TAGS), of(tags::MAX_CHARACTERS), of(tags::MAX_OPERATORS)],
        ),
        ("containers of a pod", vec![of(limits::MAX_CONTAINERS)]),
        ("environment of a container", vec![of(limits::MAX_VARIABLES), of(limits::MAX_VARIABLE_BYTES)]),
        ("pod of a task, as JSON", vec![of(limits::MAX_POD_BYTES)]),
        ("input files", vec![of(task::MAX_INPUT_FILES)]),
        ("globs", vec![of(limits::MAX_GLOBS), of(pattern::MAX_GLOB_BYTES)]),
        ("output files", vec![of(outputs::MAX_FILES)]),
        ("output file", vec![upload::MAX_BYTES]),
        (
            "listing of output files",
            vec![
                of(listing::MAX_LISTING_BYTES),
                of(paths::MAX_PATH_BYTES),
                of(paths::MAX_NAME_BYTES),
                of(paths::MAX_DEPTH),
            ],
        ),
        ("output variables", vec![of(lines::MAX_OUTPUT_BYTES), of(lines::MAX_ITEMS), of(lines::MAX_ITEMS)]),
        ("return value", vec![of(value::MAX_BYTES)]),
        ("log", vec![logs::MAX_LOG_BYTES]),
        ("line of a log that is searched for variables", vec![of(stamped::MAX_LINE_BYTES)]),
        (
            "key store",
            vec![
                of(keystore::MAX_BYTES),
                derivation::MAX_ENTRIES,
                derivation::MAX_ROUNDS,
                derivation::MAX_TOTAL_ROUNDS,
                derivation::MAX_MEMORY_BYTES,
            ],
        ),
        ("kubeconfig, and each file that it names", vec![kubeconfig::MAX_BYTES]),
    ] {
        assert_eq!(documented(table, name), expected, "{name}");
    }
}
