//! `longshore`: run tasks as pods on a local stack that is the deployed one.

mod arguments;
mod card;
mod checkup;
mod clock;
mod cloud;
mod cluster;
mod command;
mod cost;
mod dead_letters;
mod deployment;
mod document;
mod download;
mod environment;
mod exit;
mod explanation;
mod follow;
mod inputs;
mod interrupt;
mod leaving;
mod limits;
mod lines;
mod paint;
mod pod_log;
mod progress;
mod report;
mod run_id;
mod runs;
mod screen;
mod services;
mod stack;
mod streams;
mod table;
mod tailoring;
mod target;
mod template;
mod uploaded;
mod workspace;
mod yaml;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::environment::Environment;
use crate::exit::Failure;
use crate::screen::Screen;

fn main() -> ExitCode {
    // The stack's daemon and its containers are this very program; then this never returns.
    if let Some(code) = local::reenter(std::env::args_os()) {
        return code;
    }
    let arguments = Arguments::parse();
    let environment = Environment::read();
    let screen = Screen::open(&environment);
    match perform(arguments.command, screen, &environment) {
        Ok(code) => exit::process(code),
        Err(failure) => {
            screen.complain(&failure);
            exit::process(failure.code)
        }
    }
}

fn perform(command: Command, screen: Screen, environment: &Environment) -> Result<u8, Failure> {
    // These need neither threads nor network.
    match &command {
        Command::Render(arguments) if arguments.bucket.is_none() => {
            return command::render::render(arguments, screen);
        }
        Command::Diagnose(arguments) => return command::diagnose::diagnose(arguments, screen),
        Command::Env => return command::env::env(screen, environment),
        Command::Schema => return Ok(command::schema::schema(screen)),
        Command::Cost(arguments) => return command::cost::cost(arguments, screen),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the command's threads").because(&error))?;
    let code = runtime.block_on(async {
        match &command {
            Command::Run(arguments) => command::run::run(arguments, screen, environment).await,
            Command::Up(arguments) => command::up::up(arguments, screen, environment).await,
            Command::Down => command::down::down(screen, environment).await,
            Command::Submit(arguments) => command::submit::submit(arguments, screen, environment).await,
            Command::Status(arguments) => command::status::status(arguments, screen, environment).await,
            Command::Logs(arguments) => command::logs::logs(arguments, screen, environment).await,
            Command::List(arguments) => command::list::list(arguments, screen, environment).await,
            Command::Cancel(arguments) => command::cancel::cancel(arguments, screen, environment).await,
            Command::Redrive(arguments) => command::redrive::redrive(arguments, screen, environment).await,
            Command::Doctor(arguments) => command::doctor::doctor(arguments, screen, environment).await,
            Command::Env => command::env::env(screen, environment),
            Command::Render(arguments) => command::render::with_bucket(arguments, screen).await,
            Command::Schema => Ok(command::schema::schema(screen)),
            Command::Diagnose(arguments) => command::diagnose::diagnose(arguments, screen),
            Command::Cost(arguments) => command::cost::cost(arguments, screen),
        }
    });
    runtime.shutdown_background();
    code
}
