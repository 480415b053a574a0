//! From bytes to a submission: an envelope or a bare task document, in JSON or YAML.

mod size;

use serde_json::{Map, Value};

use super::answer::{self, Asked};
use super::catalogue::ENVELOPE;
use super::fields::Fields;
use super::origin;
use super::place::{Notes, Place, Reading};
use super::problem::{Problem, Problems};
use super::submission::Submission;
use super::task;

/// Longest document that is read, in bytes: what an SQS message can carry (1 MiB) with room to spare for one from the bucket.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 64;

/// Most values in a document: lists, maps and what is in them, aliases followed.
pub const MAX_VALUES: usize = 250_000;

/// Most bytes of all texts and names in a document, aliases followed.
pub const MAX_TEXT_BYTES: usize = 2 * MAX_BYTES;

/// Most aliases (`*name`) in a document.
pub const MAX_ALIASES: usize = 1000;

/// The version of the envelope that is read; one that names none is of this version.
const FORMAT_VERSION: u64 = 1;

/// Read a submission from what was sent. An object with a `task` and without `type` and `tasks` is an envelope
/// ([`ENVELOPE`]); anything else is a bare document. `true`, `false` and numbers are what YAML 1.2 says they are:
/// `yes` and `0644` stay texts or octal numbers as their authors mean them.
///
/// # Errors
///
/// The text cannot be read, or the envelope has unknown or wrong fields. The document inside is not looked at.
pub fn submission(bytes: &[u8]) -> Result<Submission, Problems> {
    let document = tree(bytes).map_err(|problem| Problems(vec![*problem]))?;
    if !is_envelope(&document) {
        return Ok(Submission {
            run_id: None,
            document,
            inputs: Map::new(),
            trigger: Map::new(),
            pointer_base: String::new(),
            asked: Asked::default(),
            origin: None,
            priority: None,
        });
    }
    let notes = Notes::new(Reading::Rendered);
    let submission = envelope(&document, &Place::new(&notes, ""));
    let problems = notes.into_problems();
    match submission {
        Some(submission) if problems.is_empty() => Ok(submission),
        _ => Err(problems),
    }
}

/// The tree in a text of JSON or YAML.
///
/// # Errors
///
/// One problem with line and column.
pub fn tree(bytes: &[u8]) -> Result<Value, Box<Problem>> {
    parse(bytes).map_err(Box::new)
}

