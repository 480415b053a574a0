//! The commands, one file each.

pub mod cancel;
pub mod cost;
pub mod diagnose;
pub mod doctor;
pub mod down;
pub mod env;
pub mod list;
pub mod logs;
pub mod redrive;
pub mod render;
pub mod run;
pub mod schema;
pub mod status;
pub mod submit;
pub mod up;
