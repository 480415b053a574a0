//! The value in a file that a task wrote: JSON, or a Python literal of plain values.

mod literal;

use serde_json::Value;

/// Longest value, in bytes: what a state of Step Functions can be handed.
pub const MAX_BYTES: usize = 256 * 1024;

/// Bytes of an unusable value that its message shows.
const SHOWN: usize = 100;

/// A value that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReturnValue {
    /// Null when nothing was written.
    pub value: Value,
    /// What its author should know; follows the name of the file.
    pub warning: Option<String>,
}

/// Why a value cannot be used; follows the name of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Longer than [`MAX_BYTES`].
    #[error("is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Neither JSON nor a literal.
    #[error("is no JSON ({reason}); it begins with `{begin}`")]
    Invalid {
        /// The words of the JSON reader.
        reason: String,
        /// The first bytes.
        begin: String,
    },
}

/// Read what is in the file; `None` when there is no file. A file of white space alone is as good as none.
///
/// # Errors
///
/// Says why the value cannot be used.
pub fn read(bytes: Option<&[u8]>) -> Result<ReturnValue, ValueError> {
    let bytes = bytes.unwrap_or_default();
    if bytes.len() > MAX_BYTES {
        return Err(ValueError::TooLong);
    }
    if bytes.trim_ascii().is_empty() {
        return Ok(ReturnValue { value: Value::Null, warning: None });
    }
    let reason = match serde_json::from_slice(bytes) {
        Ok(value) => return Ok(ReturnValue { value, warning: None }),
        Err(error) => error.to_string(),
    };
    if let Some(value) = std::str::from_utf8(bytes).ok().and_then(literal::read) {
        let warning = "is a Python literal and no JSON; write it with `json.dumps`".to_owned();
        return Ok(ReturnValue { value, warning: Some(warning) });
    }
    let first: Vec<u8> = bytes.iter().copied().take(SHOWN).collect();
    Err(ValueError::Invalid { reason, begin: String::from_utf8_lossy(&first).escape_debug().to_string() })
}

#[cfg(test)]
mod tests;
