use serde_json::json;

use super::{main_of, plan, plan_with, pod_create, refused, shell, told};

/// What the command of `commands: [TEXT]` becomes, without the `set -e` line.
fn rendered(text: &str) -> String {
    let document = json!({
        "id": "t",
        "type": "io.kestra.plugin.scripts.shell.Commands",
        "commands": [text],
        "outputFiles": ["out", "data.csv"],
        "env": {"KIND": "{{ inputs.list }}"},
    });
    let inputs =
        json!({"name": "Ada", "list": [1, "two"], "none": null, "on": true, "n": 3, "file": "s3://b/k"});
    let plan = plan_with(&document.to_string(), inputs, false)
        .unwrap_or_else(|problems| panic!("{:?}", told(&problems)));
    let words = main_of(&plan)["command"][2].as_str().unwrap().replace("$$", "$");
    words.strip_prefix("set -e\n").unwrap().to_owned()
}

#[test]
fn names_are_rendered() {
    for (template, expected) in [
        ("{{inputs.name}}", "Ada"),
        ("{{ inputs.name }}!", "Ada!"),
        ("{{ inputs['name'] }}", "Ada"),
        ("{{workingDir}}/a", "/kestra/working-dir/a"),
        ("{{ outputDir }}", "/kestra/working-dir/outputs"),
        ("{{outputFiles.out}}", "/kestra/working-dir/out"),
        ("{{ outputFiles['data.csv'] }}", "/kestra/working-dir/data.csv"),
        ("{{ outputFiles.data.csv }}", "/kestra/working-dir/data.csv"),
        ("{{ run.id }} {{ execution.id }} {{ taskrun.id }}", "run-1 run-1 run-1"),
        ("{{ trigger.key }}", "in/a.csv"),
        ("{{ task.id }}/{{ task.type }}", "t/io.kestra.plugin.scripts.shell.Commands"),
        ("{{ inputs.list }}", "[1,\"two\"]"),
        ("{{ inputs.none }}", ""),
        ("{{ inputs.on }} {{ inputs.n + 1 }}", "true 4"),
        ("{{ inputs.missing | default('x') }}", "x"),
        ("{% if inputs.on %}yes{% endif %}", "yes"),
        ("echo ${#inputs} {#", "echo ${#inputs} {#"),
        ("{{ inputs.n }} ${#name}", "3 ${#name}"),
        ("{{ inputs.name }}\n", "Ada\n"),
        ("<b>{{ inputs.file }}</b>", "<b>s3://b/k</b>"),
        ("for i in {1..10}; do echo $i; done", "for i in {1..10}; do echo $i; done"),
    ] {
        assert_eq!(rendered(template), expected, "{template}");
    }
}

#[test]
fn an_undefined_name_is_told_with_its_place_and_what_there_is() {
    for (template, part) in [
        ("{{ inputs.nmae }}", "/commands/0: `inputs.nmae` is not defined"),
        ("{{ inputs.nmae }}", "inputs.name"),
        ("{{ nothing }}", "`nothing` is not defined"),
        ("{{ inputs.a.b }}", "`inputs.a.b` is not defined"),
        ("{{ outputFiles.nope }}", "accepted: nothing, `outputFiles` is empty"),
        ("{{ outputs.missing.file }}", "`outputs` cannot be used"),
        ("{{ secret('X') }}", "secretKeyRef"),
        ("{{ kv('x') }}", "`kv` cannot be used"),
        ("{{ envs.home }}", "`envs` cannot be used"),
        ("{{ taskrun.attemptsCount }}", "`taskrun.attemptsCount` cannot be used"),
        ("{{ inputs.name", "cannot be rendered"),
        ("{{ inputs.name | nofilter }}", "cannot be rendered"),
    ] {
        let document =
            json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": [template]});
        let problems = plan_with(&document.to_string(), json!({"name": "x"}), false).unwrap_err();
        assert!(
            told(&problems).iter().any(|problem| problem.contains(part)),
            "{template}: {:?}",
            told(&problems)
        );
    }
}

#[test]
fn keys_are_rendered_too() {
    let document = pod_create("metadata: {labels: {\"team-{{ task.id }}\": \"{{ run.id }}\"}}\n");
    assert_eq!(plan(&document).pod["metadata"]["labels"], json!({"team-t": "run-1"}));
}