#[expect(clippy::result_large_err, reason = "boxed by its only caller")]
fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.len() > MAX_BYTES {
        return Err(Problem::new("", format!("the document is {} bytes long", bytes.len()))
            .accepted(format!("at most {MAX_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new("", format!("the document is not UTF-8 from byte {} on", error.valid_up_to()))
            .accepted("a text of YAML or JSON in UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Problem::new("", "the document is empty").accepted("a task or a flow, in YAML or JSON"));
    }
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    if looks_like_json && let Ok(value) = serde_json::from_str(text) {
        return size::checked(value);
    }
    let budget = serde_saphyr::budget! {
        max_depth: MAX_DEPTH,
        max_nodes: MAX_VALUES,
        max_aliases: MAX_ALIASES,
        // what one scalar and many aliases of it would make is counted before it is made
        enforce_alias_anchor_ratio: false,
    };
    let options = serde_saphyr::options! {
        strict_booleans: true, legacy_octal_numbers: true, with_snippet: false, budget: budget,
    };
    size::of_aliases(text)?;
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| {
            if let serde_saphyr::Error::Budget { breach, .. } = &error
                && let Some(problem) = size::breach(breach)
            {
                return problem;
            }
            let words = error.without_snippet().to_string();
            let first = words.lines().next().unwrap_or_default();
            let problem = Problem::new("", format!("is neither YAML nor JSON: {first}"))
                .accepted("a text of YAML or JSON");
            match error.location() {
                Some(at) => {
                    Problem { line: Some(at.line() as usize), column: Some(at.column() as usize), ..problem }
                }
                None => problem,
            }
        })
        .and_then(size::checked)
}

fn envelope(document: &Value, place: &Place<'_>) -> Option<Submission> {
    let fields = Fields::read(document, place.clone())?;
    fields.only(&ENVELOPE);
    if let Some(version) = fields.count("formatVersion").filter(|version| *version != FORMAT_VERSION) {
        let place = place.at("formatVersion");
        place.refuse(&version.into(), "the envelope is of a version that is not read here", "1, or none");
    }
    let task = match fields.value("task")? {
        Value::String(text) => match tree(text.as_bytes()) {
            Ok(task) => task,
            Err(problem) => {
                place.note(Problem { pointer: "/task".to_owned(), ..*problem });
                Value::Null
            }
        },
        other => other.clone(),
    };
    let run_id = fields.text("runId");
    if let Some(id) = run_id.as_deref().filter(|id| !is_run_id(id)) {
        place.at("runId").refuse(&id.into(), "is no run id", RUN_IDS);
    }
    Some(Submission {
        run_id,
        document: task,
        inputs: fields.object("inputs").unwrap_or_default(),
        trigger: fields.object("trigger").unwrap_or_default(),
        pointer_base: "/task".to_owned(),
        asked: answer::read(&fields),
        origin: origin::read(&fields),
        priority: task::written_priority(&fields),
    })
}

/// Who is to be told, of a submission that has problems: even then somebody may wait for it.
pub fn asked(bytes: &[u8]) -> Asked {
    let notes = Notes::new(Reading::Rendered);
    let place = Place::new(&notes, "");
    tree(bytes)
        .ok()
        .filter(is_envelope)
        .and_then(|document| Some(answer::read(&Fields::read(&document, place)?)))
        .unwrap_or_default()
}

/// What makes a submission the same as another: all of it but where its answer goes, which differs from try to try of a state.
pub fn sameness(bytes: &[u8]) -> Vec<u8> {
    let Some(Value::Object(mut envelope)) = tree(bytes).ok().filter(is_envelope) else {
        return bytes.to_vec();
    };
    envelope.retain(|name, _| !(answer::PROPERTIES.contains(&name.as_str()) || name == "stepFunctions"));
    Value::Object(envelope).to_string().into_bytes()
}

/// An object with a `task` and without `type` and `tasks`.
fn is_envelope(document: &Value) -> bool {
    document.get("task").is_some() && document.get("type").is_none() && document.get("tasks").is_none()
}

/// What a run id looks like, in words.
pub const RUN_IDS: &str = "1 to 128 of A-Z a-z 0-9 . _ -, beginning and ending with a letter or digit";

/// 1 to 128 of `A-Z a-z 0-9 . _ -`, beginning and ending with a letter or digit.
pub fn is_run_id(id: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    id.len() <= 128
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && edge(id.as_bytes().first())
        && edge(id.as_bytes().last())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bare_document_in_yaml_or_json() {
        for text in
            ["id: a\ntype: t\n", r#"{"id":"a","type":"t"}"#, "\u{feff}id: a\ntype: t\n", "{id: a, type: t}"]
        {
            let submission = submission(text.as_bytes()).unwrap();
            assert_eq!(submission.document, json!({"id": "a", "type": "t"}), "{text}");
            assert_eq!(submission.pointer_base, "");
        }
    }

    #[test]
    fn yaml_says_what_its_author_means() {
        let value = tree(b"a: yes\nb: on\nc: true\nd: 0644\ne: 1.0\nf: ~\ng: '1'\n").unwrap();
        assert_eq!(value, json!({"a": "yes", "b": "on", "c": true, "d": 420, "e": 1.0, "f": null, "g": "1"}));
    }

    #[test]
    fn an_envelope() {
        let read = submission(
            br#"{"task": "id: a\ntype: t", "inputs": {"x": 1}, "runId": "r-1", "trigger": {"key": "k"}}"#,
        )
        .unwrap();
        assert_eq!(read.document, json!({"id": "a", "type": "t"}));
        assert_eq!(read.run_id.as_deref(), Some("r-1"));
        assert_eq!(read.inputs.get("x"), Some(&json!(1)));
        assert_eq!(read.pointer_base, "/task");
    }

    #[test]
    fn every_problem_of_an_envelope_is_told() {
        let problems =
            submission(br#"{"task": "a: [", "input": {}, "runId": "-bad-", "trigger": 5}"#).unwrap_err();
        let pointers: Vec<&str> = problems.0.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, ["/input", "/task", "/runId", "/trigger"]);
    }

    #[test]
    fn submissions_that_differ_in_their_answer_alone_are_the_same() {
        let first = br#"{"task": {"id": "a"}, "taskToken": "one", "stepFunctions": {"retryCount": 0}}"#;
        let second = br#"{"taskToken":"two","heartbeatSeconds":300,"task":{"id":"a"}}"#;
        assert_eq!(sameness(first), sameness(second));
        assert_eq!(sameness(first), br#"{"task":{"id":"a"}}"#);
        assert_ne!(sameness(first), sameness(br#"{"task": {"id": "b"}, "taskToken": "one"}"#));
        // A bare document is what it is, byte by byte, even if it has such a property.
        let bare = b"id: a\ntype: t\ntaskToken: x\n";
        assert_eq!(sameness(bare), bare);
    }

    #[test]
    fn whoever_waits_for_a_mistaken_submission_is_known() {
        let bytes = br#"{"task": 5, "runId": "-", "taskToken": "one", "unknown": 1}"#;
        assert!(submission(bytes).is_err());
        assert_eq!(asked(bytes).addresses.len(), 1);
        assert_eq!(asked(b"{ this: is: nothing"), Asked::default());
    }

    #[test]
    fn only_this_version_of_the_envelope_is_read() {
        assert!(submission(br#"{"task": {"id": "a"}, "formatVersion": 1}"#).is_ok());
        let problems = submission(br#"{"task": {"id": "a"}, "formatVersion": 2}"#).unwrap_err();
        assert_eq!(problems.0[0].pointer, "/formatVersion");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (text, part) in [
            (&b"\xff\xfe"[..], "not UTF-8"),
            (b"", "empty"),
            (b"  \n", "empty"),
            (b"a: 1\nb: [\n", "line"),
            (b"{\"a\": 1,, }", "neither YAML nor JSON"),
        ] {
            let problems = submission(text).unwrap_err();
            assert!(problems.0[0].to_string().contains(part), "{}", problems.0[0]);
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_a_crash() {
        for text in [
            "[".repeat(50_000),
            "{a: ".repeat(50_000),
            "- ".repeat(50_000),
            format!("{}{}", "[".repeat(1900), "]".repeat(1900)),
        ] {
            assert!(submission(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn repeated_anchors_do_not_explode() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let references = vec![format!("*a{}", level - 1); 10].join(", ");
            text += &format!("a{level}: &a{level} [{references}]\n");
        }
        assert!(submission(text.as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_a_submission_or_problems(bytes in proptest::collection::vec(0_u8.., 0..200)) {
            let _ = submission(&bytes);
        }

        #[test]
        fn any_text_gives_a_submission_or_problems(text in "[\\[\\]{}a:\\-\\n &*!|>'\"#%,0-9.]{0,80}") {
            let _ = submission(text.as_bytes());
        }
    }
}
