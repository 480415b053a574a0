use serde_json::{Value, json};

use super::{MAX_BYTES, ValueError, read};

fn value(text: &str) -> Value {
    read(Some(text.as_bytes())).unwrap().value
}

#[test]
fn json_is_taken_as_it_is_and_nothing_is_null() {
    assert_eq!(value("{\"a\": [1, 2.5, null, \"x\"]}\n"), json!({"a": [1, 2.5, null, "x"]}));
    assert_eq!(value("3"), json!(3));
    for empty in [None, Some(&b""[..]), Some(b"\n"), Some(b" \t\n")] {
        let read = read(empty).unwrap();
        assert_eq!((read.value, read.warning), (Value::Null, None));
    }
}

#[test]
fn a_number_comes_back_as_itself_and_not_as_its_neighbour() {
    for number in ["7.777777777777778e+59", "0.1", "1e23", "5e-324", "123456789.12345679"] {
        let read = value(number);
        assert_eq!(read.as_f64(), number.parse().ok(), "{number}");
        assert_eq!(value(&read.to_string()), read, "{number}");
    }
}

#[test]
fn a_python_literal_of_plain_values_is_accepted_with_a_warning() {
    for (literal, expected) in [
        ("{'return_value': '460'}", json!({"return_value": "460"})),
        ("[1, -2, 3.5, 1e-07, 1e+16]", json!([1, -2, 3.5, 1e-7, 1e16])),
        ("{'a': None, 'b': True, 'c': False,}", json!({"a": null, "b": true, "c": false})),
        ("(1, 'two')", json!([1, "two"])),
        ("('one',)", json!(["one"])),
        ("('one')", json!("one")),
        ("()", json!([])),
        ("{}", json!({})),
        ("{1: 'a', 2.5: 'b'}", json!({"1": "a", "2.5": "b"})),
        ("'it\\'s'", json!("it's")),
        ("\"it's\"", json!("it's")),
        ("'a\\n\\t\\\\\\x41\\u00e9\\U0001f600'", json!("a\n\t\\Aé😀")),
        ("{'a': {'b': [{'c': ()}]}}\n", json!({"a": {"b": [{"c": []}]}})),
    ] {
        let read = read(Some(literal.as_bytes())).unwrap_or_else(|error| panic!("{literal}: {error}"));
        assert_eq!(read.value, expected, "{literal}");
        let is_json = serde_json::from_str::<Value>(literal).is_ok();
        assert_eq!(read.warning.is_some(), !is_json, "{literal}");
    }
}

#[test]
fn anything_else_is_refused_and_shows_its_beginning() {
    // A-XCOM-02 is the first
    for text in [
        "hello",
        "{'a'}",
        "{'a': 1",
        "[1, 2",
        "b'bytes'",
        "{1, 2}",
        "__import__('os')",
        "1 + 1",
        "'a' 'b'",
        "{None: 1}",
        "NaN",
        "Nonesuch",
        "0x10",
        "{'a': }",
        "[,]",
        "'''a'''",
        "'a\\q'",
        "'open",
        "-",
        "+",
        "1_000",
        "datetime(2026, 1, 1)",
    ] {
        let error = read(Some(text.as_bytes())).unwrap_err();
        assert!(matches!(error, ValueError::Invalid { .. }), "{text}");
        let shown: String = text.escape_debug().collect();
        assert!(error.to_string().contains(&shown), "{error}");
    }
    let long = format!("x{}", "y".repeat(500));
    let told = read(Some(long.as_bytes())).unwrap_err().to_string();
    assert!(told.len() < 250 && told.contains("xyyy"), "{told}");
    assert_eq!(read(Some(&vec![b' '; MAX_BYTES + 1])), Err(ValueError::TooLong));
    assert!(read(Some("[".repeat(100_000).as_bytes())).is_err());
    assert!(read(Some(b"\xff\xfe")).is_err());
}

proptest::proptest! {
    #[test]
    fn what_json_can_say_a_literal_can_say(text in "[a-z'\"\\\\\n é😀]{0,12}", number in -1_000_000_i64..1_000_000, flag: bool) {
        let value = json!({"text": text, "list": [number, flag, null]});
        prop_assert_eq(&literal_of(&value), &value)?;
    }

    #[test]
    fn no_bytes_are_too_much(bytes in proptest::collection::vec(0_u8.., 0..200)) {
        let _ = read(Some(&bytes));
    }
}

fn prop_assert_eq(literal: &str, value: &Value) -> Result<(), proptest::test_runner::TestCaseError> {
    let read = read(Some(literal.as_bytes()))
        .map_err(|error| proptest::test_runner::TestCaseError::fail(error.to_string()))?;
    proptest::prop_assert_eq!(&read.value, value);
    Ok(())
}

/// As Python's `repr` prints it.
fn literal_of(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
            format!("'{escaped}'")
        }
        Value::Array(items) => format!("[{}]", items.iter().map(literal_of).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("'{key}': {}", literal_of(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
