//! Where words go: answers to standard output, progress and complaints to standard error.

use std::io::{IsTerminal, Write};

use crate::environment::Environment;
use crate::exit::Failure;
use crate::paint::Paint;

/// The two streams and what they can show.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Colours of standard output.
    pub out_paint: Paint,
    /// Colours of standard error.
    pub err_paint: Paint,
    /// Standard error is a terminal that can rewrite a line.
    pub live: bool,
}

impl Screen {
    /// Look at the streams.
    pub fn open(environment: &Environment) -> Self {
        let coloured = !environment.no_color && !environment.dumb_terminal;
        let terminal = std::io::stderr().is_terminal();
        Screen {
            out_paint: Paint { enabled: coloured && std::io::stdout().is_terminal() },
            err_paint: Paint { enabled: coloured && terminal },
            live: terminal && !environment.dumb_terminal,
        }
    }

    /// Write to standard output as it is. A reader that has gone away is not an error of ours.
    pub fn write(&self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// Write bytes to standard output.
    pub fn write_bytes(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// One line to standard output.
    pub fn line(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// One line to standard error.
    pub fn note(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// One line to standard error that may be overlooked.
    pub fn aside(&self, text: &str) {
        self.note(&self.err_paint.dim(text));
    }

    /// Say why a command could not go on.
    pub fn complain(&self, failure: &Failure) {
        self.note(&complaint(failure, self.err_paint));
    }
}

/// One line what, the causes, one line what to do.
fn complaint(failure: &Failure, paint: Paint) -> String {
    let mut text = format!("{} {}", paint.red("error:"), failure.what);
    for cause in &failure.causes {
        text.push_str(&format!("\n  {} {cause}", paint.dim("because")));
    }
    if let Some(remedy) = &failure.remedy {
        text.push_str(&format!("\n  {} {remedy}", paint.green("try:")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_says_what_why_and_what_to_do() {
        let failure = Failure::unreachable("cannot reach the local stack")
            .because(&std::io::Error::other("connection refused"))
            .remedy("start it with `longshore up`");
        insta::assert_snapshot!(complaint(&failure, Paint::PLAIN), @r"
        error: cannot reach the local stack
          because connection refused
          try: start it with `longshore up`
        ");
    }
}
