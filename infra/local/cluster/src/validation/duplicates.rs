//! Fields that are written twice: reading keeps the last one and says nothing.

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The paths of fields that a JSON text has more than once, in the order of the text.
pub fn of(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let search = Search { path: String::new(), found: &mut found };
    // What is no JSON is refused by whoever reads it.
    let _ = search.deserialize(&mut serde_json::Deserializer::from_slice(text));
    found
}

struct Search<'a> {
    path: String,
    found: &'a mut Vec<String>,
}

impl Search<'_> {
    fn below(&mut self, path: String) -> Search<'_> {
        Search { path, found: self.found }
    }
}

impl<'de> DeserializeSeed<'de> for Search<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Search<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            if !seen.insert(name) && !self.found.contains(&path) {
                self.found.push(path.clone());
            }
            fields.next_value_seed(self.below(path))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let path = format!("{}[{index}]", self.path);
            if items.next_element_seed(self.below(path))?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_written_twice_are_found_wherever_they_are() {
        for (text, paths) in [
            (r#"{"a": 1, "b": {"a": null}}"#, &[][..]),
            (r#"{"metadata": {"name": "x", "name": "y", "name": "z"}}"#, &["metadata.name"]),
            (r#"{"a": [{"b": 1}, {"b": 1.5, "b": true}], "a": "x"}"#, &["a[1].b", "a"]),
            ("no JSON", &[]),
        ] {
            assert_eq!(of(text.as_bytes()), paths, "{text}");
        }
    }
}
