//! End to end: the command `longshore` and the packaged functions on the local stack, through its queues and event source mappings.

mod cloud;
mod command;
mod execution;
mod ground;
mod pods;
mod stack;
mod tasks;
mod wait;

mod airflow;
mod answering;
mod cancelling;
mod crashing;
mod deployed;
mod direct;
mod elsewhere;
mod examples;
mod failing;
mod files;
mod large_file;
mod leaving;
mod once;
mod redriving;
mod rejecting;
mod rights;
mod secrets;
mod semantics;
mod states;
mod triggering;
