//! The key of a client certificate, in the forms that tools write.

use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::der::SecretDocument;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::cluster::derivation;
use crate::cluster::error::ClusterError;

const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// Object identifiers of the algorithms, as DER writes them in a PKCS#8 key (RFC 3279 2.3.1 and 2.3.5).
const OF_RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OF_EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The key of a PEM text: PKCS#8 (plain or encrypted), PKCS#1 (RSA) or SEC1 (EC). `property` is where it was written.
///
/// # Errors
/// When there is no key, it is encrypted otherwise, or the passphrase is missing or wrong. No message tells anything of key or passphrase.
pub fn read(
    property: &str,
    pem: &[u8],
    passphrase: Option<&str>,
) -> Result<PrivateKeyDer<'static>, ClusterError> {
    let text = std::str::from_utf8(pem)
        .map_err(|_| ClusterError::settings(format!("`{property}` holds no PEM text")))?;
    if let Some(from) = text.find(ENCRYPTED) {
        return decrypt(property, text.get(from..).unwrap_or_default(), passphrase);
    }
    // Its key comes from one round of MD5 over passphrase and salt; no library that is kept reads it.
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(ClusterError::settings(format!(
            "`{property}` is encrypted in the old way of OpenSSL; convert it with `openssl pkcs8 -topk8 -in old.pem -out key.pem`"
        )));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        ClusterError::settings(format!(
            "`{property}` holds no private key; it is a PEM text with -----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY"
        ))
    })
}

fn decrypt(
    property: &str,
    pem: &str,
    passphrase: Option<&str>,
) -> Result<PrivateKeyDer<'static>, ClusterError> {
    let Some(passphrase) = passphrase else {
        return Err(ClusterError::settings(format!(
            "`{property}` is encrypted; give its passphrase as `clientKeyPassphrase`"
        )));
    };
    let broken = || ClusterError::settings(format!("`{property}` holds an encrypted key that is broken"));
    let end = pem.match_indices("-----").nth(3).map(|(at, dashes)| at + dashes.len());
    let one = pem.get(..end.unwrap_or(pem.len())).unwrap_or_default();
    let (_label, document) = SecretDocument::from_pem(one).map_err(|_| broken())?;
    derivation::check(document.as_bytes())
        .map_err(|error| ClusterError::settings(format!("`{property}` {error}")))?;
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| {
        ClusterError::settings(format!(
            "`{property}` is encrypted by a method that is not known here; convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out key.pem`"
        ))
    })?;
    let plain = encrypted.decrypt(passphrase).map_err(|_| {
        ClusterError::settings(format!("`{property}` cannot be decrypted; look at `clientKeyPassphrase`"))
    })?;
    Ok(PrivateKeyDer::Pkcs8(plain.as_bytes().to_vec().into()))
}

/// The algorithm that was named is that of the key.
///
/// # Errors
/// When it is another.
pub fn check_algorithm(named: &str, key: &PrivateKeyDer<'_>) -> Result<(), ClusterError> {
    let found = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA",
        PrivateKeyDer::Sec1(_) => "EC",
        // The identifier stands in the first bytes, after the version.
        PrivateKeyDer::Pkcs8(der) => {
            let head = der.secret_pkcs8_der();
            let head = head.get(..head.len().min(40)).unwrap_or_default();
            let has = |identifier: &[u8]| head.windows(identifier.len()).any(|window| window == identifier);
            match (has(OF_RSA), has(OF_EC)) {
                (true, _) => "RSA",
                (_, true) => "EC",
                _ => return Ok(()),
            }
        }
        _ => return Ok(()),
    };
    if found == named {
        return Ok(());
    }
    Err(ClusterError::settings(format!(
        "`clientKeyAlgo` says {named}, but the client key is of {found}; leave it out, it is read from the key"
    )))
}
