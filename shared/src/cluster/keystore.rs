//! Key stores and trust stores as `keytool` and `openssl` write them: PKCS12, and Java's own JKS.

#[cfg(feature = "keystores")]
mod java;
#[cfg(feature = "keystores")]
mod pkcs12;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

#[cfg(feature = "keystores")]
use super::derivation::CostError;
use super::error::ClusterError;

/// What is in a store.
#[derive(Debug, Default)]
pub struct Contents {
    /// Keys, each with its chain: the key's own certificate first.
    pub keys: Vec<(PrivateKeyDer<'static>, Vec<CertificateDer<'static>>)>,
    /// Certificates that are there to be trusted, and those of no key.
    pub certificates: Vec<CertificateDer<'static>>,
}

/// The passphrase of stores that name none, as `keytool` suggests it.
#[cfg(feature = "keystores")]
const CUSTOMARY: &str = "changeit";

/// First bytes of a store of the kind JCEKS, whose protection of keys no library here reads.
#[cfg(feature = "keystores")]
const JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];

/// Longest store that is read, in bytes; those of `keytool` and `openssl` with a whole authority in them have some 200 KiB.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Read a store; `property` is where it was named.
///
/// # Errors
/// When it is none, the passphrase is wrong, or opening it would cost too much. No message tells anything of the passphrase.
#[cfg(feature = "keystores")]
pub fn read(property: &str, bytes: &[u8], passphrase: Option<&str>) -> Result<Contents, ClusterError> {
    if bytes.len() > MAX_BYTES {
        let length = bytes.len();
        return Err(ClusterError::settings(format!(
            "`{property}` has {length} bytes, more than the {MAX_BYTES} of a key store"
        )));
    }
    let words = passphrase.unwrap_or(CUSTOMARY);
    let opened = if bytes.starts_with(&java::MAGIC) {
        java::read(bytes, words)
    } else if bytes.starts_with(&JCEKS) {
        return Err(ClusterError::settings(format!(
            "`{property}` is a JCEKS store; convert it with `keytool -importkeystore -srckeystore old -destkeystore new.p12 -deststoretype PKCS12`"
        )));
    } else if bytes.first() == Some(&0x30) {
        pkcs12::read(bytes, words)
    } else {
        return Err(ClusterError::settings(format!("`{property}` is neither a PKCS12 nor a JKS store")));
    };
    opened.map_err(|error| match error {
        CostError::Broken => {
            let passphrase = property.replace("File", "Passphrase");
            ClusterError::settings(format!(
                "`{property}` cannot be opened; look at `{passphrase}`, or the store is broken"
            ))
        }
        too_much => ClusterError::settings(format!("`{property}` {too_much}")),
    })
}

/// A function that connects to no cluster is built without.
///
/// # Errors
/// Always.
#[cfg(not(feature = "keystores"))]
pub fn read(property: &str, _bytes: &[u8], _passphrase: Option<&str>) -> Result<Contents, ClusterError> {
    Err(ClusterError::settings(format!(
        "`{property}` cannot be read: this program was built without the feature `keystores`"
    )))
}
