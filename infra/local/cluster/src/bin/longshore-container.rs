//! A program that does nothing but become a container; tests and hosts that are no programs of their own use it.

use std::process::ExitCode;

fn main() -> ExitCode {
    cluster::container::stage(std::env::args_os()).unwrap_or(ExitCode::FAILURE)
}
