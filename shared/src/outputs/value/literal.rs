//! Python's literals of plain values, as `str()` of them prints: `{'a': [1, None, True]}`.

use serde_json::{Map, Value};

/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// The value of a literal: dictionaries with keys that are texts or numbers, lists, tuples (as lists), texts, numbers, `True`, `False`, `None`. Nothing
/// is evaluated. `None` when the text is no such literal.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Take the next sign if it is that one.
    fn takes(&mut self, sign: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip();
        match self.rest.chars().next()? {
            '{' => self.map(depth).map(Value::Object),
            '[' => self.items(depth, '[', ']').map(Value::Array),
            '(' => self.tuple(depth),
            '\'' | '"' => self.text().map(Value::String),
            '+' | '-' | '.' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Map<String, Value>> {
        let mut map = Map::new();
        if !self.takes('{') {
            return None;
        }
        loop {
            if self.takes('}') {
                return Some(map);
            }
            let key = match self.value(depth + 1)? {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            if !self.takes(':') {
                return None;
            }
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            if !self.takes(',') {
                return self.takes('}').then_some(map);
            }
        }
    }

    fn items(&mut self, depth: usize, open: char, close: char) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        if !self.takes(open) {
            return None;
        }
        loop {
            if self.takes(close) {
                return Some(items);
            }
            items.push(self.value(depth + 1)?);
            if !self.takes(',') {
                return self.takes(close).then_some(items);
            }
        }
    }

    /// `(1, 2)` is a list; `(1)` is a number in brackets.
    fn tuple(&mut self, depth: usize) -> Option<Value> {
        let before = self.rest;
        let items = self.items(depth, '(', ')')?;
        let written = before.strip_suffix(self.rest).unwrap_or(before);
        let has_comma = written.trim_end_matches(')').trim_ascii_end().ends_with(',');
        match <[Value; 1]>::try_from(items) {
            Ok([only]) if !has_comma => Some(only),
            Ok(one) => Some(one.into_iter().collect()),
            Err(items) => Some(Value::Array(items)),
        }
    }

    fn word(&mut self) -> Option<Value> {
        for (word, value) in [("None", Value::Null), ("True", true.into()), ("False", false.into())] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                let goes_on = rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
                return (!goes_on).then_some(value);
            }
        }
        None
    }

    /// What JSON has as a number too, after a `+`.
    fn number(&mut self) -> Option<Value> {
        let is_part =
            |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.' | '_');
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        let (written, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        serde_json::from_str(written.strip_prefix('+').unwrap_or(written)).ok().filter(Value::is_number)
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        if self.rest.starts_with("'''") || self.rest.starts_with("\"\"\"") {
            return None;
        }
        let mut letters = self.rest.chars();
        letters.next();
        let mut text = String::new();
        loop {
            match letters.next()? {
                letter if letter == quote => break,
                '\n' => return None,
                '\\' => text.push(escaped(&mut letters)?),
                letter => text.push(letter),
            }
        }
        self.rest = letters.as_str();
        Some(text)
    }
}

/// The letter that an escape stands for, of those that `repr` writes.
fn escaped(letters: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match letters.next()? {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        same @ ('\\' | '\'' | '"') => return Some(same),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let mut code = 0_u32;
    for _ in 0..digits {
        code = code.checked_mul(16)?.checked_add(letters.next()?.to_digit(16)?)?;
    }
    char::from_u32(code)
}
