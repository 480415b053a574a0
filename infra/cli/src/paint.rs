//! Colours, where they are wanted.

/// Puts words in colour, or leaves them alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paint {
    /// Escape sequences are written.
    pub enabled: bool,
}

impl Paint {
    /// Never a colour.
    #[cfg(test)]
    pub const PLAIN: Paint = Paint { enabled: false };

    /// What matters most.
    pub fn bold(self, words: &str) -> String {
        self.sequence("1", words)
    }

    /// What may be overlooked.
    pub fn dim(self, words: &str) -> String {
        self.sequence("2", words)
    }

    /// It went well.
    pub fn green(self, words: &str) -> String {
        self.sequence("32", words)
    }

    /// It went wrong.
    pub fn red(self, words: &str) -> String {
        self.sequence("31", words)
    }

    /// It may go wrong.
    pub fn yellow(self, words: &str) -> String {
        self.sequence("33", words)
    }

    fn sequence(self, code: &str, words: &str) -> String {
        match self.enabled {
            true => format!("\u{1b}[{code}m{words}\u{1b}[0m"),
            false => words.to_owned(),
        }
    }
}
