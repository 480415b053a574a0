//! Phases with their times: a live line on a terminal, plain lines elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::{Stopwatch, span};
use crate::screen::Screen;

/// Width of the column of phase names.
const LABEL_WIDTH: usize = 8;

/// Tells what goes on. At most one phase is under way.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    /// The task's log goes to standard error, because standard output is for JSON.
    log_to_stderr: bool,
    phase: Option<Phase>,
}

#[derive(Debug)]
struct Phase {
    label: &'static str,
    since: Stopwatch,
    detail: String,
    bar: ProgressBar,
}

impl Progress {
    /// Nothing is under way yet.
    pub fn new(screen: Screen, log_to_stderr: bool) -> Self {
        Progress { screen, log_to_stderr, phase: None }
    }

    /// A phase begins; the one before, if any, is dropped without a word.
    pub fn begin(&mut self, label: &'static str, detail: &str) {
        self.clear();
        let bar = ProgressBar::with_draw_target(None, self.target());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {msg}  {elapsed}") {
            bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
        }
        bar.set_prefix(format!("{label:<LABEL_WIDTH$}"));
        bar.set_message(detail.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.phase = Some(Phase { label, since: Stopwatch::start(), detail: detail.to_owned(), bar });
    }

    /// Something new about the phase under way.
    pub fn detail(&mut self, words: &str) {
        let Some(phase) = &mut self.phase else { return };
        if phase.detail == words || words.is_empty() {
            return;
        }
        words.clone_into(&mut phase.detail);
        if self.screen.live {
            phase.bar.set_message(words.to_owned());
        } else {
            let line = format!("… {:<LABEL_WIDTH$} {words}", phase.label);
            self.screen.aside(&line);
        }
    }

    /// The phase under way went well.
    pub fn done(&mut self, words: &str) {
        let tick = self.screen.err_paint.green("✓");
        self.end(&tick, words);
    }

    /// The phase under way did not go well.
    pub fn failed(&mut self, words: &str) {
        let cross = self.screen.err_paint.red("✗");
        self.end(&cross, words);
    }

    /// The phase under way is over without a word.
    pub fn clear(&mut self) {
        if let Some(phase) = self.phase.take() {
            phase.bar.finish_and_clear();
        }
    }

    /// Name of the phase under way.
    pub fn label(&self) -> Option<&'static str> {
        self.phase.as_ref().map(|phase| phase.label)
    }

    /// A line beside the phases.
    pub fn note(&self, line: &str) {
        self.suspended(|| self.screen.note(line));
    }

    /// A line of the task's log; `container` where there are several.
    pub fn log(&self, container: Option<&str>, line: &str) {
        let paint = if self.log_to_stderr { self.screen.err_paint } else { self.screen.out_paint };
        let name = container.map(|name| paint.dim(&format!("{name} "))).unwrap_or_default();
        let line = format!("  {} {name}{line}", paint.dim("│"));
        self.suspended(|| match self.log_to_stderr {
            true => self.screen.note(&line),
            false => self.screen.line(&line),
        });
    }

    fn end(&mut self, mark: &str, words: &str) {
        let Some(phase) = self.phase.take() else { return };
        phase.bar.finish_and_clear();
        let time = self.screen.err_paint.dim(&span(phase.since.elapsed()));
        self.screen.note(&format!("{mark} {:<LABEL_WIDTH$} {words}  {time}", phase.label));
    }

    fn suspended(&self, write: impl FnOnce()) {
        match &self.phase {
            Some(phase) if self.screen.live => phase.bar.suspend(write),
            Some(_) | None => write(),
        }
    }

    fn target(&self) -> ProgressDrawTarget {
        if self.screen.live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
    }
}
