//! The bucket: records, results, rejections and cursors, with conditional writes.

pub mod bucket;
pub mod cursors;
pub mod keys;
pub mod records;
pub mod rejections;
pub mod results;
pub mod s3;
pub mod upload;
