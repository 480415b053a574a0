//! A diagnosis for people.

use serde_json::Value;
use shared::run::diagnosis::Diagnosis;

use crate::paint::Paint;

/// Cause, message, hint and evidence, each line indented by two spaces.
pub fn diagnosis(diagnosis: &Diagnosis, paint: Paint) -> String {
    let mut facts = vec![word(&diagnosis.class)];
    facts.extend(diagnosis.container.as_ref().map(|name| format!("container {name}")));
    facts.extend(diagnosis.exit_code.map(|code| format!("exit code {code}")));
    facts.extend(diagnosis.signal.map(|signal| format!("signal {signal}")));
    let mut text = format!("  {}  {}\n", paint.bold(&word(&diagnosis.cause)), paint.dim(&facts.join(" · ")));
    text.push_str(&indented(&diagnosis.message, "  "));
    if !diagnosis.hint.is_empty() {
        text.push_str(&format!("  {} {}\n", paint.green("try:"), diagnosis.hint.replace('\n', "\n       ")));
    }
    if !diagnosis.evidence.is_empty() {
        text.push_str(&format!("  {}\n", paint.dim("evidence")));
        for line in &diagnosis.evidence {
            text.push_str(&format!("    {}\n", paint.dim(&line.replace('\n', " "))));
        }
    }
    text
}

/// The stable name of a class or cause, as it stands in JSON.
fn word(name: &impl serde::Serialize) -> String {
    match serde_json::to_value(name) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

fn indented(words: &str, margin: &str) -> String {
    words.lines().map(|line| format!("{margin}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use shared::run::diagnosis::{Cause, Class};

    use super::*;

    #[test]
    fn a_card_says_cause_facts_hint_and_evidence() {
        let killed = Diagnosis {
            class: Class::User,
            cause: Cause::OomKilled,
            container: Some("main".to_owned()),
            exit_code: Some(137),
            signal: Some(9),
            message: "container `main` was killed for using more memory than its limit".to_owned(),
            hint: "raise `resources.limits.memory`".to_owned(),
            evidence: vec!["main terminated: OOMKilled, exit code 137".to_owned()],
        };
        insta::assert_snapshot!(diagnosis(&killed, Paint::PLAIN), @r"
          OomKilled  user · container main · exit code 137 · signal 9
          container `main` was killed for using more memory than its limit
          try: raise `resources.limits.memory`
          evidence
            main terminated: OOMKilled, exit code 137
        ");
    }
}
