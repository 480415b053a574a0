//! What happens to hollow pods: rules that are matched in order, each with steps and times.

use globset::{Glob, GlobMatcher};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The most that a generated log may hold.
const MAX_LOG_BYTES: u64 = 1 << 30;
/// The most that the generated files of a pod may hold.
const MAX_FILE_BYTES: u64 = 64 << 30;
/// The longest time between two steps: a year.
const MAX_SECONDS: f64 = 31_536_000.0;

/// Rules for pods; a pod that no rule matches follows [`Rule::default`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Script {
    /// The first that matches a pod counts.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// What happens to some pods.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// Which pods; all of them when nothing is said.
    #[serde(rename = "match")]
    pub matching: Match,
    /// What happens to them, one after the other.
    pub steps: Vec<Step>,
    /// Containers that `terminated` without names leaves running until the pod is deleted; Longshore's carrier by default.
    pub staying: Vec<String>,
    /// Seconds from a deletion to the end of the containers, at most the grace period; 0 by default.
    pub ends_after_seconds: f64,
    /// What every container writes.
    pub log: LogText,
    /// What the listing and the archives of Longshore's collection find. Without files commands are refused.
    pub files: Vec<File>,
}

/// The pods of a rule: everything that is said must match. Values are globs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    /// The pod's name.
    pub name: Option<String>,
    /// Labels that it must have.
    pub labels: BTreeMap<String, String>,
    /// Annotations that it must have.
    pub annotations: BTreeMap<String, String>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// Seconds after the step before, or after the node has seen the pod.
    #[serde(default)]
    pub after_seconds: f64,
    /// Names of the containers it happens to; see [`Turn`] for what no name means.
    #[serde(default)]
    pub containers: Vec<String>,
    /// What happens.
    pub turn: Turn,
    /// An event of the kubelet that goes with it.
    #[serde(default)]
    pub event: Option<StepEvent>,
}

/// What can happen to containers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Turn {
    /// They wait; without names every container that has not run.
    Waiting {
        /// For example `ImagePullBackOff`.
        reason: String,
        /// The sentence that goes with it.
        #[serde(default)]
        message: Option<String>,
    },
    /// They run; without names init containers have done their work, and sidecars and main containers run.
    Running {
        /// Whether they are ready, too; true by default.
        #[serde(default = "yes")]
        ready: bool,
    },
    /// They end; without names every main container but those that stay. Sidecars end with the last main container.
    Terminated {
        /// 0 by default.
        #[serde(default)]
        exit_code: i32,
        /// `Completed` or `Error` by the exit code when nothing is said.
        #[serde(default)]
        reason: Option<EndReason>,
        /// The termination message.
        #[serde(default)]
        message: Option<String>,
    },
    /// The node ends the pod as failed, and kills what runs.
    Failed {
        /// `status.reason`, for example `Evicted`.
        reason: String,
        /// `status.message`.
        #[serde(default)]
        message: String,
    },
}

fn yes() -> bool {
    true
}

/// `reason` of a container that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum EndReason {
    /// It ended well.
    Completed,
    /// It ended badly.
    Error,
    /// It or a child of it took too much memory.
    OOMKilled,
    /// It could not be started.
    StartError,
    /// Nobody knows how it ended.
    ContainerStatusUnknown,
}

impl EndReason {
    /// As the status says it.
    pub fn name(self) -> &'static str {
        match self {
            EndReason::Completed => "Completed",
            EndReason::Error => "Error",
            EndReason::OOMKilled => "OOMKilled",
            EndReason::StartError => "StartError",
            EndReason::ContainerStatusUnknown => "ContainerStatusUnknown",
        }
    }
}

/// An event of the kubelet.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepEvent {
    /// Whether it is a `Warning` or, by default, `Normal`.
    #[serde(default)]
    pub warning: bool,
    /// The short reason.
    pub reason: String,
    /// The sentence.
    pub message: String,
}

/// A log that is made when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LogText {
    /// Numbered lines; 1 by default.
    pub lines: u64,
    /// Bytes of each with its line feed; 64 by default. Shorter than its number it is not.
    pub line_bytes: u64,
    /// Further lines, word for word, after the numbered ones.
    pub text: String,
}

impl Default for LogText {
    fn default() -> LogText {
        LogText { lines: 1, line_bytes: 64, text: String::new() }
    }
}

/// A file that is made when it is fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct File {
    /// Path below the working directory.
    pub path: String,
    /// Size.
    #[serde(default)]
    pub bytes: u64,
}

