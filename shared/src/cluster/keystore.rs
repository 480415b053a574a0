//! Key stores and trust stores as `keytool` and `openssl` write them: PKCS12, and Java's own JKS.

#[cfg(feature = "keystores")]
mod java;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

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
/// When it is none, or the passphrase is wrong. No message tells anything of the passphrase.
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
        java::read(bytes, words).ok_or(())
    } else if bytes.starts_with(&JCEKS) {
        return Err(ClusterError::settings(format!(
            "`{property}` is a JCEKS store; convert it with `keytool -importkeystore -srckeystore old -destkeystore new.p12 -deststoretype PKCS12`"
        )));
    } else if bytes.first() == Some(&0x30) {
        pkcs12(bytes, words)
    } else {
        return Err(ClusterError::settings(format!("`{property}` is neither a PKCS12 nor a JKS store")));
    };
    opened.map_err(|()| {
        let passphrase = property.replace("File", "Passphrase");
        ClusterError::settings(format!(
            "`{property}` cannot be opened; look at `{passphrase}`, or the store is broken"
        ))
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

#[cfg(feature = "keystores")]
fn pkcs12(bytes: &[u8], passphrase: &str) -> Result<Contents, ()> {
    let archive = p12_keystore::Pkcs12Archive::from_pkcs12(bytes, passphrase).map_err(drop)?;
    let der = |certificate: &p12_keystore::Certificate| CertificateDer::from(certificate.as_der().to_vec());
    let mut contents = Contents::default();
    for key in &archive.keys {
        let same_id = |bag: &&p12_keystore::CertificateBag| {
            let id = key.local_key_id.as_ref().map(|id| id.0.as_slice());
            id.is_some() && bag.local_key_id.as_deref() == id
        };
        // A store with one key may do without the ids that tie certificates to keys; then the first certificate is the key's.
        let only_key = archive.keys.len() == 1;
        let leaf = archive.certs.iter().find(same_id).or(archive.certs.first().filter(|_| only_key));
        let mut chain: Vec<&p12_keystore::Certificate> = leaf.map(|bag| &bag.cert).into_iter().collect();
        while let Some(last) = chain.last()
            && last.issuer() != last.subject()
            && let Some(next) =
                archive.certs.iter().map(|bag| &bag.cert).find(|one| one.subject() == last.issuer())
            && !chain.contains(&next)
        {
            chain.push(next);
        }
        let chain = chain.into_iter().map(der).collect();
        contents.keys.push((PrivateKeyDer::Pkcs8(key.key.as_der().to_vec().into()), chain));
    }
    let of_keys =
        |one: &CertificateDer<'_>| contents.keys.iter().any(|(_, chain)| chain.first() == Some(one));
    let others: Vec<_> = archive.certs.iter().map(|bag| der(&bag.cert)).filter(|one| !of_keys(one)).collect();
    contents.certificates = others;
    Ok(contents)
}
