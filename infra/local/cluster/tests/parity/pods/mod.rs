//! Recorded pods, played again.

mod compare;
mod differences;
mod facts;
mod page;
mod play;
mod recording;