#[test]
fn inputs_of_a_flow() {
    let flow = |inputs: &str| {
        format!(
            "id: f\nnamespace: n\ninputs:\n{inputs}\ntasks:\n- id: t\n  type: io.kestra.plugin.scripts.shell.Commands\n  commands: [\"echo {{{{ inputs.x }}}}\"]\n"
        )
    };
    let default = plan_with(&flow("- {id: x, type: STRING, defaults: d}"), json!({}), false).unwrap();
    assert!(main_of(&default)["command"][2].as_str().unwrap().ends_with("echo d"));
    let given = plan_with(&flow("- {id: x, type: STRING, defaults: d}"), json!({"x": "g"}), false).unwrap();
    assert!(main_of(&given)["command"][2].as_str().unwrap().ends_with("echo g"));
    let optional = plan_with(&flow("- {id: x, type: STRING, required: false}"), json!({}), false).unwrap();
    assert!(main_of(&optional)["command"][2].as_str().unwrap().ends_with("echo "));
    for (inputs, values, part) in [
        ("- {id: x, type: STRING}", json!({}), "/inputs/0: the input `x` has no value and no default"),
        ("- {id: x, type: FILE}", json!({}), "--input x=@FILE"),
        ("- {id: x, type: STRING}", json!({"x": 1, "y": 2}), "`y` is not an input of the flow; accepted: x"),
        ("- {id: x}\n- {id: x}", json!({"x": 1}), "two inputs are called `x`"),
        ("- {type: STRING}", json!({}), "has no `id`"),
        ("- {id: x, values: [a]}", json!({"x": "a"}), "`values` is not supported yet"),
    ] {
        let problems = plan_with(&flow(inputs), values, false).unwrap_err();
        assert!(
            told(&problems).iter().any(|problem| problem.contains(part)),
            "{inputs}: {:?}",
            told(&problems)
        );
    }
}

#[test]
fn names_of_the_flow_are_known_to_its_task() {
    let flow = "id: f\nnamespace: n.m\nvariables: {v: 1}\ntasks:\n- id: t\n  type: io.kestra.plugin.scripts.shell.Commands\n  commands: [\"{{ flow.id }} {{ flow.namespace }} {{ vars.v }}\"]\n";
    let plan = plan(flow);
    assert_eq!(main_of(&plan)["command"][2], "set -e\nf n.m 1");
    assert_eq!((plan.task.flow.as_deref(), plan.task.namespace.as_deref()), (Some("f"), Some("n.m")));
}

#[test]
fn every_bad_template_is_told_at_once_together_with_other_mistakes() {
    let problems =
        refused(&shell("env: {A: \"{{ nope }}\", B: \"{{ nor.this }}\"}\ntimeout: 5\ncolour: red\n"));
    assert_eq!(problems.len(), 4, "{problems:?}");
}

#[test]
fn a_template_nested_too_deeply_is_a_problem_and_not_a_crash() {
    let answer = |template: String| {
        let document =
            json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": [template]});
        plan_with(&document.to_string(), json!({}), false)
    };
    let opened = ["(".repeat(5_000), "-".repeat(5_000)].map(|open| format!("{{{{ {open}1 }}}}"));
    for template in opened
        .into_iter()
        .chain(["{% if true %}".repeat(900), "{% if a %}".to_owned() + &"{% elif a %}".repeat(900)])
    {
        assert!(answer(template).is_err());
    }
    // within the limits, whatever the answer is, there is one
    for (repeated, count) in [("-", 980), ("not ", 240)] {
        let _ = answer(format!("{{{{ {}task.id }}}}", repeated.repeat(count)));
    }
    for (repeated, count) in [("|e", 480), ("+1", 480), (".a", 480), ("[0]", 320)] {
        let _ = answer(format!("{{{{ task.id{} }}}}", repeated.repeat(count)));
    }
    let _ = answer(format!("{{% if false %}}{}{{% endif %}}", "{% elif false %}".repeat(100)));
    let _ = answer(format!("{}x{}", "{% if true %}".repeat(140), "{% endif %}".repeat(140)));
}