impl Default for Rule {
    /// Running after half a second, succeeded after another.
    fn default() -> Rule {
        let step = |turn| Step { after_seconds: 0.5, containers: Vec::new(), turn, event: None };
        Rule {
            matching: Match::default(),
            steps: vec![
                step(Turn::Running { ready: true }),
                step(Turn::Terminated { exit_code: 0, reason: None, message: None }),
            ],
            staying: vec!["out-files".into()],
            ends_after_seconds: 0.0,
            log: LogText::default(),
            files: Vec::new(),
        }
    }
}

/// Why a script cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A pattern is none.
    #[error("`rules[{rule}].match` has the pattern `{pattern}`, which is not a glob")]
    Pattern {
        /// The rule's place.
        rule: usize,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        #[source]
        cause: globset::Error,
    },
    /// A time is negative, not a number, or longer than a year.
    #[error("`rules[{rule}]` has a time of {seconds} s; write one from 0 to {MAX_SECONDS} s")]
    Time {
        /// The rule's place.
        rule: usize,
        /// The time.
        seconds: f64,
    },
    /// More is to be generated than makes sense.
    #[error("`rules[{rule}]` asks for {what} of {bytes} bytes; write at most {most}")]
    TooLarge {
        /// The rule's place.
        rule: usize,
        /// The log or the files.
        what: &'static str,
        /// What is asked for.
        bytes: u64,
        /// What can be had.
        most: u64,
    },
}

/// A script that was checked.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<(Pattern, Rule)>,
    otherwise: Rule,
}

#[derive(Debug)]
struct Pattern {
    name: Option<GlobMatcher>,
    labels: Vec<(String, GlobMatcher)>,
    annotations: Vec<(String, GlobMatcher)>,
}

impl Rules {
    /// Check a script.
    pub fn new(script: Script) -> Result<Rules, ScriptError> {
        let rules = script.rules.into_iter().enumerate();
        let rules = rules.map(|(index, rule)| {
            check(index, &rule)?;
            Ok((Pattern::new(index, &rule.matching)?, rule))
        });
        Ok(Rules { rules: rules.collect::<Result<_, _>>()?, otherwise: Rule::default() })
    }

    /// The rule of a pod.
    pub fn of(&self, pod: &Value) -> &Rule {
        let found = self.rules.iter().find(|(pattern, _)| pattern.matches(pod));
        found.map_or(&self.otherwise, |(_, rule)| rule)
    }
}

fn check(index: usize, rule: &Rule) -> Result<(), ScriptError> {
    let mut times = rule.steps.iter().map(|step| step.after_seconds).chain([rule.ends_after_seconds]);
    if let Some(seconds) = times.find(|seconds| !(0.0..=MAX_SECONDS).contains(seconds)) {
        return Err(ScriptError::Time { rule: index, seconds });
    }
    let log = rule.log.lines.saturating_mul(rule.log.line_bytes).saturating_add(rule.log.text.len() as u64);
    let files = rule.files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.bytes));
    for (what, bytes, most) in [("a log", log, MAX_LOG_BYTES), ("files", files, MAX_FILE_BYTES)] {
        if bytes > most {
            return Err(ScriptError::TooLarge { rule: index, what, bytes, most });
        }
    }
    Ok(())
}

impl Pattern {
    fn new(rule: usize, matching: &Match) -> Result<Pattern, ScriptError> {
        let glob = |pattern: &String| {
            let glob = Glob::new(pattern).map(|glob| glob.compile_matcher());
            glob.map_err(|cause| ScriptError::Pattern { rule, pattern: pattern.clone(), cause })
        };
        let all = |words: &BTreeMap<String, String>| {
            words
                .iter()
                .map(|(key, pattern)| Ok((key.clone(), glob(pattern)?)))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Pattern {
            name: matching.name.as_ref().map(glob).transpose()?,
            labels: all(&matching.labels)?,
            annotations: all(&matching.annotations)?,
        })
    }

    fn matches(&self, pod: &Value) -> bool {
        let metadata = |field: &str| pod.pointer("/metadata").and_then(|metadata| metadata.get(field));
        let all = |field: &str, patterns: &[(String, GlobMatcher)]| {
            patterns.iter().all(|(key, pattern)| {
                let value = metadata(field).and_then(|words| words.get(key)).and_then(Value::as_str);
                value.is_some_and(|value| pattern.is_match(value))
            })
        };
        let name = metadata("name").and_then(Value::as_str).unwrap_or_default();
        self.name.as_ref().is_none_or(|pattern| pattern.is_match(name))
            && all("labels", &self.labels)
            && all("annotations", &self.annotations)
    }
}

/// Seconds of a script that was checked.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
