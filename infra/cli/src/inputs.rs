//! `--input KEY=VALUE` and `--input KEY=@FILE`.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::exit::Failure;

/// One input as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Name in `{{ inputs.… }}`.
    pub key: String,
    /// Where its value comes from.
    pub value: InputValue,
}

/// The value of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputValue {
    /// The text itself.
    Text(String),
    /// A file to upload; the input is then its URI.
    File(PathBuf),
}

impl Input {
    /// Read `KEY=VALUE` or `KEY=@FILE`; `KEY=@@x` is the text `@x`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("write KEY=VALUE or KEY=@FILE")?;
        let legal = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
        if key.is_empty() || !key.chars().all(legal) {
            return Err(format!("`{key}` cannot be the name of an input; use letters, digits, `_` and `-`"));
        }
        let value = match value.strip_prefix('@') {
            None => InputValue::Text(value.to_owned()),
            Some(text) if text.starts_with('@') => InputValue::Text(text.to_owned()),
            Some("") => return Err("`@` needs the name of a file".to_owned()),
            Some(path) => InputValue::File(PathBuf::from(path)),
        };
        Ok(Input { key: key.to_owned(), value })
    }
}

/// A file that goes to the bucket before the task is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// On this machine.
    pub file: PathBuf,
    /// In the bucket.
    pub key: String,
}

/// The values of all inputs for a run in a bucket, and the files to upload for them. Nothing is read but the files' existence.
///
/// # Errors
/// When an input is given twice or its file is missing.
pub fn resolve(
    inputs: &[Input],
    bucket: &str,
    run_id: &str,
) -> Result<(Map<String, Value>, Vec<Upload>), Failure> {
    let mut values = Map::new();
    let mut uploads = Vec::new();
    for Input { key, value } in inputs {
        let value = match value {
            InputValue::Text(text) => text.clone(),
            InputValue::File(file) => {
                let upload = upload(key, file, run_id)?;
                let uri = format!("s3://{bucket}/{}", upload.key);
                uploads.push(upload);
                uri
            }
        };
        if values.insert(key.clone(), Value::String(value)).is_some() {
            return Err(
                Failure::wrong(format!("input `{key}` is given twice")).remedy("give each input once")
            );
        }
    }
    Ok((values, uploads))
}

fn upload(key: &str, file: &std::path::Path, run_id: &str) -> Result<Upload, Failure> {
    let wrong = |what: String| Failure::wrong(what).remedy("`--input KEY=@FILE` wants a file that exists");
    match std::fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(wrong(format!("input `{key}`: `{}` is no file", file.display())));
        }
        Ok(_) => {}
        Err(error) => {
            return Err(wrong(format!("input `{key}`: cannot read `{}`", file.display())).because(&error));
        }
    }
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| wrong(format!("input `{key}`: the name of `{}` is not UTF-8", file.display())))?;
    Ok(Upload { file: file.to_owned(), key: format!("runs/{run_id}/inputs/{key}/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(key: &str, value: &str) -> Input {
        Input { key: key.to_owned(), value: InputValue::Text(value.to_owned()) }
    }

    #[test]
    fn an_input_is_text_or_a_file() {
        assert_eq!(Input::parse("a=1").unwrap(), text("a", "1"));
        assert_eq!(Input::parse("a=").unwrap(), text("a", ""));
        assert_eq!(Input::parse("a=b=c").unwrap(), text("a", "b=c"));
        assert_eq!(Input::parse("a=@@b").unwrap(), text("a", "@b"));
        assert_eq!(Input::parse("a=@b c.txt").unwrap().value, InputValue::File("b c.txt".into()));
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for (typed, words) in
            [("a", "KEY=VALUE"), ("=1", "name of an input"), ("a.b=1", "name of an input"), ("a=@", "file")]
        {
            assert!(Input::parse(typed).unwrap_err().contains(words), "{typed}");
        }
    }

    #[test]
    fn a_file_becomes_its_address_in_the_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("data + ü.csv");
        std::fs::write(&file, "x").unwrap();
        let typed = [Input { key: "f".to_owned(), value: InputValue::File(file.clone()) }, text("n", "1")];
        let (values, uploads) = resolve(&typed, "bucket", "run-1").unwrap();
        assert_eq!(values.get("f").unwrap(), "s3://bucket/runs/run-1/inputs/f/data + ü.csv");
        assert_eq!(values.get("n").unwrap(), "1");
        assert_eq!(uploads, [Upload { file, key: "runs/run-1/inputs/f/data + ü.csv".to_owned() }]);
    }

    #[test]
    fn a_missing_file_and_a_repeated_key_are_told() {
        let missing = [Input { key: "f".to_owned(), value: InputValue::File("/does/not/exist".into()) }];
        assert!(resolve(&missing, "b", "r").unwrap_err().what.contains("/does/not/exist"));
        assert!(resolve(&[text("a", "1"), text("a", "2")], "b", "r").unwrap_err().what.contains("`a`"));
    }
}
