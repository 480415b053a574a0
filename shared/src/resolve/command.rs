//! The command of a script task's main container.

use crate::spec::layout::{SCRIPT_DIR, WORKING_DIR};

/// Programs longer than this many bytes travel as an input file: Linux takes at most 128 KiB in one argument.
pub const MAX_ARGUMENT_BYTES: usize = 100 * 1024;

/// What runs in the main container, and the file it needs for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// `command` of the container, every `$` doubled.
    pub words: Vec<String>,
    /// Content of the input file with the program, when it is too long for an argument.
    pub file: Option<String>,
}

/// A program for a shell.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Program and options that take the text as their next argument; default `/bin/sh -c`.
    pub interpreter: Option<&'a [String]>,
    /// Commands that come first.
    pub before: &'a [String],
    /// Stop at the first command that fails.
    pub fail_fast: bool,
}

/// Path of the program's file below the working directory.
pub fn script_path() -> String {
    format!("{SCRIPT_DIR}/script")
}

impl Program<'_> {
    /// Commands or a shell script: one text, the commands before it joined with line breaks.
    pub fn shell(&self, body: &[String]) -> Command {
        let text = self.text(body);
        if text.len() > MAX_ARGUMENT_BYTES {
            let run = format!(". '{WORKING_DIR}/{}'", script_path());
            return Command { words: self.words(run, &[]), file: Some(text) };
        }
        Command { words: self.words(text, &[]), file: None }
    }

    /// A Python script: the commands before it in the shell, then Python with the script as an argument of the shell, so that nothing needs quoting.
    /// `python` is used where there is one, else `python3`.
    pub fn python(&self, script: &str) -> Command {
        const FIND: &str = "if command -v python >/dev/null 2>&1; then longshore_python=python; else longshore_python=python3; fi";
        if script.len() > MAX_ARGUMENT_BYTES || self.text(&[]).len() > MAX_ARGUMENT_BYTES {
            let run = format!("exec \"$longshore_python\" '{WORKING_DIR}/{}'", script_path());
            return Command {
                words: self.words(self.text(&[FIND.to_owned(), run]), &[]),
                file: Some(script.to_owned()),
            };
        }
        let run = "exec \"$longshore_python\" -c \"$1\"".to_owned();
        Command { words: self.words(self.text(&[FIND.to_owned(), run]), &["sh", script]), file: None }
    }

    fn text(&self, body: &[String]) -> String {
        let first = self.fail_fast.then_some("set -e");
        let lines = first.into_iter().chain(self.before.iter().chain(body).map(String::as_str));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn words(&self, text: String, arguments: &[&str]) -> Vec<String> {
        let default = ["/bin/sh".to_owned(), "-c".to_owned()];
        let interpreter = self.interpreter.unwrap_or(&default);
        let all = interpreter
            .iter()
            .cloned()
            .chain([text])
            .chain(arguments.iter().map(|&argument| argument.to_owned()));
        all.map(|word| literal(&word)).collect()
    }
}

/// A text that Kubernetes leaves as it is: it makes `$$` into `$` and expands `$(NAME)` in commands and arguments.
pub fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn commands_become_one_text() {
        let before = lines(&["cd /tmp"]);
        let program = Program { interpreter: None, before: &before, fail_fast: true };
        let command = program.shell(&lines(&["echo $HOME", "echo \"$(date)\""]));
        assert_eq!(
            command.words,
            lines(&["/bin/sh", "-c", "set -e\ncd /tmp\necho $$HOME\necho \"$$(date)\""])
        );
        assert_eq!(command.file, None);
    }

    #[test]
    fn an_interpreter_of_ones_own_and_no_fail_fast() {
        let bash = lines(&["/bin/bash", "-eu", "-c"]);
        let program = Program { interpreter: Some(&bash), before: &[], fail_fast: false };
        assert_eq!(program.shell(&lines(&["true"])).words, lines(&["/bin/bash", "-eu", "-c", "true"]));
    }

    #[test]
    fn a_python_script_is_an_argument_and_runs_whatever_it_contains() {
        let program = Program { interpreter: None, before: &[], fail_fast: true };
        let script = "import sys\nprint('it\\'s \"$HOME\" $(x) `y`', __name__)\nsys.exit(3)\n";
        let command = program.python(script);
        let words: Vec<String> = command.words.iter().map(|word| word.replace("$$", "$")).collect();
        let (name, arguments) = words.split_first().unwrap();
        let output = std::process::Command::new(name).args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "it's \"$HOME\" $(x) `y` __main__\n");
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn a_long_program_is_a_file() {
        let program = Program { interpreter: None, before: &[], fail_fast: true };
        let long = "echo x\n".repeat(20_000);
        let command = program.shell(std::slice::from_ref(&long));
        assert_eq!(command.words[2], ". '/kestra/working-dir/.longshore/script'");
        assert_eq!(command.file.as_deref(), Some(format!("set -e\n{long}").as_str()));
        let command = program.python(&long);
        assert!(command.words[2].ends_with("'/kestra/working-dir/.longshore/script'"));
        assert_eq!(command.file, Some(long));
    }
}
