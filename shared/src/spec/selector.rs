//! Label selectors as Kubernetes writes them: `app=web,tier!=db,env in (a,b),zone notin (c),gpu,!spot`.

use std::fmt;
use std::str::FromStr;

/// Every requirement must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    /// Also of what has no such label.
    NotIn(Vec<String>),
}

/// Why a text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// It would select everything.
    #[error("the selector is empty; write for example `team=data,stage in (test,dev)`")]
    Empty,
    /// A part of it makes no sense.
    #[error(
        "`{0}` is no requirement; write `key`, `!key`, `key=value`, `key!=value`, `key in (a,b)` or `key notin (a,b)`"
    )]
    Requirement(String),
}

impl Selector {
    /// Whether labels are selected; `label` gives the value of one.
    pub fn matches<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = label(&requirement.key);
            let is_one_of =
                |values: &[String]| value.is_some_and(|value| values.iter().any(|one| one == value));
            match &requirement.test {
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
                Test::In(values) => is_one_of(values),
                Test::NotIn(values) => !is_one_of(values),
            }
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let requirements = parts(text).into_iter().map(|part| {
            requirement(part.trim()).ok_or_else(|| SelectorError::Requirement(part.trim().to_owned()))
        });
        match text.trim().is_empty() {
            true => Err(SelectorError::Empty),
            false => {
                Ok(Selector { text: text.to_owned(), requirements: requirements.collect::<Result<_, _>>()? })
            }
        }
    }
}

/// Split at the commas that stand outside of parentheses.
fn parts(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.split(|letter| {
        match letter {
            '(' => inside = true,
            ')' => inside = false,
            _ => {}
        }
        letter == ',' && !inside
    })
    .collect()
}

fn requirement(text: &str) -> Option<Requirement> {
    if let Some(key) = text.strip_prefix('!') {
        return made(key, Test::Absent);
    }
    // The longer signs first: `a!=b` and `a==b` hold an `=` too.
    for (sign, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = text.split_once(sign) {
            let values = vec![legal(value.trim(), true)?.to_owned()];
            return made(key, if equal { Test::In(values) } else { Test::NotIn(values) });
        }
    }
    let Some((head, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        return made(text, Test::Exists);
    };
    let values: Option<Vec<String>> =
        values.split(',').map(|value| legal(value.trim(), true).map(str::to_owned)).collect();
    let (key, word) = head.trim_end().rsplit_once(char::is_whitespace)?;
    match word {
        "in" => made(key, Test::In(values?)),
        "notin" => made(key, Test::NotIn(values?)),
        _ => None,
    }
}

fn made(key: &str, test: Test) -> Option<Requirement> {
    Some(Requirement { key: legal(key.trim(), false)?.to_owned(), test })
}

/// Only what labels are made of; an empty value is one.
fn legal(text: &str, may_be_empty: bool) -> Option<&str> {
    let known = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/');
    (text.chars().all(known) && (may_be_empty || !text.is_empty())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str) -> bool {
        let labels = [("app", "web"), ("env", "test"), ("longshore.dev/task-id", "load"), ("empty", "")];
        let selector: Selector = selector.parse().unwrap();
        selector.matches(|key| labels.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
    }

    #[test]
    fn requirements_are_read_and_all_must_hold() {
        for (selector, expected) in [
            ("app=web", true),
            ("app==web", true),
            (" app = web , env=test ", true),
            ("app=web,env=live", false),
            ("app!=web", false),
            ("tier!=db", true),
            ("app in (api, web)", true),
            ("app in (api)", false),
            ("app notin (api,db),env", true),
            ("tier notin (db)", true),
            ("env", true),
            ("tier", false),
            ("!tier", true),
            ("! app", false),
            ("longshore.dev/task-id=load", true),
            ("empty=", true),
            ("empty in ()", true),
        ] {
            assert_eq!(selects(selector), expected, "{selector}");
        }
    }

    #[test]
    fn what_is_no_selector_is_named() {
        for (text, part) in [
            ("", "empty"),
            ("  ", "empty"),
            ("app=web,", "``"),
            ("a b", "`a b`"),
            ("app in web", "`app in web`"),
            ("app within (a)", "`app within (a)`"),
            ("app in (a", "`app in (a`"),
            ("=web", "`=web`"),
            ("app=we b", "`app=we b`"),
        ] {
            let error = text.parse::<Selector>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