#[test]
fn a_template_that_does_not_come_to_its_end_is_stopped() {
    let loops = "{% for a in range(9000) %}{% for b in range(9000) %}{{ b }}{% endfor %}{% endfor %}";
    let text = format!("{{% for a in range(9000) %}}{}{{% endfor %}}", "x".repeat(600));
    for (template, part) in [(loops, "100000 steps"), (&text, "more than 4194304 bytes")] {
        let document =
            format!("id: a\ntype: io.kestra.plugin.scripts.shell.Commands\ncommands: [\"{template}\"]\n");
        let problems = refused(&document);
        assert!(problems.iter().any(|problem| problem.contains(part)), "{problems:?}");
    }
}

#[test]
fn a_template_that_would_use_much_memory_is_stopped_before_it_does() {
    let doubled = "{% set a = a ~ a %}".repeat(40);
    for (template, part) in [
        (
            &*format!("{{% set a = 'xxxxxxxx' %}}{doubled}"),
            "a value that is given a name has more than 1048576 bytes",
        ),
        (
            &*format!(
                "{}{}",
                "{% for a in [task.id ~ task.id, 1] %}".to_owned() + &"{% for a in [a ~ a] %}".repeat(40),
                "{% endfor %}".repeat(41)
            ),
            "bytes",
        ),
        ("{{ 'x' * 100000000 }}", "`*` multiplies numbers"),
        ("{{ 100000000 * 'x' }}", "the template cannot be rendered"),
        ("{{ [0] * 100000000 }}", "`*` multiplies numbers"),
        ("{{ 'x' | indent(1000000000000) }}", "`indent` would make more than"),
        ("{{ 'x' | indent(width=1000000000000, first=true) }}", "`indent` would make more than"),
        ("{{ '%1000000000d' | format(1) }}", "`format` would make more than"),
        ("{{ '%*d' | format(1000000000, 1) }}", "`format` would make more than"),
        (
            "{{ range(100000) | join('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') }}",
            "`join` would make more than",
        ),
        ("{{ [1] | slice(10000000000) | list | length }}", "`slice` would make more than"),
        ("{{ [1] | batch(10000000000, 0) | list | length }}", "`batch` would make more than"),
        ("{% set a %}x{% endset %}{{ a }}", "`{% set name %} … {% endset %}` cannot be used"),
        ("{% for a in [1] recursive %}{{ loop([a]) }}{% endfor %}", "`{% for … recursive %}` cannot be used"),
    ] {
        let document =
            json!({"id": "a", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": [template]});
        let problems = refused(&document.to_string());
        assert!(problems.iter().any(|problem| problem.contains(part)), "{template}: {problems:?}");
        assert!(problems.iter().all(|problem| problem.contains("/commands/0")), "{problems:?}");
    }
}

#[test]
fn templates_of_everyday_are_rendered_as_ever() {
    for (template, expected) in [
        ("{{ 6 * 7 }} {{ 2 ** 3 * 2 }} {{ -3 * -2 }} {{ 1.5 * 2 }}", "42 16 6 3.0"),
        ("{% set a = 'x' ~ (1 + 2) %}{{ a }}", "x3"),
        ("{% set a, b = 1, 2 %}{{ a }}{{ b }}", "12"),
        ("{% for a in [3, 1, 2] | sort if a > 1 %}{{ a }};{% endfor %}", "2;3;"),
        ("{% for key, value in {'a': 1} | items %}{{ key }}={{ value }}{% endfor %}", "a=1"),
        ("{{ ['a', 'b'] | join(', ') }} {{ 'aXb' | replace('X', '--') }}", "a, b a--b"),
        ("{{ 'a\\nb' | indent(2) }} {{ '%05d' | format(42) }}", "a\n  b 00042"),
        ("{{ [1, 2, 3] | batch(2) | list }}", "[[1,2],[3]]"),
        ("{% raw %}{{ a * b }}{% endraw %}{{ 1 }}", "{{ a * b }}1"),
    ] {
        let document =
            json!({"id": "a", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": [template]});
        let plan = plan_with(&document.to_string(), json!({}), false)
            .unwrap_or_else(|problems| panic!("{template}: {problems:?}"));
        assert_eq!(main_of(&plan)["command"][2], format!("set -e\n{expected}"), "{template}");
    }
}
