//! Any bytes give a pod or problems: never a panic, never a hang, and the same answer twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::pod::{self, Grants, PodIdentity};
use shared::resolve::{self, Context};
use shared::spec::problem::Problems;
use shared::spec::read;
use shared::spec::source::Source;

fuzz_target!(|bytes: &[u8]| {
    let answer = render(bytes);
    match &answer {
        Ok(pod) => assert!(pod.pointer("/spec/containers/0/name").is_some(), "{pod}"),
        Err(problems) => {
            assert!(!problems.is_empty());
            let mut marked = problems.clone();
            Source::of(bytes).mark(&mut marked);
        }
    }
    assert_eq!(answer, render(bytes));
});

fn render(bytes: &[u8]) -> Result<serde_json::Value, Problems> {
    let submission = read::submission(bytes)?;
    let context = Context {
        run_id: "run-1",
        inputs: &submission.inputs,
        trigger: &submission.trigger,
        bucket: "longshore",
        accepted_at: Default::default(),
        templates: &std::collections::BTreeMap::new(),
        replace_connection: false,
    };
    let plan = resolve::plan_of(&submission, &context)?;
    let identity = PodIdentity { run_id: "run-1", attempt: 1, submission_hash: "", group: "" };
    Ok(pod::build(&plan, &identity, Grants { manifest_url: None }))
}
