//! The exit codes of `longshore`, and the one error that commands end with.

use std::process::ExitCode;

use shared::run::state::State;

/// The command did what it was asked; a run succeeded (or said it need not run).
pub const SUCCEEDED: u8 = 0;
/// The run failed, or the command did.
pub const FAILED: u8 = 1;
/// The document or the arguments are wrong.
pub const WRONG: u8 = 2;
/// The stack or the cluster could not be reached or started.
pub const UNREACHABLE: u8 = 3;
/// The run was over one of its time limits.
pub const TIMED_OUT: u8 = 4;
/// Somebody cancelled the run.
pub const CANCELLED: u8 = 5;

/// What the AWS SDK puts before a cause that says more.
const EMPTY_PHRASES: [&str; 3] = ["dispatch failure", "service error", "other"];

/// The table under `longshore --help`.
pub const HELP: &str = "\
Exit codes:
  0  succeeded
  1  the run failed
  2  the document or the arguments are wrong
  3  the stack or the cluster could not be reached
  4  the run timed out
  5  the run was cancelled";

/// The exit code that a run's state stands for. States that are not terminal mean that the question was answered.
pub fn of_state(state: State) -> u8 {
    match state {
        State::Succeeded | State::Skipped => SUCCEEDED,
        State::Failed => FAILED,
        State::Rejected => WRONG,
        State::TimedOut => TIMED_OUT,
        State::Cancelled => CANCELLED,
        State::Accepted | State::Pending | State::Running | State::Collecting | State::Retrying => SUCCEEDED,
    }
}

/// Why a command could not go on: one line that says what, one that says what to do, and the causes below.
#[derive(Debug)]
pub struct Failure {
    /// One of the constants of this module.
    pub code: u8,
    /// What went wrong: a lowercase fragment that names the thing in backticks.
    pub what: String,
    /// What the reader can do about it.
    pub remedy: Option<String>,
    /// The causes, outermost first.
    pub causes: Vec<String>,
}

impl Failure {
    /// The document or the arguments are wrong.
    pub fn wrong(what: impl Into<String>) -> Self {
        Failure { code: WRONG, what: what.into(), remedy: None, causes: Vec::new() }
    }

    /// The stack or the cluster could not be reached.
    pub fn unreachable(what: impl Into<String>) -> Self {
        Failure { code: UNREACHABLE, what: what.into(), remedy: None, causes: Vec::new() }
    }

    /// The command itself failed.
    pub fn failed(what: impl Into<String>) -> Self {
        Failure { code: FAILED, what: what.into(), remedy: None, causes: Vec::new() }
    }

    /// … and what to do about it.
    #[must_use]
    pub fn remedy(mut self, words: impl Into<String>) -> Self {
        self.remedy = Some(words.into());
        self
    }

    /// … and why, with every cause below it.
    #[must_use]
    pub fn because(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            let words = error.to_string();
            let is_empty_phrase = EMPTY_PHRASES.contains(&words.as_str()) && error.source().is_some();
            // Some foreign errors repeat their source; each sentence is told once.
            if !is_empty_phrase
                && !self.causes.iter().any(|known| known.contains(&words))
                && !words.is_empty()
            {
                self.causes.push(words);
            }
            cause = error.source();
        }
        self
    }
}

/// As the process ends.
pub fn process(code: u8) -> ExitCode {
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_terminal_state_has_its_exit_code() {
        let table = [
            (State::Succeeded, 0),
            (State::Skipped, 0),
            (State::Failed, 1),
            (State::Rejected, 2),
            (State::TimedOut, 4),
            (State::Cancelled, 5),
        ];
        for (state, code) in table {
            assert!(state.is_terminal());
            assert_eq!(of_state(state), code, "{state}");
        }
    }

    #[test]
    fn the_help_names_every_code() {
        for code in [SUCCEEDED, FAILED, WRONG, UNREACHABLE, TIMED_OUT, CANCELLED] {
            assert!(HELP.contains(&format!("\n  {code}  ")), "{code}");
        }
    }

    #[test]
    fn a_cause_that_repeats_its_source_is_told_once() {
        #[derive(Debug)]
        struct Outer(std::io::Error);
        impl std::fmt::Display for Outer {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "reading: {}", self.0)
            }
        }
        impl std::error::Error for Outer {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let failure = Failure::failed("x").because(&Outer(std::io::Error::other("disk on fire")));
        assert_eq!(failure.causes, ["reading: disk on fire"]);
    }

    #[test]
    fn words_that_say_nothing_are_left_out_where_a_cause_follows() {
        #[derive(Debug)]
        struct Wrapped(&'static str, Option<Box<Wrapped>>);
        impl std::fmt::Display for Wrapped {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.0)
            }
        }
        impl std::error::Error for Wrapped {
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                self.1.as_deref().map(|inner| inner as _)
            }
        }
        let inner = Wrapped("no credentials", None);
        let error = Wrapped("dispatch failure", Some(Box::new(Wrapped("other", Some(Box::new(inner))))));
        assert_eq!(Failure::failed("x").because(&error).causes, ["no credentials"]);
        assert_eq!(Failure::failed("x").because(&Wrapped("service error", None)).causes, ["service error"]);
    }
}
