//! A rule at work: which uploads fit it. Rules that would see what their own runs write are refused.

use shared::queue::MatchedRule;
use shared::spec::pattern::Pattern;
use shared::spec::problem::{Problem, Problems};
use shared::spec::rule::{Per, Rule};
use shared::spec::upload::Upload;
use shared::store::keys;

/// A rule that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    bucket: String,
    prefix: String,
    suffix: String,
    pattern: Option<Pattern>,
    min_bytes: u64,
    max_bytes: u64,
    /// What its runs get.
    pub rule: MatchedRule,
}

impl Watch {
    /// Make a rule ready. `own_bucket` is Longshore's.
    ///
    /// # Errors
    /// Every reason why it cannot work, or would go in circles.
    pub fn new(name: &str, rule: Rule, own_bucket: &str) -> Result<Watch, Problems> {
        let mut problems = Problems::default();
        let pattern = rule.glob.as_deref().and_then(|glob| {
            Pattern::new(glob).map_err(|error| problems.add(Problem::new("/glob", error.to_string()))).ok()
        });
        let bucket = rule.bucket.clone().unwrap_or_else(|| own_bucket.to_owned());
        match beginning(&rule) {
            None => {
                let message = format!("no key begins with `{}` and fits the glob", rule.prefix);
                problems.add(Problem::new("/glob", message));
            }
            Some(beginning) if bucket == own_bucket => problems.0.extend(circle(beginning)),
            Some(_) => {}
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let batch = rule.per == Per::Batch;
        Ok(Watch {
            bucket,
            prefix: rule.prefix,
            suffix: rule.suffix,
            pattern,
            min_bytes: rule.min_bytes,
            max_bytes: rule.max_bytes,
            rule: MatchedRule { name: name.to_owned(), batch, inputs: rule.inputs, task: rule.task },
        })
    }

    /// The upload fits everything that the rule says.
    pub fn fits(&self, upload: &Upload) -> bool {
        upload.bucket == self.bucket
            && upload.key.starts_with(&self.prefix)
            && upload.key.ends_with(&self.suffix)
            && (self.min_bytes..=self.max_bytes).contains(&upload.size)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(&upload.key))
    }
}

/// Longshore wrote the object, or reads it for itself: never data, whatever a rule says.
pub fn is_own(upload: &Upload, own_bucket: &str) -> bool {
    upload.bucket == own_bucket && keys::is_own(&upload.key)
}

/// How every key that fits the rule begins; `None` when prefix and glob exclude each other.
fn beginning(rule: &Rule) -> Option<&str> {
    let glob = rule.glob.as_deref().unwrap_or_default();
    let literal = glob.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default();
    let prefix = rule.prefix.as_str();
    if literal.starts_with(prefix) {
        Some(literal)
    } else if prefix.starts_with(literal) && (literal.len() < glob.len() || glob.is_empty()) {
        Some(prefix)
    } else {
        None
    }
}

