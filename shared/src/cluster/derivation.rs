//! What it costs to open what a passphrase protects: told from the parameters that stand beside it, before any key is derived. They are those of whoever
//! wrote the store, and a function has a minute.

use super::der::{IDENTIFIER, OCTETS, SEQUENCE, Value};

/// Most rounds of one derivation. `openssl` makes 2,048 and `keytool` 10,000 where nobody asks for more; 600,000 is what OWASP advises.
pub const MAX_ROUNDS: u64 = 1_000_000;

/// Most rounds of all derivations of a store: its check, and each of its keys and encrypted parts. Some seconds for a function.
pub const MAX_TOTAL_ROUNDS: u64 = 2_000_000;

/// Most memory of a derivation by scrypt, in bytes: four times what `openssl` takes.
pub const MAX_MEMORY_BYTES: u64 = 64 * 1024 * 1024;

/// Most keys and certificates of a store; the trusted authorities of an operating system are some 150.
pub const MAX_ENTRIES: u64 = 1_000;

/// Values in each other.
const MAX_DEPTH: usize = 32;

/// Object identifiers without tag and length: the schemes of PKCS12 (RFC 7292, appendix C; their last byte tells which), PBKDF2 (RFC 8018), scrypt
/// (RFC 7914), bags of a store (RFC 7292, appendix D), and encrypted data (RFC 5652).
const SCHEMES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01];
const ENCRYPTED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];

/// Why something is not opened. The words follow the name of the property.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// One derivation takes too long.
    #[error(
        "asks for {rounds} rounds of a key derivation, more than the {MAX_ROUNDS} of one; write it again with fewer (`openssl … -iter 100000`)"
    )]
    Rounds {
        /// How many it asks for.
        rounds: u64,
    },
    /// All of them take too long.
    #[error(
        "asks for {rounds} rounds of key derivations, more than the {MAX_TOTAL_ROUNDS} of a store; write it again with fewer (`openssl … -iter 100000`)"
    )]
    TotalRounds {
        /// How many it asks for, as far as was counted.
        rounds: u64,
    },
    /// A derivation takes too much memory.
    #[error(
        "asks for {bytes} bytes of memory for a key derivation by scrypt, more than {MAX_MEMORY_BYTES}; write it again with less"
    )]
    Memory {
        /// How many it asks for.
        bytes: u64,
    },
    /// The parameters of a derivation make no sense.
    #[error("asks for a key derivation that makes no sense")]
    Nonsense,
    /// There is too much in it.
    #[error(
        "holds {entries} keys and certificates, more than the {MAX_ENTRIES} of a key store; leave out what the cluster does not need"
    )]
    Entries {
        /// How many there are, as far as was counted.
        entries: u64,
    },
    /// It is no store that anybody writes.
    #[error("is nested more than {MAX_DEPTH} levels deep")]
    Depth,
    /// It is broken, or the passphrase is another.
    #[error("cannot be opened")]
    Broken,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    rounds: u64,
    entries: u64,
}

/// A part that has to be opened before what it asks for can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealed<'a> {
    /// Identifier of the scheme.
    pub identifier: &'a [u8],
    /// Its parameters, in DER.
    pub parameters: &'a [u8],
    /// The encrypted bytes.
    pub data: &'a [u8],
}

