//! Stores and keys that ask for more than anybody needs.

use super::*;

/// A value of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..0x80 => vec![tag, u8::try_from(length).unwrap()],
        _ => [&[tag, 0x84][..], &u32::try_from(length).unwrap().to_be_bytes()].concat(),
    };
    [head, content.to_vec()].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(SEQUENCE, &parts.concat())
}

fn number(number: u64) -> Vec<u8> {
    der(0x02, &[&[0][..], &number.to_be_bytes()].concat())
}

fn scheme(identifier: &[u8], numbers: &[u64]) -> Vec<u8> {
    let numbers = numbers.iter().map(|one| number(*one));
    let parameters: Vec<Vec<u8>> = std::iter::once(der(OCTETS, b"salt")).chain(numbers).collect();
    sequence(&[der(IDENTIFIER, identifier), sequence(&parameters)])
}

fn count(der: &[u8]) -> Result<Cost, CostError> {
    let mut cost = Cost::default();
    cost.add(der).map(|_| cost)
}

#[test]
fn rounds_are_counted_in_every_scheme_and_together() {
    let triple_des = [SCHEMES, &[3]].concat();
    let all =
        [scheme(&triple_des, &[1000]), scheme(PBKDF2, &[20_000]), scheme(SCRYPT, &[1024, 8, 1])].concat();
    assert_eq!(count(&all).unwrap().rounds, 1000 + 20_000 + 2 * 1024 * 8);
    let most = scheme(PBKDF2, &[MAX_ROUNDS]);
    assert_eq!(count(&[&most[..], &most].concat()).unwrap().rounds, MAX_TOTAL_ROUNDS);
    assert_eq!(
        count(&[&most[..], &most, &scheme(&triple_des, &[1])].concat()),
        Err(CostError::TotalRounds { rounds: MAX_TOTAL_ROUNDS + 1 })
    );
}

#[test]
fn one_derivation_that_asks_for_too_much_is_named_with_what_it_asks_for() {
    for (der, expected) in [
        (scheme(PBKDF2, &[MAX_ROUNDS + 1]), CostError::Rounds { rounds: MAX_ROUNDS + 1 }),
        (scheme(PBKDF2, &[u64::MAX]), CostError::Rounds { rounds: u64::MAX }),
        (scheme(&[SCHEMES, &[6]].concat(), &[100_000_000]), CostError::Rounds { rounds: 100_000_000 }),
        (scheme(SCRYPT, &[1 << 20, 8, 1]), CostError::Memory { bytes: 1 << 30 }),
        (scheme(SCRYPT, &[1 << 63, 1 << 40, 1]), CostError::Memory { bytes: u64::MAX }),
        (scheme(SCRYPT, &[1 << 14, 8, 16]), CostError::Rounds { rounds: 1 << 22 }),
        // Not a power of two; none at all, of which the logarithm is asked later.
        (scheme(SCRYPT, &[1000, 8, 1]), CostError::Nonsense),
        (scheme(SCRYPT, &[0, 8, 1]), CostError::Nonsense),
        (scheme(SCRYPT, &[1024, 0, 1]), CostError::Nonsense),
        (scheme(PBKDF2, &[]), CostError::Nonsense),
    ] {
        assert_eq!(count(&der), Err(expected.clone()));
        // Wherever it stands.
        let hidden = sequence(&[der_of(0xa0, &[der_of(OCTETS, &[sequence(&[der])])])]);
        assert_eq!(count(&hidden), Err(expected));
    }
}

fn der_of(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    der(tag, &parts.concat())
}

#[test]
fn a_store_of_too_many_parts_or_levels_is_refused() {
    let bag = sequence(&[der(IDENTIFIER, &[BAGS, &[3]].concat()), der(0xa0, &[])]);
    let many = usize::try_from(MAX_ENTRIES).unwrap();
    assert_eq!(count(&bag.repeat(many)).unwrap().entries, MAX_ENTRIES);
    assert_eq!(count(&bag.repeat(many + 1)), Err(CostError::Entries { entries: MAX_ENTRIES + 1 }));
    let nested = (0..=MAX_DEPTH).fold(Vec::new(), |inner, _| der(SEQUENCE, &inner));
    assert_eq!(count(&nested), Err(CostError::Depth));
}

#[test]
fn bytes_that_are_no_values_ask_for_nothing_and_a_broken_value_is_broken() {
    assert_eq!(count(&der(OCTETS, &[0x30, 0x05, 0x06])).unwrap(), Cost::default());
    assert_eq!(count(&[0x30, 0x05, 0x06]), Err(CostError::Broken));
    assert_eq!(check(&[0x30, 0x05, 0x06]), Ok(()), "whoever reads the key says so");
}

#[test]
fn encrypted_parts_are_found_with_what_opens_them() {
    let algorithm = scheme(PBKDF2, &[7]);
    let content = sequence(&[der(IDENTIFIER, b"data"), algorithm, der(0x80, b"ciphertext")]);
    let part = sequence(&[der(IDENTIFIER, ENCRYPTED), der_of(0xa0, &[sequence(&[number(0), content])])]);
    let store = sequence(&[der(OCTETS, &sequence(&[part]))]);
    let sealed = Cost::default().add(&store).unwrap();
    assert_eq!(sealed.len(), 1);
    assert_eq!((sealed[0].identifier, sealed[0].data), (PBKDF2, &b"ciphertext"[..]));
    assert_eq!(Value::first(sealed[0].parameters).unwrap().0.tag, SEQUENCE);
}
