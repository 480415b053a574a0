//! Reading the properties of one object, with a problem for everything that is not as it should be.

use serde_json::{Map, Value};

use super::catalogue::{Object, Property, Shape, Status};
use super::duration;
use super::nearest::nearest;
use super::place::{Place, kind};
use super::problem::Problem;

/// The object at a place. An explicit `null` counts as absent everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) place: Place<'a>,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The object there; anything else is a problem.
    pub(crate) fn read(value: &'a Value, place: Place<'a>) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Fields { place, map }),
            other => {
                place.refuse(other, format!("is {}", kind(other)), "a map");
                None
            }
        }
    }

    /// The same object, whose values never show up in problems.
    pub(crate) fn secret(self) -> Self {
        Fields { place: self.place.secret(), ..self }
    }

    /// The value of a property, unless it is absent or null.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// The object of a property.
    pub(crate) fn nested(&self, key: &str) -> Option<Fields<'a>> {
        Fields::read(self.value(key)?, self.place.at(key))
    }

    /// The map of a property, whatever is in it.
    pub(crate) fn object(&self, key: &str) -> Option<Map<String, Value>> {
        self.nested(key).map(|fields| fields.map.clone())
    }

    /// A text; numbers and booleans are taken as written.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        scalar(self.value(key)?, &self.place.at(key))
    }

    /// A text that must be there and not be empty.
    pub(crate) fn required_text(&self, key: &str) -> Option<String> {
        match self.value(key) {
            None => {
                self.place.wrong(format!("has no `{key}`"));
                None
            }
            Some(Value::String(text)) if text.trim().is_empty() => {
                self.place.at(key).wrong(format!("`{key}` is empty"));
                None
            }
            Some(_) => self.text(key),
        }
    }

    /// A text that need not be there, but is not empty where it is.
    pub(crate) fn required_if_there(&self, key: &str) -> Option<String> {
        self.value(key).and_then(|_| self.required_text(key))
    }

    /// A boolean, or a text that says one.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        let value = self.value(key)?;
        match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Value::String(text) if self.place.is_open(text) => None,
            other => {
                self.place.at(key).refuse(other, format!("`{key}` is no boolean"), "true or false");
                None
            }
        }
    }

    /// A whole number of at least 1.
    pub(crate) fn count(&self, key: &str) -> Option<u64> {
        let value = self.value(key)?;
        let number = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) if self.place.is_open(text) => return None,
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        if number.is_none_or(|number| number == 0) {
            self.place.at(key).refuse(value, format!("`{key}` is no count"), "a whole number of at least 1");
            return None;
        }
        number
    }

    /// A number.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        let value = self.value(key)?;
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) if self.place.is_open(text) => return None,
            Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        if number.is_none() {
            self.place.at(key).refuse(value, format!("`{key}` is no number"), "a number");
        }
        number
    }

    /// A duration in whole seconds.
    pub(crate) fn duration(&self, key: &str) -> Option<u64> {
        let value = self.value(key)?;
        if let Value::String(text) = value {
            if self.place.is_open(text) {
                return None;
            }
            match duration::seconds(text) {
                Ok(seconds) => return Some(seconds),
                Err(error) => {
                    self.place.at(key).refuse(value, format!("`{key}` {error}"), duration::ACCEPTED)
                }
            }
        } else {
            let hint = match value {
                Value::Number(number) => format!("`{key}` is a bare number; write `PT{number}S` for seconds"),
                other => format!("`{key}` is {}", kind(other)),
            };
            self.place.at(key).refuse(value, hint, duration::ACCEPTED);
        }
        None
    }

    /// A list of texts; one text counts as a list of one.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<String>> {
        let place = self.place.at(key);
        match self.value(key)? {
            Value::Array(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, item)| scalar(item, &place.item(index)))
                    .collect(),
            ),
            Value::String(text) => Some(vec![text.clone()]),
            other => {
                place.refuse(other, format!("`{key}` is {}", kind(other)), "a list of texts");
                None
            }
        }
    }

    /// A map of texts; null values are dropped.
    pub(crate) fn text_map(&self, key: &str) -> Option<Vec<(String, String)>> {
        let nested = self.nested(key)?;
        let pairs = nested.map.iter().filter(|(_, value)| !value.is_null());
        Some(
            pairs
                .filter_map(|(name, value)| Some((name.clone(), scalar(value, &nested.place.at(name))?)))
                .collect(),
        )
    }

    /// A warning for each property that is there and is not heard.
    pub(crate) fn unheard(&self, object: &Object) -> Vec<String> {
        let warn = |(key, value): (&String, &Value)| match object.property(key)?.status {
            Status::Ignored(reason) if !value.is_null() => {
                Some(format!("`{key}` has no effect here: {reason}"))
            }
            _ => None,
        };
        self.map.iter().filter_map(warn).collect()
    }

    /// Every property must be one that the object has; a refused one may ask for nothing (`false` or null).
    pub(crate) fn only(&self, object: &Object) {
        for (key, value) in self.map {
            let place = self.place.at(key);
            let Some(property) = object.property(key) else {
                refuse_unknown(key, object, &place);
                continue;
            };
            match property.status {
                _ if value.is_null() => {}
                Status::Refused(_) if *value == Value::Bool(false) => {}
                Status::Refused(instead) => place.wrong(format!(
                    "`{key}` is not supported yet{}{instead}",
                    if instead.is_empty() { "" } else { "; " }
                )),
                Status::Read | Status::Inert | Status::Ignored(_) | Status::Older(_) => {
                    check_form(property, value, &place)
                }
            }
        }
    }
}

fn refuse_unknown(key: &str, object: &Object, place: &Place<'_>) {
    let accepted: Vec<&str> =
        object.properties().filter(|property| property.is_accepted()).map(|property| property.name).collect();
    let message = match nearest(key, accepted.iter().copied()) {
        Some(name) => format!("`{key}` is not a property here; did you mean `{name}`?"),
        None => format!("`{key}` is not a property here"),
    };
    place.note(Problem::new(place.pointer(), message).accepted(accepted.join(", ")));
}

/// The shape of what no reader looks at; all else is checked where it is read.
fn check_form(property: &Property, value: &Value, place: &Place<'_>) {
    match (property.shape, property.status) {
        (Shape::List, _) if !value.is_array() => {
            place.refuse(value, format!("is {}", kind(value)), "a list");
        }
        (Shape::Text, Status::Inert) => {
            scalar(value, place);
        }
        _ => {}
    }
}

/// A text, or a number or boolean as it would be written; anything else is a problem.
pub(crate) fn scalar(value: &Value, place: &Place<'_>) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        other => {
            place.refuse(other, format!("is {}", kind(other)), "a text");
            None
        }
    }
}
