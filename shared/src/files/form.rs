//! What a signed form is to allow.

use std::time::Duration;

use jiff::Timestamp;

/// Which keys a form allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// All that begin so.
    Below(String),
    /// This one.
    Exactly(String),
}

/// A form to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormOrder {
    /// Which keys.
    pub keys: Keys,
    /// Most bytes of an object.
    pub max_bytes: u64,
    /// Fields that have to have this value.
    pub fixed: Vec<(String, String)>,
    /// Fields that have to be there, with any value.
    pub open: Vec<String>,
    /// When it is signed.
    pub now: Timestamp,
    /// How long it is of use.
    pub life: Duration,
}

/// A form that was signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignedForm {
    /// Where it is posted to.
    pub url: String,
    /// Its fields: policy, signature, and what both name.
    pub fields: Vec<(String, String)>,
}

/// Facts of an object of Longshore's bucket, as the store tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes.
    pub size: u64,
    /// Lower-case hex, where whoever stored it said so.
    pub sha256: Option<String>,
}

/// Pieces that become one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join<'a> {
    /// Key of the object.
    pub key: &'a str,
    /// Keys of the pieces and their bytes, in order.
    pub pieces: &'a [(String, u64)],
    /// How many runs led to it.
    pub hops: u32,
    /// Hash of the whole, as told.
    pub sha256: &'a str,
}
