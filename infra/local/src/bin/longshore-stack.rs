//! A program that can only be entered as the daemon or as a container, as tests start stacks with.

use std::process::ExitCode;

fn main() -> ExitCode {
    local::reenter(std::env::args_os()).unwrap_or(ExitCode::from(2))
}
