//! Templates as Airflow writes them.

use serde_json::{Value, json};

use super::{planned, told};

fn rendered(text: &str, inputs: Value) -> Result<String, Vec<String>> {
    let arguments = json!({"arguments": [text], "dag_id": "nightly", "params": {"table": "towns", "limit": 10, "deep": {"list": [1, true]}},
        "env_vars": {"MODE": "fast", "OTHER": "{{ params.table }}"}});
    let plan = planned(arguments, inputs).map_err(|problems| told(&problems))?;
    Ok(plan.pod["spec"]["containers"][0]["args"][0].as_str().unwrap().to_owned())
}

#[test]
fn the_names_of_a_run() {
    let date = json!({"logical_date": "2026-03-01T04:05:06Z", "table": "streets"});
    for (text, expected) in [
        ("{{ ds }} {{ ds_nodash }}", "2026-03-01 20260301"),
        (
            "{{ ts }} {{ ts_nodash }} {{ ts_nodash_with_tz }}",
            "2026-03-01T04:05:06+00:00 20260301T040506 20260301T040506+0000",
        ),
        ("{{ logical_date }}", "2026-03-01 04:05:06+00:00"),
        ("{{ logical_date.strftime('%d.%m.%Y %H') }}", "01.03.2026 04"),
        ("{{ logical_date.isoformat() }}", "2026-03-01T04:05:06+00:00"),
        ("{{ logical_date.year }}-{{ logical_date.month }}", "2026-3"),
        ("{{ logical_date.subtract(days=1).to_date_string() }}", "2026-02-28"),
        ("{{ logical_date.add(weeks=1, hours=2) | ts }}", "2026-03-08T06:05:06+00:00"),
        ("{{ data_interval_start | ds_nodash }}", "20260301"),
        ("{{ '2026-01-02' | ds_nodash }}", "20260102"),
        ("{{ macros.ds_add(ds, 5) }} {{ macros.ds_add('2026-01-01', -1) }}", "2026-03-06 2025-12-31"),
        ("{{ macros.ds_format(ds, '%Y-%m-%d', '%d/%m/%y') }}", "01/03/26"),
        ("{{ params.table }} {{ params.limit + 1 }}", "streets 11"),
        ("{{ params.deep | tojson }}", r#"{"list":[1,true]}"#),
        ("{{ params.deep.list[1] }} {{ none }}", "True None"),
        ("{{ run_id }} {{ dag_run.run_id }} {{ dag_run.conf.table }}", "run-1 run-1 streets"),
        ("{{ dag.dag_id }}.{{ task.task_id }}", "nightly.load"),
        ("{{ env.MODE }}", "fast"),
        ("{% if params.limit > 5 %}many{% else %}few{% endif %}", "many"),
    ] {
        assert_eq!(rendered(text, date.clone()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn the_logical_date_is_what_was_asked_for_or_the_time_of_acceptance() {
    for (inputs, expected) in [
        (json!({"logical_date": "2026-03-01"}), "2026-03-01T00:00:00+00:00"),
        (json!({"logical_date": "2026-03-01T04:05:06.123456+02:00"}), "2026-03-01T02:05:06.123456+00:00"),
        (json!({}), "1970-01-01T00:00:00+00:00"),
    ] {
        assert_eq!(rendered("{{ ts }}", inputs.clone()).as_deref(), Ok(expected), "{inputs}");
    }
    assert!(
        rendered("{{ ds }}", json!({"logical_date": "yesterday"})).unwrap_err()[0].contains("is no date")
    );
}

#[test]
fn what_cannot_be_known_is_refused_with_what_to_do_instead() {
    for (text, words) in [
        ("{{ ti.xcom_pull(task_ids='extract') }}", "pass the value of another one as an input"),
        ("{{ task_instance.try_number }}", "pass the value of another one as an input"),
        ("{{ var.value.bucket }}", "pass the value as an input"),
        ("{{ conn.database.password }}", "name a Kubernetes secret"),
        ("{{ params.absent }}", "`params.absent` is not defined"),
        ("{{ macros.random() }}", "`macros.random` cannot be used here"),
        ("{{ logical_date.week_of_month() }}", "of a date cannot be used here"),
        ("{{ env.OTHER }}", "`env.OTHER` is not defined"),
        ("{{ workingDir }}", "`workingDir` is not defined"),
        ("{{ 'x' | ds }}", "`ds` takes a date"),
    ] {
        let problems = rendered(text, json!({})).unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains(words), "{text}: {problems:?}");
    }
}

#[test]
fn only_the_arguments_that_airflow_renders_are_templates() {
    let plan = planned(json!({"tolerations": [{"key": "{{ ds }}"}], "labels": {"day": "{{ ds }}"}, "image": "app:{{ params.tag }}"}), json!({"tag": 7})).unwrap();
    assert_eq!(plan.pod["spec"]["tolerations"][0]["key"], "{{ ds }}");
    assert_eq!(plan.pod["metadata"]["labels"]["day"], "1970-01-01");
    assert_eq!(plan.pod["spec"]["containers"][0]["image"], "app:7");
}
