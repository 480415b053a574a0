//! A value that is nowhere else, and all the forms in which it could be told.

use std::hash::{BuildHasher, RandomState};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A secret of a test.
#[derive(Clone)]
pub struct Canary {
    /// Where it was written, as `Connection.password`.
    pub place: &'static str,
    /// As it was written.
    pub value: String,
    forms: Vec<String>,
}

impl Canary {
    /// A random value; with letters that URLs and JSON write in another way.
    pub fn new(place: &'static str) -> Canary {
        let (one, other) = (RandomState::new().hash_one(place), RandomState::new().hash_one(place));
        Canary::of(place, format!("canary+{one:016x}/{other:016x}=&\"!"))
    }

    /// A certificate or a key, base64 of PEM, with a canary in it.
    pub fn pem(place: &'static str, label: &str) -> Canary {
        let inside = Canary::new(place);
        let content = STANDARD.encode(&inside.value);
        let value = STANDARD.encode(format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n"));
        let mut canary = Canary::of(place, value);
        canary.forms.extend(inside.forms);
        canary
    }

    fn of(place: &'static str, value: String) -> Canary {
        let percent: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url: String = value
            .bytes()
            .map(|byte| match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            })
            .collect();
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        let json = serde_json::to_string(&value).unwrap();
        let debug = format!("{:?}", value.as_bytes());
        let mut forms = vec![
            json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default().to_owned(),
            url.to_lowercase(),
            percent,
            hex,
            url,
            debug,
        ];
        forms.push(value.clone());
        for before in ["", "x", "xx"] {
            // As part of a longer text: without what its neighbours change.
            let skipped = if before.is_empty() { 0 } else { before.len() + 1 };
            for encoded in [
                STANDARD.encode(format!("{before}{value}")),
                URL_SAFE_NO_PAD.encode(format!("{before}{value}")),
            ] {
                let end = encoded.trim_end_matches('=').len() - 2;
                forms.extend(encoded.get(skipped..end).map(str::to_owned));
            }
        }
        Canary { place, value, forms }
    }

    /// The form in which a text tells it.
    pub fn told_by(&self, text: &str) -> Option<&str> {
        self.forms.iter().map(String::as_str).find(|form| text.contains(form))
    }
}

/// No text tells any of them.
pub fn assert_silent(text: &str, canaries: &[Canary], place: &str) {
    for canary in canaries {
        if let Some(form) = canary.told_by(text) {
            let at = text.find(form).unwrap();
            let before = text.floor_char_boundary(at.saturating_sub(80));
            assert!(
                at == usize::MAX,
                "{place} tells {} as `{form}`: …{}",
                canary.place,
                text.get(before..at).unwrap_or_default()
            );
        }
    }
}

#[test]
fn a_canary_is_heard_in_every_form() {
    let canary = Canary::new("a test");
    let value = &canary.value;
    let url = format!("https://a?x={}", value.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
    let url = url.replace('&', "%26").replace('"', "%22").replace('!', "%21").replace("a?x%3D", "a?x=");
    for text in [
        format!("x{value}y"),
        STANDARD.encode(format!("u:{value}")),
        STANDARD.encode(format!("user:{value}\n")),
        STANDARD.encode(format!("{{\"a\":\"{value}\"}}")),
        serde_json::json!({"a": {"b": value}}).to_string(),
        url,
    ] {
        assert!(canary.told_by(&text).is_some(), "{text}");
    }
    assert!(canary.told_by(&Canary::new("a test").value).is_none());
    let key = Canary::pem("a test", "PRIVATE KEY");
    let inner = STANDARD.decode(&key.value).unwrap();
    assert!(key.told_by(&String::from_utf8(inner).unwrap()).is_some());
}
