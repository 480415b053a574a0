//! PKCS12 (RFC 7292), as `openssl` and `keytool` write it. What opening it costs is known before it is done.

use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use des::TdesEde3;
use pkcs8::der::Decode;
use pkcs8::pkcs5::pbes2;
use rc2::Rc2;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::Contents;
use super::java::sha1;
use crate::cluster::der::{OCTETS, SEQUENCE, Value};
use crate::cluster::derivation::{Cost, CostError, Sealed};

/// Object identifiers: PBES2 (RFC 8018), and of the schemes of PKCS12 (RFC 7292, appendix C) those that tools have used.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const SHA1_3DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03];
const SHA1_RC2_40: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x06];

/// Bytes that SHA-1 takes at a time.
const BLOCK: usize = 64;

/// What a derived key is for (RFC 7292, appendix B.3).
const FOR_KEY: u8 = 1;
const FOR_VECTOR: u8 = 2;

/// A chain of certificates is shorter.
const MAX_CHAIN: usize = 16;

/// Read a store.
///
/// # Errors
/// When it is broken, the passphrase is another, or opening it would cost too much.
pub(super) fn read(bytes: &[u8], passphrase: &str) -> Result<Contents, CostError> {
    check(bytes, passphrase)?;
    contents(bytes, passphrase).ok_or(CostError::Broken)
}

/// Count what the store asks for, and then what its encrypted parts ask for: each is opened when it is known what that costs.
fn check(bytes: &[u8], passphrase: &str) -> Result<(), CostError> {
    let mut cost = Cost::default();
    if let Some(rounds) = rounds_of_check(bytes) {
        cost.derive(rounds)?;
    }
    for part in cost.add(bytes)? {
        let plain = opened(&part, passphrase).ok_or(CostError::Broken)?;
        // What is sealed in it once more is opened by nobody.
        cost.add(&plain)?;
    }
    Ok(())
}

/// The rounds behind the check over a store, which stand beside no identifier: the last number of the last of its three values.
fn rounds_of_check(bytes: &[u8]) -> Option<u64> {
    let check = Value::first(bytes)?.0.within(SEQUENCE)?.into_iter().nth(2)?.within(SEQUENCE)?;
    Some(check.get(2).and_then(Value::number).unwrap_or(1))
}

fn contents(bytes: &[u8], passphrase: &str) -> Option<Contents> {
    let archive = p12_keystore::Pkcs12Archive::from_pkcs12(bytes, passphrase).ok()?;
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
            && chain.len() < MAX_CHAIN
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
    Some(contents)
}

