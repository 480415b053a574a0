//! The bucket: records, results, rejections, cursors, cached successes and marks of who waits, with conditional writes.

pub mod allowed;
pub mod bucket;
pub mod cache;
pub mod cursors;
pub mod events;
pub mod executions;
pub mod form;
mod format;
pub mod join;
pub mod keys;
pub mod records;
pub mod rejections;
pub mod results;
pub mod s3;
pub mod upload;
pub mod waiting;
