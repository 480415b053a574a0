//! Files: inputs by presigned manifest, logs and outputs into the bucket.

mod allowance;
mod carrier;
pub mod direct;
mod earlier;
pub mod form;
pub mod grants;
pub mod inputs;
pub mod log_parts;
pub mod logs;
pub mod outputs;
pub mod pace;
pub mod redact;
mod sack;
pub mod secrets;
pub mod shared;
pub mod store;
pub mod value;