/// Why a rule on Longshore's own bucket would see what its own runs write.
fn circle(beginning: &str) -> Option<Problem> {
    let accepted = "a prefix for data alone, such as uploads/, or another bucket";
    if beginning.is_empty() {
        let message = "the rule watches the whole of Longshore's own bucket, and so what its own runs write";
        return Some(Problem::new("/prefix", message).accepted(accepted));
    }
    let own = keys::OWN.iter().find(|own| own.starts_with(beginning) || beginning.starts_with(*own))?;
    let message = format!("the rule watches `{own}` of Longshore's own bucket, which is no place for data");
    Some(Problem::new("/prefix", message).found(beginning).accepted(accepted))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn watch(mut rule: Value) -> Result<Watch, Vec<String>> {
        rule["task"] = json!({});
        let (rule, problems) = shared::spec::rule::read(&rule);
        assert!(problems.is_empty(), "{problems:?}");
        Watch::new("r", rule.unwrap(), "own")
            .map_err(|problems| problems.0.iter().map(ToString::to_string).collect())
    }

    fn upload(bucket: &str, key: &str, size: u64) -> Upload {
        Upload {
            bucket: bucket.into(),
            key: key.into(),
            size,
            e_tag: "e".into(),
            version_id: None,
            sequencer: "1".into(),
            time: "t".into(),
        }
    }

    #[test]
    fn an_upload_must_fit_everything_that_the_rule_says() {
        let rule = json!({"bucket": "data", "prefix": "in/", "suffix": ".csv", "glob": "in/**/[a-m]*",
            "size": {"min": 2, "max": 4}});
        let watch = watch(rule).unwrap();
        for (fits, bucket, key, size) in [
            (true, "data", "in/a.csv", 2),
            (true, "data", "in/deep/er/m.csv", 4),
            (false, "data", "in/a.csv", 1),
            (false, "data", "in/a.csv", 5),
            (false, "other", "in/a.csv", 3),
            (false, "data", "in/a.txt", 3),
            (false, "data", "in/z.csv", 3),
            (false, "data", "out/in/a.csv", 3),
        ] {
            assert_eq!(watch.fits(&upload(bucket, key, size)), fits, "{bucket} {key} {size}");
        }
    }

    #[test]
    fn a_rule_that_watches_what_runs_write_is_refused() {
        for rule in [
            json!({}),
            json!({"bucket": "own"}),
            json!({"suffix": ".csv"}),
            json!({"glob": "**/*.csv"}),
            json!({"prefix": "r"}),
            json!({"prefix": "runs/"}),
            json!({"prefix": "runs/x/attempts/1/outputs/"}),
            json!({"glob": "runs/*/attempts/*/outputs/*.csv"}),
            json!({"prefix": "active/"}),
            json!({"prefix": "rejected/"}),
            json!({"prefix": "cursors/"}),
            json!({"prefix": "cache/"}),
            json!({"prefix": "config/"}),
            json!({"prefix": "submissions/"}),
            json!({"prefix": "su"}),
        ] {
            let problems = watch(rule.clone()).unwrap_err();
            assert!(problems[0].contains("own bucket"), "{rule}: {problems:?}");
        }
        for rule in [
            json!({"prefix": "uploads/"}),
            json!({"prefix": "running/"}),
            json!({"glob": "uploads/**"}),
            json!({"bucket": "data"}),
            json!({"bucket": "data", "prefix": "runs/"}),
        ] {
            assert!(watch(rule.clone()).is_ok(), "{rule}");
        }
    }

    #[test]
    fn a_rule_that_nothing_can_fit_is_refused() {
        for rule in [json!({"prefix": "a/", "glob": "b/*"}), json!({"prefix": "a/b/", "glob": "a/"})] {
            let problems = watch(rule.clone()).unwrap_err();
            assert!(problems[0].starts_with("/glob"), "{rule}: {problems:?}");
        }
        for rule in [json!({"prefix": "a/b/", "glob": "a/**"}), json!({"prefix": "a/", "glob": "a/b/*"})] {
            assert!(watch(rule.clone()).is_ok(), "{rule}");
        }
    }

    #[test]
    fn every_example_is_a_rule_that_works() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/examples/triggers");
        let mut count = 0;
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let document = shared::spec::read::tree(&std::fs::read(&file).unwrap()).unwrap();
            let (rule, problems) = shared::spec::rule::read(&document);
            assert!(problems.is_empty(), "{}: {problems:?}", file.display());
            let watch = Watch::new("r", rule.unwrap(), "own").unwrap();
            if let shared::spec::rule::RuleTask::Inline(task) = &watch.rule.task {
                shared::spec::task::parse(task, "/task").unwrap();
            }
            count += 1;
        }
        assert_eq!(count, 3);
    }

    #[test]
    fn what_longshore_wrote_is_never_data() {
        for key in ["runs/r/attempts/1/outputs/a.csv", "active/g/r.json", "rejected/x.json", "cache/k"] {
            assert!(is_own(&upload("own", key, 1), "own"), "{key}");
            assert!(!is_own(&upload("data", key, 1), "own"), "{key}");
        }
        assert!(!is_own(&upload("own", "uploads/a.csv", 1), "own"));
    }
}
