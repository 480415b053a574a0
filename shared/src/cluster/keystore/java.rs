//! Java's own key store, as `keytool -storetype JKS` writes it
//! (<https://github.com/openjdk/jdk/blob/master/src/java.base/share/classes/sun/security/provider/JavaKeyStore.java>).
//!
//! All numbers are big-endian. Lengths count what follows and are never believed: a part is a slice of what is there, or the store is broken.

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha1::{Digest, Sha1};

use super::Contents;
use crate::cluster::der::{OCTETS, SEQUENCE, Value};
use crate::cluster::derivation::{CostError, MAX_ENTRIES};

/// First bytes of a store.
pub(super) const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];

/// Bytes of a SHA-1, of the salt of a key, and of its check.
const HASH: usize = 20;

/// The protection of keys that Java made up for itself: 1.3.6.1.4.1.42.2.17.1.1, in DER.
const PROTECTION: [u8; 12] = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];

/// What Java mixes into the hash over a store.
const WHITENER: &[u8] = b"Mighty Aphrodite";

/// Read a store.
///
/// # Errors
/// When it is broken, the passphrase is another, or it says that it holds too much.
pub(super) fn read(bytes: &[u8], passphrase: &str) -> Result<Contents, CostError> {
    let entries = entries(bytes).ok_or(CostError::Broken)?;
    if entries > MAX_ENTRIES {
        return Err(CostError::Entries { entries });
    }
    opened_by(bytes, passphrase).ok_or(CostError::Broken)
}

/// How many keys and certificates it says it holds.
fn entries(bytes: &[u8]) -> Option<u64> {
    let mut rest = Bytes(bytes.strip_prefix(&MAGIC)?);
    let _version = rest.number()?;
    rest.number().map(u64::from)
}

fn opened_by(bytes: &[u8], passphrase: &str) -> Option<Contents> {
    let (store, hash) = bytes.split_last_chunk::<HASH>()?;
    let passphrase: Vec<u8> = passphrase.encode_utf16().flat_map(u16::to_be_bytes).collect();
    if sha1([&passphrase, WHITENER, store]) != *hash {
        return None;
    }
    let mut rest = Bytes(store.strip_prefix(&MAGIC)?);
    let version = rest.number()?;
    let entries = rest.number()?;
    let mut contents = Contents::default();
    for _ in 0..entries {
        let kind = rest.number()?;
        let _alias = rest.text()?;
        let _created = rest.take(8)?;
        match kind {
            1 => {
                let key = rest.part()?;
                let count = rest.number()?;
                let mut chain = Vec::new();
                for _ in 0..count {
                    chain.push(rest.certificate(version)?);
                }
                contents.keys.push((opened(key, &passphrase)?, chain));
            }
            2 => contents.certificates.push(rest.certificate(version)?),
            _ => return None,
        }
    }
    rest.0.is_empty().then_some(contents)
}

/// A key in PKCS8 out of its protection: a stream of SHA-1 over passphrase and salt, and a SHA-1 over passphrase and key as a check.
fn opened(protected: &[u8], passphrase: &[u8]) -> Option<PrivateKeyDer<'static>> {
    let (protected, nothing) = tagged(protected, SEQUENCE)?;
    let (algorithm, protected) = tagged(protected, SEQUENCE)?;
    let (octets, nothing_more) = tagged(protected, OCTETS)?;
    if !algorithm.starts_with(&PROTECTION) || !nothing.is_empty() || !nothing_more.is_empty() {
        return None;
    }
    let (salt, octets) = octets.split_first_chunk::<HASH>()?;
    let (sealed, check) = octets.split_last_chunk::<HASH>()?;
    let mut key = Vec::with_capacity(sealed.len());
    let mut stream = *salt;
    for block in sealed.chunks(HASH) {
        stream = sha1([passphrase, &stream]);
        key.extend(block.iter().zip(stream).map(|(sealed, stream)| sealed ^ stream));
    }
    (sha1([passphrase, &key]) == *check).then(|| PrivateKeyDer::Pkcs8(key.into()))
}

/// The content of a DER value with this tag, and what follows it.
fn tagged(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (value, rest) = Value::first(bytes)?;
    (value.tag == tag).then_some((value.content, rest))
}

