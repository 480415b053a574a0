//! What the command reads from its environment, once.

use std::path::PathBuf;

/// The environment variables that matter to `longshore`.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `NO_COLOR` is set and not empty: no colours (https://no-color.org).
    pub no_color: bool,
    /// `TERM=dumb`: no colours and no live lines.
    pub dumb_terminal: bool,
    /// `$XDG_CACHE_HOME/longshore`, else `~/.cache/longshore`: what can be made again.
    pub cache: PathBuf,
    /// `LONGSHORE_STATE`, else `stack` below the cache: where the stack keeps its state; one stack runs per directory.
    pub state: PathBuf,
    /// `LONGSHORE_WORKSPACE`: the folder with `template.yaml`.
    pub workspace: Option<PathBuf>,
}

impl Environment {
    /// Read it.
    pub fn read() -> Self {
        let home = variable("HOME").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        let cache = variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| home.join(".cache"))
            .join("longshore");
        Environment {
            no_color: variable("NO_COLOR").is_some(),
            dumb_terminal: variable("TERM").is_some_and(|term| term == "dumb"),
            state: variable("LONGSHORE_STATE").map_or_else(|| cache.join("stack"), PathBuf::from),
            cache,
            workspace: variable("LONGSHORE_WORKSPACE").map(PathBuf::from),
        }
    }
}

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "this is where the command reads its environment")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
