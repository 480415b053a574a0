//! A posted form, held to its policy.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A form that allows keys that begin so (or, without `/` at the end, that key), of at most so many bytes.
pub fn policy(key: &str, max_bytes: u64, more: &[Value]) -> String {
    let operator = if key.ends_with('/') { "starts-with" } else { "eq" };
    let mut conditions = vec![json!([operator, "$key", key]), json!(["content-length-range", 0, max_bytes])];
    conditions.extend_from_slice(more);
    STANDARD.encode(json!({ "conditions": conditions }).to_string())
}

/// Key and content of a form that its policy allows, else why not.
pub fn judge(kind: &str, body: &Bytes) -> Result<(String, Bytes), String> {
    let boundary = kind.split_once("boundary=").unwrap().1;
    let (fields, content) = parts(boundary, body);
    let policy = STANDARD.decode(&fields["policy"]).unwrap();
    let policy: Value = serde_json::from_slice(&policy).unwrap();
    let mut covered = vec!["policy", "x-amz-signature"];
    for condition in policy["conditions"].as_array().unwrap() {
        let operator = condition[0].as_str().unwrap();
        if operator == "content-length-range" {
            if content.len() as u64 > condition[2].as_u64().unwrap() {
                return Err("EntityTooLarge".to_owned());
            }
            continue;
        }
        let name = condition[1].as_str().unwrap().trim_start_matches('$');
        let (wanted, value) = (condition[2].as_str().unwrap(), fields.get(name).ok_or(name)?);
        let holds = if operator == "eq" { value == wanted } else { value.starts_with(wanted) };
        if !holds {
            return Err(format!("AccessDenied {name}"));
        }
        covered.push(name);
    }
    if let Some(extra) = fields.keys().find(|name| !covered.contains(&name.as_str())) {
        return Err(format!("Extra {extra}"));
    }
    if let Some(sum) = fields.get("x-amz-checksum-sha256")
        && *sum != STANDARD.encode(Sha256::digest(&content))
    {
        return Err("BadDigest".to_owned());
    }
    Ok((fields["key"].clone(), content))
}

/// Fields, and the file. As the real store does it, whatever stands behind the file does not count.
fn parts(boundary: &str, body: &Bytes) -> (BTreeMap<String, String>, Bytes) {
    let mut fields = BTreeMap::new();
    let mut at = 0;
    loop {
        let (begin, end) = (find(body, b"\r\n\r\n", at) + 4, format!("\r\n--{boundary}"));
        let head = String::from_utf8(body[at..begin].to_vec()).unwrap();
        let name = head.split_once("name=\"").unwrap().1.split_once('"').unwrap().0;
        let stop = find(body, end.as_bytes(), begin);
        let value = body.slice(begin..stop);
        if name == "file" {
            return (fields, value);
        }
        fields.insert(name.to_lowercase(), String::from_utf8(value.to_vec()).unwrap());
        at = stop;
    }
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> usize {
    let found = body[from..].windows(wanted.len()).position(|window| window == wanted);
    from + found.expect("a form of another shape")
}
