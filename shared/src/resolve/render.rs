//! Rendering the templates of a document.

use std::collections::BTreeSet;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value};

use super::names::{Names, REFUSED, VERBATIM};
use super::tags;
use crate::spec::place::{Place, has_template, shortened};
use crate::spec::problem::Problem;

/// Renders texts with the names of a run.
pub(crate) struct Renderer<'a> {
    engine: Environment<'static>,
    names: &'a Names,
    context: minijinja::Value,
}

impl<'a> Renderer<'a> {
    /// Strict: an undefined name is an error. Nothing is escaped, and a text keeps its last line break.
    pub(crate) fn new(names: &'a Names) -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_recursion_limit(64);
        engine.set_formatter(|output, state, value| match value.kind() {
            // a null is nothing; lists and maps are JSON, which a program can read
            ValueKind::None => Ok(()),
            ValueKind::Bool => output
                .write_str(if value.is_true() { "true" } else { "false" })
                .map_err(|_| Error::from(ErrorKind::WriteFailure)),
            ValueKind::Map | ValueKind::Seq => {
                let text = serde_json::to_string(value)
                    .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
                output.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure))
            }
            _ => minijinja::escape_formatter(output, state, value),
        });
        Renderer { engine, names, context: minijinja::Value::from(Serde(names.tree())) }
    }

    /// The task with every text and key rendered. A template that fails stays as it is, and its problem is noted.
    pub(crate) fn task(&self, task: &Value, place: &Place<'_>) -> Value {
        let Value::Object(members) = task else { return task.clone() };
        let render = |(key, value): (&String, &Value)| {
            let rendered = if VERBATIM.contains(&key.as_str()) {
                value.clone()
            } else {
                self.value(value, &place.at(key))
            };
            (key.clone(), rendered)
        };
        Value::Object(members.iter().map(render).collect())
    }

    fn value(&self, value: &Value, place: &Place<'_>) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text, place.pointer(), place)),
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.value(item, &place.item(index))).collect()
            }
            Value::Object(map) => Value::Object(self.map(map, place)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn map(&self, map: &Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut rendered = Map::new();
        for (key, value) in map {
            let name = self.text(key, place.at(key).pointer(), place);
            if rendered.contains_key(&name) {
                place.at(key).wrong(format!("two keys are `{name}` once rendered"));
            }
            rendered.insert(name, self.value(value, &place.at(key)));
        }
        rendered
    }

    fn text(&self, text: &str, pointer: &str, place: &Place<'_>) -> String {
        if !has_template(text) && !text.contains("{#") {
            return text.to_owned();
        }
        match self.render(text) {
            Ok(rendered) => rendered,
            Err(problems) => {
                for problem in problems {
                    place.note(
                        Problem { pointer: pointer.to_owned(), ..problem }.found(shortened(&text.into())),
                    );
                }
                text.to_owned()
            }
        }
    }

    fn render(&self, text: &str) -> Result<String, Vec<Problem>> {
        // `{#` begins a comment in the engine but stands in shell texts as well (`${#name}`); only a text with a template is rendered
        if !has_template(text) {
            return Ok(text.to_owned());
        }
        tags::check(text).map_err(|error| vec![Problem::new("", error.to_string())])?;
        let guarded = text.replace("{#", "{{ '{#' }}");
        let (body, line_break) = match guarded.strip_suffix('\n') {
            Some(body) => (body, "\n"),
            None => (guarded.as_str(), ""),
        };
        let template = self.engine.template_from_str(body).map_err(|error| vec![failed(&error)])?;
        let used: BTreeSet<String> = template.undeclared_variables(true).into_iter().collect();
        let refused: Vec<Problem> = used.iter().filter_map(|name| self.refused(name)).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        template
            .render(self.context.clone())
            .map(|rendered| rendered + line_break)
            .map_err(|error| self.explain(&error, &used))
    }

    /// The name is one of Kestra's that a run cannot know, and nobody gave it a meaning.
    fn refused(&self, name: &str) -> Option<Problem> {
        let is_under = |refused: &str| {
            name == refused || name.strip_prefix(refused).is_some_and(|rest| rest.starts_with('.'))
        };
        let (refused, instead) = REFUSED.iter().find(|(refused, _)| is_under(refused))?;
        Some(Problem::new("", format!("`{refused}` cannot be used in a template here; {instead}")))
    }

    fn explain(&self, error: &Error, used: &BTreeSet<String>) -> Vec<Problem> {
        if error.kind() != ErrorKind::UndefinedError {
            return vec![failed(error)];
        }
        let missing: Vec<Problem> = used
            .iter()
            .filter(|name| !self.names.has(name))
            .map(|name| {
                Problem::new("", format!("`{name}` is not defined")).accepted(self.names.beside(name))
            })
            .collect();
        if missing.is_empty() { vec![failed(error)] } else { missing }
    }
}

fn failed(error: &Error) -> Problem {
    let detail = error.detail().map(str::to_owned).unwrap_or_else(|| error.kind().to_string());
    let line =
        error.line().filter(|line| *line > 1).map(|line| format!(" in line {line}")).unwrap_or_default();
    Problem::new("", format!("the template cannot be rendered{line}: {detail}"))
}