/// SHA-1 over several parts.
pub(super) fn sha1<const N: usize>(parts: [&[u8]; N]) -> [u8; HASH] {
    let mut hasher = Sha1::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// What is left of a store.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        self.take(usize::from(u16::from_be_bytes(*length)))
    }

    /// From version 2 on its kind stands before it.
    fn certificate(&mut self, version: u32) -> Option<CertificateDer<'static>> {
        match version {
            1 => {}
            2 => {
                self.text()?;
            }
            _ => return None,
        }
        self.part().map(|der| der.to_vec().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"a key of some forty bytes, longer than one hash";

    fn passphrase() -> Vec<u8> {
        "changeit".encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    fn sealed(entries: &[u8]) -> Vec<u8> {
        let store = [&MAGIC[..], entries].concat();
        let hash = sha1([&passphrase(), WHITENER, &store]);
        [&store[..], &hash].concat()
    }

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x81, u8::try_from(content.len()).unwrap()][..], content].concat()
    }

    fn protected() -> Vec<u8> {
        let salt = [7; HASH];
        let mut stream = salt;
        let mut octets = salt.to_vec();
        for block in KEY.chunks(HASH) {
            stream = sha1([&passphrase(), &stream]);
            octets.extend(block.iter().zip(stream).map(|(plain, stream)| plain ^ stream));
        }
        octets.extend(sha1([&passphrase(), KEY]));
        let algorithm = der(SEQUENCE, &[&PROTECTION[..], &[5, 0]].concat());
        der(SEQUENCE, &[algorithm, der(OCTETS, &octets)].concat())
    }

    fn entry(kind: u32, parts: &[&[u8]]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], b"\0\x01a", &[0; 8], &parts.concat()].concat()
    }

    fn sized(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    fn certificate(der: &[u8]) -> Vec<u8> {
        [b"\0\x05X.509", &sized(der)[..]].concat()
    }

    #[test]
    fn keys_with_their_chains_and_certificates_come_out() {
        let key = entry(1, &[&sized(&protected()), &[0, 0, 0, 1], &certificate(b"leaf")]);
        let trusted = entry(2, &[&certificate(b"root")]);
        let store = sealed(&[&[0, 0, 0, 2, 0, 0, 0, 2][..], &key, &trusted].concat());
        let contents = read(&store, "changeit").unwrap();
        assert_eq!(contents.keys[0].0.secret_der(), KEY);
        assert_eq!(contents.keys[0].1, [CertificateDer::from(&b"leaf"[..])]);
        assert_eq!(contents.certificates, [CertificateDer::from(&b"root"[..])]);
        assert_eq!(read(&store, "changeme").unwrap_err(), CostError::Broken);
        assert_eq!(read(&store[..store.len() - 1], "changeit").unwrap_err(), CostError::Broken);
    }

    #[test]
    fn lengths_that_lie_are_a_broken_store_and_no_memory() {
        let four_gigabytes = [0xff; 4];
        let version = [0, 0, 0, 2];
        let one = [0, 0, 0, 1];
        let store = sealed(&[&version[..], &four_gigabytes].concat());
        let too_many = CostError::Entries { entries: 0xffff_ffff };
        assert_eq!(read(&store, "changeit").unwrap_err(), too_many, "before its hash is made");
        for entries in [
            // entries, a key, a chain, a certificate, a name that is not there
            [&version[..], &[0, 0, 3, 0xe8]].concat(),
            [&version[..], &one, &entry(1, &[&four_gigabytes])].concat(),
            [&version[..], &one, &entry(1, &[&sized(&protected()), &four_gigabytes])].concat(),
            [&version[..], &one, &entry(2, &[b"\0\x05X.509", &four_gigabytes])].concat(),
            [&version[..], &one, &entry(2, &[b"\xff\xff"])].concat(),
            [&version[..], &one, &entry(9, &[])].concat(),
            [&[0, 0, 0, 3][..], &one, &entry(2, &[&certificate(b"root")])].concat(),
            // more than the entries
            [&version[..], &[0; 4], b"more"].concat(),
        ] {
            assert_eq!(read(&sealed(&entries), "changeit").unwrap_err(), CostError::Broken, "{entries:?}");
        }
    }

    #[test]
    fn a_key_whose_lengths_lie_is_a_broken_store() {
        let whole = protected();
        for broken in [
            vec![],
            vec![SEQUENCE],
            vec![SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff],
            vec![SEQUENCE, 0xff],
            vec![SEQUENCE, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            whole[..whole.len() - 1].to_vec(),
            [&whole[..], &[0]].concat(),
            der(SEQUENCE, &[der(SEQUENCE, &PROTECTION), der(OCTETS, b"short")].concat()),
            der(SEQUENCE, &[der(SEQUENCE, &[6, 1, 42]), der(OCTETS, &[0; 60])].concat()),
        ] {
            assert!(opened(&broken, &passphrase()).is_none(), "{broken:?}");
        }
        assert_eq!(opened(&whole, &passphrase()).unwrap().secret_der(), KEY);
    }
}
