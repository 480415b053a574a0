//! End to end: the command `longshore` and the packaged functions on the local stack, through its queues and event source mappings.

mod cloud;
mod command;
mod pods;
mod stack;
mod tasks;
mod wait;

mod cancelling;
mod crashing;
mod examples;
mod failing;
mod files;
mod large_file;
mod leaving;
mod once;
mod rejecting;
