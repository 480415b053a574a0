//! `longshore-helper in`, `run -- PROGRAM …`, `out [--at-end]`.

use std::process::ExitCode;

use helper::failure::{self, Failure};
use helper::settings::Settings;
use helper::{fetch, take, wrap};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let settings = Settings::from_environment();
    // Two threads move bytes; what waits for a disk has its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failure::tell(&Failure::Runtime(error), &settings),
    };
    let words: Vec<_> = arguments.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let outcome = match words.as_slice() {
        ["in"] => runtime.block_on(fetch::run(&settings)).map(|()| 0),
        ["out"] => runtime.block_on(take::run(&settings, false)).map(|()| 0),
        ["out", "--at-end"] => runtime.block_on(take::run(&settings, true)).map(|()| 0),
        ["run", "--", _, ..] => {
            runtime.block_on(wrap::run(&settings, arguments.get(2..).unwrap_or_default()))
        }
        _ => Err(Failure::Usage),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure::tell(&failure, &settings),
    }
}
