//! How much memory a template may use. The engine counts steps, not bytes: `{% set a = a ~ a %}` a few dozen times, one `indent(10 ** 12)` or one
//! `'x' * 100000000` is a handful of steps.
//!
//! So what a template keeps ([`KEPT`]) has a size, what a filter would make is estimated before it makes it, `*` multiplies numbers only ([`NUMBER`]), and
//! one expression has a bounded number of `~`, `+` and `*`. [`super::tags::bounded`] puts the first and the last into the text.

use std::sync::LazyLock;

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

/// Filter after what is given a name, by `set` or by `for`.
pub(crate) const KEPT: &str = "kept_";

/// Filter after what stands before `*`.
pub(crate) const NUMBER: &str = "number_";

/// Most bytes of a value that a template gives a name.
pub const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// Most bytes that one filter makes, and most that one value is printed with.
pub const MAX_MADE_BYTES: usize = 4 * 1024 * 1024;

/// Filters that make more than they are given.
const GROWING: [&str; 7] = ["batch", "format", "indent", "join", "pprint", "replace", "slice"];

/// Has the filters as the engine brings them.
static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine
});

/// Teach an engine the limits.
pub(crate) fn install(engine: &mut Environment<'static>) {
    engine.add_filter(KEPT, |value: Value| match weight(&value, MAX_KEPT_BYTES) > MAX_KEPT_BYTES {
        true => Err(refused(format!("a value that is given a name has more than {MAX_KEPT_BYTES} bytes"))),
        false => Ok(value),
    });
    engine.add_filter(NUMBER, |value: Value| match value.kind() {
        ValueKind::Number | ValueKind::Bool => Ok(value),
        kind => Err(refused(format!("`*` multiplies numbers, and not a {kind}"))),
    });
    for name in GROWING {
        engine.add_filter(name, move |arguments: Rest<ValueOrKwargs>| {
            let arguments = arguments.into_values();
            if made(name, &arguments) > MAX_MADE_BYTES {
                return Err(refused(format!("`{name}` would make more than {MAX_MADE_BYTES} bytes")));
            }
            PLAIN.empty_state().apply_filter(name, &arguments)
        });
    }
}

/// What is printed is not too much to be printed.
pub(crate) fn printable(value: &Value) -> Result<(), Error> {
    match weight(value, MAX_MADE_BYTES) > MAX_MADE_BYTES {
        true => Err(refused(format!("a value that is printed has more than {MAX_MADE_BYTES} bytes"))),
        false => Ok(()),
    }
}

fn refused(words: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, words)
}

/// At least as many bytes as the filter makes of these arguments.
fn made(name: &str, arguments: &[Value]) -> usize {
    let heavy = |value: &Value| weight(value, MAX_MADE_BYTES);
    let all: usize = arguments.iter().map(heavy).sum();
    let text = |index: usize| arguments.get(index).and_then(Value::as_str).unwrap_or_default();
    // a number may stand in a keyword argument as well
    let largest = arguments.iter().skip(1).map(largest).max().unwrap_or(0);
    let times = match name {
        // the second argument, or the keyword that says the same, between all items
        "join" => {
            let items = arguments.first().and_then(Value::len).unwrap_or(0);
            return all.saturating_add(items.saturating_mul(all - arguments.first().map_or(0, heavy)));
        }
        "replace" => match text(1) {
            "" => text(0).len() + 1,
            from => text(0).matches(from).count(),
        },
        "indent" => return all.saturating_add((text(0).matches('\n').count() + 1).saturating_mul(largest)),
        "format" => return all.saturating_add(widths(text(0))).saturating_add(largest),
        "batch" | "slice" => return largest.saturating_mul(all.saturating_add(64)),
        _ => 1,
    };
    all.saturating_add(times.saturating_mul(heavy(arguments.get(2).unwrap_or(&Value::from(())))))
}

/// The largest number in an argument.
fn largest(value: &Value) -> usize {
    match value.kind() {
        ValueKind::Number => value.as_usize().unwrap_or(0),
        ValueKind::Map => {
            let keys = value.try_iter().into_iter().flatten();
            keys.filter_map(|key| value.get_item(&key).ok()?.as_usize()).max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// The sum of the numbers in a text: at least the sum of the widths and precisions of a format.
fn widths(format: &str) -> usize {
    let numbers = format.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.map(|digits| digits.parse().unwrap_or(usize::MAX)).fold(0, usize::saturating_add)
}

/// Bytes of a value as text or JSON, about; counting stops beyond `most`.
fn weight(value: &Value, most: usize) -> usize {
    let mut total: usize = 0;
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        total = total.saturating_add(match value.kind() {
            ValueKind::String => value.as_str().map_or(0, str::len),
            ValueKind::Bytes => value.as_bytes().map_or(0, |bytes| bytes.len().saturating_mul(4)),
            _ => 4,
        });
        if matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable | ValueKind::Map) {
            for item in value.try_iter().into_iter().flatten() {
                if value.kind() == ValueKind::Map {
                    open.extend(value.get_item(&item).ok());
                }
                open.push(item);
                if open.len() > most {
                    return open.len();
                }
            }
        }
        if total > most {
            break;
        }
    }
    total
}
