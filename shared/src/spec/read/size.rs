//! How deep and how large a document may be once it is a tree. A short text of YAML can stand for a tree without end.

use std::collections::HashMap;

use granit_parser::{Event, Parser};
use serde_json::Value;
use serde_saphyr::budget::BudgetBreach;

use super::{MAX_ALIASES, MAX_DEPTH, MAX_TEXT_BYTES, MAX_VALUES};
use crate::spec::problem::Problem;

fn too_deep() -> Problem {
    Problem::new("", format!("is nested more than {MAX_DEPTH} levels deep"))
        .accepted(format!("lists and maps in each other, at most {MAX_DEPTH} levels"))
}

fn too_many() -> Problem {
    Problem::new("", format!("has more than {MAX_VALUES} values"))
        .accepted(format!("at most {MAX_VALUES} values, those of aliases included"))
}

fn too_long() -> Problem {
    Problem::new("", format!("its texts have more than {MAX_TEXT_BYTES} bytes once its aliases are followed"))
        .accepted(format!("at most {MAX_TEXT_BYTES} bytes of text, that of aliases included"))
}

fn too_many_aliases() -> Problem {
    Problem::new("", format!("has more than {MAX_ALIASES} aliases"))
        .accepted(format!("at most {MAX_ALIASES} aliases (`*name`)"))
}

/// What the YAML reader stopped at, in words of one's own; `None` for what its own words say better.
pub(super) fn breach(breach: &BudgetBreach) -> Option<Problem> {
    match breach {
        BudgetBreach::Depth { .. } => Some(too_deep()),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => Some(too_many()),
        BudgetBreach::Aliases { .. } => Some(too_many_aliases()),
        BudgetBreach::ScalarBytes { .. } => Some(too_long()),
        _ => None,
    }
}

/// The tree, unless it is too deep or too large.
#[expect(clippy::result_large_err, reason = "boxed where it leaves the module")]
pub(super) fn checked(tree: Value) -> Result<Value, Problem> {
    let (mut values, mut bytes) = (0, 0);
    let mut open = vec![(&tree, 0)];
    while let Some((value, depth)) = open.pop() {
        values += 1;
        match value {
            Value::String(text) => bytes += text.len(),
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(members) => {
                bytes += members.keys().map(String::len).sum::<usize>();
                open.extend(members.values().map(|member| (member, depth + 1)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        if values > MAX_VALUES {
            return Err(too_many());
        }
        if bytes > MAX_TEXT_BYTES {
            return Err(too_long());
        }
    }
    Ok(tree)
}

/// What the aliases of a text would make, before the reader makes it: it counts the values of aliases, but not the bytes of their texts.
#[expect(clippy::result_large_err, reason = "boxed where it leaves the module")]
pub(super) fn of_aliases(text: &str) -> Result<(), Problem> {
    if !text.contains('*') {
        return Ok(());
    }
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    // anchors of collections that are open, and the bytes in them so far
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut total: usize = 0;
    for (event, _) in Parser::new_from_str(text).map_while(Result::ok) {
        let bytes = match event {
            Event::Scalar(value, _, anchor, _) => {
                sizes.insert(anchor, value.len());
                value.len()
            }
            Event::Alias(anchor) => sizes.get(&anchor).copied().unwrap_or(0),
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                open.push((anchor, 0));
                0
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (anchor, inside) = open.pop().unwrap_or_default();
                sizes.insert(anchor, inside);
                if let Some((_, around)) = open.last_mut() {
                    *around = around.saturating_add(inside);
                }
                0
            }
            _ => 0,
        };
        if let Some((_, around)) = open.last_mut() {
            *around = around.saturating_add(bytes);
        }
        total = total.saturating_add(bytes);
        if total > MAX_TEXT_BYTES {
            return Err(too_long());
        }
    }
    Ok(())
}