impl Cost {
    /// What several values ask for, on top of what was counted; the answer is what is sealed among them.
    ///
    /// # Errors
    /// When it is too much, or they are broken.
    pub fn add<'a>(&mut self, der: &'a [u8]) -> Result<Vec<Sealed<'a>>, CostError> {
        let mut sealed = Vec::new();
        self.values(der, 0, &mut sealed)?;
        Ok(sealed)
    }

    /// A derivation of so many rounds that no identifier tells of.
    ///
    /// # Errors
    /// When it is too much.
    pub fn derive(&mut self, rounds: u64) -> Result<(), CostError> {
        if rounds > MAX_ROUNDS {
            return Err(CostError::Rounds { rounds });
        }
        self.rounds += rounds;
        if self.rounds > MAX_TOTAL_ROUNDS {
            return Err(CostError::TotalRounds { rounds: self.rounds });
        }
        Ok(())
    }

    fn values<'a>(
        &mut self,
        mut der: &'a [u8],
        depth: usize,
        sealed: &mut Vec<Sealed<'a>>,
    ) -> Result<(), CostError> {
        if depth > MAX_DEPTH {
            return Err(CostError::Depth);
        }
        while !der.is_empty() {
            let (value, rest) = Value::first(der).ok_or(CostError::Broken)?;
            self.value(value, depth, sealed)?;
            der = rest;
        }
        Ok(())
    }

    fn value<'a>(
        &mut self,
        value: Value<'a>,
        depth: usize,
        sealed: &mut Vec<Sealed<'a>>,
    ) -> Result<(), CostError> {
        if value.tag == IDENTIFIER && value.content.starts_with(BAGS) {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(CostError::Entries { entries: self.entries });
            }
        } else if value.is_made_of_others() {
            self.scheme(value)?;
            sealed.extend(encrypted(value));
            self.values(value.content, depth + 1, sealed)?;
        } else if value.tag == OCTETS {
            // Stores wrap values in bytes. Bytes that are no values ask for nothing.
            let (mut cost, mut within) = (*self, Vec::new());
            match cost.values(value.content, depth + 1, &mut within) {
                Ok(()) => {
                    *self = cost;
                    sealed.extend(within);
                }
                Err(CostError::Broken) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What a sequence asks for that is a scheme: its identifier, then its parameters.
    fn scheme(&mut self, value: Value<'_>) -> Result<(), CostError> {
        let Some((identifier, rest)) = Value::first(value.content) else { return Ok(()) };
        if value.tag != SEQUENCE || identifier.tag != IDENTIFIER {
            return Ok(());
        }
        let parameters = || Value::first(rest).and_then(|(parameters, _)| parameters.within(SEQUENCE));
        let number = |parameters: &[Value<'_>], at: usize| {
            parameters.get(at).and_then(Value::number).ok_or(CostError::Nonsense)
        };
        if identifier.content == PBKDF2 || identifier.content.starts_with(SCHEMES) {
            let parameters = parameters().ok_or(CostError::Nonsense)?;
            return self.derive(number(&parameters, 1)?);
        }
        if identifier.content != SCRYPT {
            return Ok(());
        }
        let parameters = parameters().ok_or(CostError::Nonsense)?;
        let (cost, block, lanes) =
            (number(&parameters, 1)?, number(&parameters, 2)?, number(&parameters, 3)?);
        if !cost.is_power_of_two() || cost < 2 || block == 0 || lanes == 0 {
            return Err(CostError::Nonsense);
        }
        let bytes = cost.saturating_mul(block).saturating_mul(128);
        if bytes > MAX_MEMORY_BYTES {
            return Err(CostError::Memory { bytes });
        }
        // Each of the blocks is mixed twice.
        self.derive(cost.saturating_mul(block).saturating_mul(lanes).saturating_mul(2))
    }
}

/// A key that is protected by itself asks for no more than one may.
///
/// # Errors
/// When it asks for too much. What is broken asks for nothing.
pub(super) fn check(der: &[u8]) -> Result<(), CostError> {
    match Cost::default().add(der) {
        Ok(_) | Err(CostError::Broken) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What a sequence holds that is encrypted data: RFC 5652, chapters 6 and 8, in the form that stores have.
fn encrypted(value: Value<'_>) -> Option<Sealed<'_>> {
    const EXPLICIT: u8 = 0xa0;
    const IMPLICIT: u8 = 0x80;
    let [kind, wrapper] = <[Value<'_>; 2]>::try_from(value.within(SEQUENCE)?).ok()?;
    if kind.tag != IDENTIFIER || kind.content != ENCRYPTED {
        return None;
    }
    let content = wrapper.within(EXPLICIT)?.into_iter().next()?.within(SEQUENCE)?;
    let [_kind, scheme, data] = <[Value<'_>; 3]>::try_from(content.get(1)?.within(SEQUENCE)?).ok()?;
    let (identifier, parameters) = Value::first(scheme.content).filter(|_| scheme.tag == SEQUENCE)?;
    (data.tag == IMPLICIT).then_some(Sealed {
        identifier: identifier.content,
        parameters,
        data: data.content,
    })
}

#[cfg(test)]
mod tests;
