//! The objects that a manifest lists: many inputs of one run.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::name;
use super::place::{Notes, Place, Reading, kind};
use super::problem::{Problem, Problems};
use super::read;
use super::upload::Upload;

/// Longest manifest that is read, in bytes. Its objects stand in the run's record, which is read and written whole.
pub const MAX_BYTES: u64 = 256 * 1024;

/// Most objects of one run.
pub const MAX_OBJECTS: usize = 1000;

const ACCEPTED: &str = "a key, s3://bucket/key, or a map with `key` and perhaps `bucket`";

/// The objects in a manifest: the path of each below the working directory, which is its key, and its `s3://` address.
///
/// What a manifest looks like is told by its name: `.json` is a list of keys, addresses or maps with `bucket` and `key` (also below
/// `entries`, whose `url` is an address, as Amazon Redshift writes it); `.csv` has lines `bucket,key` with a URL-encoded key, as S3 Batch
/// Operations and S3 Inventory write them; anything else has a key or an address in each line. Keys without a bucket lie in the manifest's.
///
/// # Errors
///
/// Every entry that names no object, or none that can be a file of a run.
pub fn read(manifest: &Upload, bytes: &[u8]) -> Result<Map<String, Value>, Problems> {
    let notes = Notes::new(Reading::Rendered);
    let place = Place::new(&notes, "");
    let objects = match manifest.name().rsplit('.').next() {
        Some("json") => from_json(bytes, &place),
        Some("csv") => from_lines(bytes, &place, comma_separated),
        _ => from_lines(bytes, &place, |line| Some((None, line.to_owned()))),
    };
    let mut files = Map::new();
    for (place, bucket, key) in &objects {
        let address = address(bucket.as_deref().unwrap_or(&manifest.bucket), key);
        let Some((address, key)) = address else {
            place.refuse(&key.as_str().into(), "names no object", ACCEPTED);
            continue;
        };
        match name::file_path(&key) {
            Err(error) => {
                place.wrong(format!("the key `{key}` cannot be the name of an input file: it {error}"))
            }
            Ok(path) => match files.insert(path, address.as_str().into()) {
                Some(other) if other != address.as_str() => {
                    place.wrong(format!("`{address}` and {other} would be the same file"));
                }
                Some(_) | None => {}
            },
        }
    }
    let problems = notes.into_problems();
    match files.len() {
        _ if !problems.is_empty() => Err(problems),
        0 => Err(Problems(vec![Problem::new("", "the manifest lists no objects")])),
        count if count > MAX_OBJECTS => Err(Problems(vec![
            Problem::new("", format!("the manifest lists {count} objects"))
                .accepted(format!("at most {MAX_OBJECTS} in one run")),
        ])),
        _ => Ok(files),
    }
}

type Entry<'a> = (Place<'a>, Option<String>, String);

fn from_json<'a>(bytes: &[u8], place: &Place<'a>) -> Vec<Entry<'a>> {
    let tree = match read::tree(bytes) {
        Ok(tree) => tree,
        Err(problem) => {
            place.note(*problem);
            return Vec::new();
        }
    };
    let (list, place) = match tree.get("entries") {
        Some(entries) => (entries, place.at("entries")),
        None => (&tree, place.clone()),
    };
    let Value::Array(items) = list else {
        place.refuse(list, format!("is {}", kind(list)), "a list of objects");
        return Vec::new();
    };
    let mut entries = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let place = place.item(index);
        let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        match item.as_str().map(str::to_owned).or_else(|| text("url")).or_else(|| text("key")) {
            Some(key) => entries.push((place, text("bucket"), key)),
            None => place.refuse(item, "names no object", ACCEPTED),
        }
    }
    entries
}

fn from_lines<'a>(
    bytes: &[u8],
    place: &Place<'a>,
    split: impl Fn(&str) -> Option<(Option<String>, String)>,
) -> Vec<Entry<'a>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        place.wrong("the manifest is not UTF-8");
        return Vec::new();
    };
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let mut entries = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let place = place.item(index);
        match split(line) {
            Some((bucket, key)) => entries.push((place, bucket, key)),
            None => {
                place.refuse(&line.into(), "is no line of a manifest", "bucket,key with a URL-encoded key")
            }
        }
    }
    entries
}

/// `bucket,key[,…]`; no field has a comma in it, since keys are URL-encoded.
fn comma_separated(line: &str) -> Option<(Option<String>, String)> {
    let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
    let (bucket, key) = (fields.next()?, fields.next()?);
    Some((Some(bucket.to_owned()), form_decoded(key)?))
}

/// A URL-encoded key as S3 writes it into events and inventories: `+` is a space. `None` when it is no UTF-8.
pub fn form_decoded(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(String::from)
}

/// The address of a key in a bucket; a key that is an address already stays what it is.
fn address(bucket: &str, key: &str) -> Option<(String, String)> {
    let (bucket, key) = match key.strip_prefix("s3://") {
        Some(address) => address.split_once('/')?,
        None => (bucket, key),
    };
    (!bucket.is_empty() && !key.is_empty()).then(|| (format!("s3://{bucket}/{key}"), key.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn files(name: &str, text: &str) -> Result<Value, Vec<String>> {
        let manifest = Upload {
            bucket: "data".into(),
            key: format!("in/{name}"),
            size: 1,
            e_tag: "e".into(),
            version_id: None,
            sequencer: "1".into(),
            time: "2026-01-01T00:00:00Z".into(),
        };
        read(&manifest, text.as_bytes())
            .map(Value::Object)
            .map_err(|problems| problems.0.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_manifest_is_a_json_list_a_csv_or_lines() {
        let expected = json!({"a b.csv": "s3://data/a b.csv", "x/c.csv": "s3://other/x/c.csv"});
        for (name, text) in [
            ("m.json", r#"["a b.csv", {"bucket": "other", "key": "x/c.csv"}]"#),
            ("m.json", r#"{"entries": [{"url": "s3://data/a b.csv"}, {"url": "s3://other/x/c.csv"}]}"#),
            ("m.csv", "data,a+b.csv\n\"other\",\"x/c.csv\",\"version\"\n"),
            ("m.txt", "a b.csv\r\n\ns3://other/x/c.csv\na b.csv"),
        ] {
            assert_eq!(files(name, text).as_ref(), Ok(&expected), "{name}: {text}");
        }
    }

    #[test]
    fn every_entry_that_is_no_object_is_told() {
        let problems = files("m.json", r#"["", {"name": "x"}, "../up", "s3://b", "good"]"#).unwrap_err();
        let places: Vec<&str> = problems.iter().map(|text| text.split(':').next().unwrap()).collect();
        assert_eq!(places, ["/1", "/0", "/2", "/3"], "{problems:?}");
        for (name, text, part) in [
            ("m.csv", "only-a-bucket", "no line of a manifest"),
            ("m.csv", "b,%ff", "no line of a manifest"),
            ("m.txt", "\n", "no objects"),
            ("m.json", "{}", "is a map"),
            ("m.json", "[", "neither YAML nor JSON"),
            ("m.txt", "s3://a/k\ns3://b/k", "the same file"),
        ] {
            let problems = files(name, text).unwrap_err();
            assert!(problems[0].contains(part), "{name} {text}: {problems:?}");
        }
        let many: String = (0..=MAX_OBJECTS).map(|number| format!("{number}\n")).collect();
        assert!(files("m.txt", &many).unwrap_err()[0].contains("at most 1000"));
    }
}
