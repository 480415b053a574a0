//! Files: inputs by presigned manifest, logs and outputs into the bucket.

mod allowance;
pub mod inputs;
pub mod logs;
pub mod outputs;
pub mod redact;
pub mod secrets;
pub mod shared;
pub mod store;
pub mod value;
