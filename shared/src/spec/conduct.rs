//! Whether a task runs at all, and what its failure means to those who wait for it.

use super::fields::Fields;

/// `runIf` results that mean no, as in Kestra. Everything else means yes.
const FALSY: [&str; 4] = ["false", "0", "-0", ""];

/// What Kestra knows as levels of log lines.
const LEVELS: [&str; 5] = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/// What a task says about being run and about failing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conduct {
    /// Why the task is not run, in words; `None`: it is.
    pub(crate) skip: Option<String>,
    /// A run that fails or takes too long ends as a success with a warning.
    pub(crate) allow_failure: bool,
    /// A success with warnings is as good as one without.
    pub(crate) allow_warning: bool,
    /// A level was named.
    pub(crate) names_log_level: bool,
}

/// Read `disabled`, `runIf`, `allowFailure`, `allowWarning`, `logLevel` and `logToFile`.
pub(crate) fn read(task: &Fields<'_>) -> Conduct {
    let condition = task.text("runIf").filter(|text| !task.place.is_open(text));
    let is_no = condition.as_deref().is_some_and(|text| FALSY.contains(&text.trim()));
    let skip = if task.flag("disabled") == Some(true) {
        Some("the task is disabled".to_owned())
    } else {
        is_no.then(|| format!("`runIf` is `{}`", condition.as_deref().unwrap_or_default().trim()))
    };
    let level = task.text("logLevel");
    if let Some(text) = level.as_deref().filter(|text| !task.place.is_open(text) && !LEVELS.contains(text)) {
        task.place.at("logLevel").refuse(&text.into(), "is no log level", LEVELS.join(", "));
    }
    // The log is a file in the bucket whatever is said.
    task.flag("logToFile");
    Conduct {
        skip,
        allow_failure: task.flag("allowFailure").unwrap_or(false),
        allow_warning: task.flag("allowWarning").unwrap_or(false),
        names_log_level: level.is_some(),
    }
}