/// The plain bytes of an encrypted part.
fn opened(part: &Sealed<'_>, passphrase: &str) -> Option<Vec<u8>> {
    let (scheme, parameters) = (part.identifier, part.parameters);
    if scheme == PBES2 {
        return pbes2::Parameters::from_der(parameters).ok()?.decrypt(passphrase, part.data).ok();
    }
    let [salt, rounds] = <[Value<'_>; 2]>::try_from(Value::first(parameters)?.0.within(SEQUENCE)?).ok()?;
    let (salt, rounds) = (Some(salt.content).filter(|_| salt.tag == OCTETS)?, rounds.number()?);
    let derived = |purpose, length| derived(passphrase, salt, purpose, rounds, length);
    match scheme {
        SHA1_3DES => decrypted::<TdesEde3>(&derived(FOR_KEY, 24), &derived(FOR_VECTOR, 8), part.data),
        SHA1_RC2_40 => decrypted::<Rc2>(&derived(FOR_KEY, 5), &derived(FOR_VECTOR, 8), part.data),
        _ => None,
    }
}

fn decrypted<C: KeyInit + BlockCipherDecrypt>(key: &[u8], vector: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    Decryptor::<C>::new_from_slices(key, vector).ok()?.decrypt_padded_vec::<Pkcs7>(data).ok()
}

/// A key from a passphrase as PKCS12 derives it (RFC 7292, appendix B.2), with SHA-1.
fn derived(passphrase: &str, salt: &[u8], purpose: u8, rounds: u64, length: usize) -> Vec<u8> {
    // The passphrase ends with a character of zeros.
    let passphrase: Vec<u8> = passphrase.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let filled = |bytes: &[u8]| {
        let whole = bytes.len().next_multiple_of(BLOCK);
        bytes.iter().copied().cycle().take(whole).collect::<Vec<u8>>()
    };
    let mut input = [filled(salt), filled(&passphrase)].concat();
    let mut key = Vec::with_capacity(length);
    while key.len() < length {
        let first = sha1([&[purpose; BLOCK], &input]);
        let hash = (1..rounds).fold(first, |hash, _| sha1([&hash]));
        key.extend(hash);
        // Each block of the input becomes the sum of itself, the hash as often as it fits, and one.
        let addend: Vec<u8> = hash.iter().copied().cycle().take(BLOCK).collect();
        for block in input.chunks_mut(BLOCK) {
            let mut carry = 1;
            for (digit, other) in block.iter_mut().zip(&addend).rev() {
                let sum = u16::from(*digit) + u16::from(*other) + carry;
                let [above, below] = sum.to_be_bytes();
                (*digit, carry) = (below, u16::from(above));
            }
        }
    }
    key.truncate(length);
    key
}

#[cfg(test)]
mod tests {
    use cbc::Encryptor;
    use cbc::cipher::BlockModeEncrypt;
    use pkcs8::der::Encode;

    use super::*;
    use crate::cluster::derivation::{MAX_ROUNDS, MAX_TOTAL_ROUNDS};

    const PASSPHRASE: &str = "changeit";
    const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
    const ENCRYPTED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
    const SHROUDED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02];

    fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        match u8::try_from(content.len()) {
            Ok(short @ 0..0x80) => [&[tag, short][..], &content].concat(),
            _ => [&[tag, 0x84][..], &length, &content].concat(),
        }
    }

    fn number(number: u64) -> Vec<u8> {
        der(0x02, &[&[0], &number.to_be_bytes()])
    }

    fn legacy(identifier: &[u8], rounds: u64) -> Vec<u8> {
        let parameters = der(SEQUENCE, &[&der(OCTETS, &[b"saltsalt"]), &number(rounds)]);
        der(SEQUENCE, &[&der(0x06, &[identifier]), &parameters])
    }

    /// A store with these parts, and a check of so many rounds.
    fn store(parts: &[Vec<u8>], rounds: u64) -> Vec<u8> {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let safe = der(0xa0, &[&der(OCTETS, &[&der(SEQUENCE, &parts)])]);
        let content = der(SEQUENCE, &[&der(0x06, &[DATA]), &safe]);
        let check = der(SEQUENCE, &[&der(SEQUENCE, &[]), &der(OCTETS, &[b"salt"]), &number(rounds)]);
        der(SEQUENCE, &[&number(3), &content, &check])
    }

    /// A key that asks for so many rounds.
    fn key(rounds: u64) -> Vec<u8> {
        let info = der(SEQUENCE, &[&legacy(SHA1_3DES, rounds), &der(OCTETS, &[&[7; 16]])]);
        der(SEQUENCE, &[&der(0x06, &[SHROUDED]), &der(0xa0, &[&info])])
    }

    /// Bags as a part of their own, encrypted in the way of this algorithm.
    fn encrypted(algorithm: &[u8], data: &[u8]) -> Vec<u8> {
        let content = der(SEQUENCE, &[&der(0x06, &[DATA]), algorithm, &der(0x80, &[data])]);
        let wrapped = der(0xa0, &[&der(SEQUENCE, &[&number(0), &content])]);
        der(SEQUENCE, &[&der(0x06, &[ENCRYPTED]), &wrapped])
    }

    /// The ways to encrypt a part: today's, and those of twenty years ago.
    fn ways(plain: &[u8]) -> Vec<Vec<u8>> {
        let parameters =
            pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(1000, b"saltsalt", [7; 16]).unwrap();
        let today = parameters.encrypt(PASSPHRASE, plain).unwrap();
        let algorithm = der(SEQUENCE, &[&der(0x06, &[PBES2]), &parameters.to_der().unwrap()]);
        let [key, vector] = [(FOR_KEY, 24), (FOR_VECTOR, 8)]
            .map(|(purpose, length)| derived(PASSPHRASE, b"saltsalt", purpose, 1000, length));
        let triple = Encryptor::<TdesEde3>::new_from_slices(&key, &vector).unwrap();
        let rc2 = Encryptor::<Rc2>::new_from_slices(&key[..5], &vector).unwrap();
        vec![
            encrypted(&algorithm, &today),
            encrypted(&legacy(SHA1_3DES, 1000), &triple.encrypt_padded_vec::<Pkcs7>(plain)),
            encrypted(&legacy(SHA1_RC2_40, 1000), &rc2.encrypt_padded_vec::<Pkcs7>(plain)),
        ]
    }

    #[test]
    fn a_check_or_a_key_that_asks_for_too_many_rounds_is_refused_before_a_round_is_made() {
        let too_many = CostError::Rounds { rounds: 100_000_000 };
        let plain = |bags: &[u8]| {
            let content = der(0xa0, &[&der(OCTETS, &[&der(SEQUENCE, &[bags])])]);
            der(SEQUENCE, &[&der(0x06, &[DATA]), &content])
        };
        for lies in [store(&[], 100_000_000), store(&[plain(&key(100_000_000))], 1)] {
            assert_eq!(read(&lies, PASSPHRASE).unwrap_err(), too_many);
        }
        let keys = key(MAX_ROUNDS).repeat(2);
        let total = CostError::TotalRounds { rounds: MAX_TOTAL_ROUNDS + 1 };
        assert_eq!(read(&store(&[plain(&keys)], 1), PASSPHRASE).unwrap_err(), total);
    }

    #[test]
    fn what_an_encrypted_part_asks_for_is_known_before_it_is_done() {
        let bags = der(SEQUENCE, &[&key(5), &key(100_000_000)]);
        for part in ways(&bags) {
            let refused = read(&store(std::slice::from_ref(&part), 1), PASSPHRASE).unwrap_err();
            assert_eq!(refused, CostError::Rounds { rounds: 100_000_000 });
            assert_eq!(read(&store(&[part], 1), "another").unwrap_err(), CostError::Broken);
        }
    }
}
