//! Bodies in Kubernetes' protobuf, as kubectl sends them for small objects and reviews.
//!
//! `protobuf.txt` has a line per message, `Name number:field:type …`, from upstream's `generated.proto` files; fields
//! that it does not name are skipped. Pods are not among them: every client at hand sends those as JSON.

use super::status::Status;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The content type.
pub(super) const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// The four bytes before every message: <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl>.
const MAGIC: &[u8] = b"k8s\0";

/// A field on the wire.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// Read a body of this kind.
///
/// # Errors
///
/// 501 for kinds that are not in the table, 400 for what is no message.
pub(super) fn parse(body: &[u8], kind: &str) -> Result<Value, Status> {
    if fields_of(kind).is_none() {
        return Err(Status::unsupported(&format!("{kind} objects as `{CONTENT_TYPE}`")));
    }
    let refused =
        || Status::bad_request(format!("the object provided is unrecognized (must be of type {kind})"));
    let unknown = body.strip_prefix(MAGIC).ok_or_else(refused)?;
    // runtime.Unknown: field 2 is the object.
    let fields = split(unknown).ok_or_else(refused)?;
    let raw = fields.iter().find_map(|(number, field)| match field {
        Field::Bytes(bytes) if *number == 2 => Some(*bytes),
        _ => None,
    });
    message(raw.unwrap_or_default(), kind).ok_or_else(refused)
}

fn fields_of(message: &str) -> Option<impl Iterator<Item = (u64, &'static str, &'static str)>> {
    let mut lines = include_str!("protobuf.txt").lines().filter_map(|line| line.split_once(' '));
    let (_, fields) = lines.find(|(name, _)| *name == message)?;
    Some(fields.split(' ').filter_map(|field| {
        let (number, rest) = field.split_once(':')?;
        let (name, kind) = rest.split_once(':')?;
        Some((number.parse().ok()?, name, kind))
    }))
}

fn message(bytes: &[u8], name: &str) -> Option<Value> {
    let mut object = Map::new();
    for (number, field) in split(bytes)? {
        let Some((_, name, kind)) = fields_of(name)?.find(|known| known.0 == number) else { continue };
        if let Some(kind) = kind.strip_prefix("[]") {
            let item = value(&field, kind)?;
            if let Value::Array(items) = object.entry(name).or_insert_with(|| json!([])) {
                items.push(item);
            }
        } else if let Some(kind) = kind.strip_prefix("map-") {
            let Field::Bytes(entry) = field else { return None };
            let (mut key, mut item) = (String::new(), value(&Field::Bytes(b""), kind)?);
            for (number, field) in split(entry)? {
                match number {
                    1 => key = value(&field, "string")?.as_str()?.to_owned(),
                    2 => item = value(&field, kind)?,
                    _ => {}
                }
            }
            if let Value::Object(fields) = object.entry(name).or_insert_with(|| json!({})) {
                fields.insert(key, item);
            }
        } else {
            object.insert(name.into(), value(&field, kind)?);
        }
    }
    Some(Value::Object(object))
}

fn value(field: &Field<'_>, kind: &str) -> Option<Value> {
    Some(match (field, kind) {
        (Field::Bytes(bytes), "string") => json!(std::str::from_utf8(bytes).ok()?),
        (Field::Bytes(bytes), "bytes") => json!(STANDARD.encode(bytes)),
        (Field::Number(number), "bool") => json!(*number != 0),
        (Field::Bytes(bytes), kind) => message(bytes, kind)?,
        _ => return None,
    })
}

/// The fields of a message in order: number and content.
fn split(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes)?;
        let field = match tag & 7 {
            0 => Field::Number(number(&mut bytes)?),
            1 => skip(&mut bytes, 8)?,
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                let (content, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Field::Bytes(content)
            }
            5 => skip(&mut bytes, 4)?,
            _ => return None,
        };
        fields.push((tag >> 3, field));
    }
    Some(fields)
}

fn skip<'a>(bytes: &mut &'a [u8], length: usize) -> Option<Field<'a>> {
    *bytes = bytes.get(length..)?;
    Some(Field::Other)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend_from_slice(content);
        bytes
    }

    fn body(object: &[u8]) -> Vec<u8> {
        [MAGIC, &field(1, b"\x0a\x02v1"), &field(2, object), &field(3, b"")].concat()
    }

    #[test]
    fn a_secret_is_read_with_its_maps() {
        let entry = [field(1, b"key"), field(2, b"value")].concat();
        let label = [field(1, b"a"), field(2, b"b")].concat();
        let metadata = [field(1, b"s"), field(11, &label), vec![0x38, 0x01]].concat();
        let secret = [field(1, &metadata), field(2, &entry), field(3, b"Opaque"), vec![0x28, 0x01]].concat();
        assert_eq!(
            parse(&body(&secret), "Secret").unwrap(),
            json!({"metadata": {"name": "s", "labels": {"a": "b"}}, "data": {"key": "dmFsdWU="}, "type": "Opaque",
                   "immutable": true})
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert_eq!(parse(b"{}", "Secret").unwrap_err().code, 400);
        assert_eq!(parse(&body(b"\x0a\xff"), "Secret").unwrap_err().code, 400);
        assert_eq!(parse(&body(b""), "Pod").unwrap_err().code, 501);
    }
}
