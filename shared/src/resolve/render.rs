//! Rendering the templates of a document.

use std::collections::BTreeSet;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value};

use super::names::Names;
use super::{bounds, tags};
use crate::spec::dialect::Dialect;
use crate::spec::place::{Place, has_template, shortened};
use crate::spec::problem::Problem;
use crate::spec::read::MAX_BYTES;

/// Most instructions of the engine for one text. A loop over a list takes about ten for each element.
pub const MAX_STEPS: u64 = 100_000;

/// Longest text that a template may make, in bytes: as much as a whole document may have.
pub const MAX_OUTPUT_BYTES: usize = MAX_BYTES;

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
        engine.set_fuel(Some(MAX_STEPS));
        bounds::install(&mut engine);
        engine.set_formatter(|output, state, value| match value.kind() {
            // a null is nothing; lists and maps are JSON, which a program can read
            ValueKind::None => Ok(()),
            ValueKind::Bool => output
                .write_str(if value.is_true() { "true" } else { "false" })
                .map_err(|_| Error::from(ErrorKind::WriteFailure)),
            ValueKind::Map | ValueKind::Seq => {
                bounds::printable(value)?;
                let text = serde_json::to_string(value)
                    .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
                output.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure))
            }
            _ => {
                bounds::printable(value)?;
                minijinja::escape_formatter(output, state, value)
            }
        });
        if let Some(jinja) = names.jinja() {
            jinja.install(&mut engine);
        }
        Renderer { engine, names, context: minijinja::Value::from(Serde(names.tree())) }
    }

    /// The task with the texts and keys rendered that its dialect has as templates. A template that fails stays as it is, and its problem is noted.
    pub(crate) fn task(&self, task: &Value, dialect: Dialect, place: &Place<'_>) -> Value {
        let Value::Object(members) = task else { return task.clone() };
        let render = |(key, value): (&String, &Value)| {
            let rendered =
                if dialect.renders(key) { self.value(value, &place.at(key)) } else { value.clone() };
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

    /// The map with every text and key rendered.
    pub(crate) fn map(&self, map: &Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
        let mut rendered = Map::new();
        for (key, value) in map {
            let name = self.text(key, place.at(key).pointer(), place);
            if rendered.contains_key(&name) {
                place.at(key).wrong(format!("two keys are `{name}` once rendered"));
            }
            // what a token provider's task gives is known to that task only
            let is_foreign = key == "output" && place.pointer().ends_with("/oauthTokenProvider");
            let value = if is_foreign { value.clone() } else { self.value(value, &place.at(key)) };
            rendered.insert(name, value);
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
        let guarded = tags::bounded(&text.replace("{#", "{{ '{#' }}"));
        let guarded = guarded.map_err(|error| vec![Problem::new("", error.to_string())])?;
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
        let mut output = Output::default();
        let rendered = template.render_captured_to(self.context.clone(), &mut output).map(drop);
        if output.is_full {
            return Err(vec![Problem::new(
                "",
                format!("the template makes a text of more than {MAX_OUTPUT_BYTES} bytes"),
            )]);
        }
        rendered.map_err(|error| self.explain(&error, &used))?;
        String::from_utf8(output.bytes)
            .map(|rendered| rendered + line_break)
            .map_err(|_| vec![Problem::new("", "the template makes a text that is not UTF-8")])
    }

    /// The name is one of Kestra's that a run cannot know, and nobody gave it a meaning.
    fn refused(&self, name: &str) -> Option<Problem> {
        let is_under = |refused: &str| {
            name == refused || name.strip_prefix(refused).is_some_and(|rest| rest.starts_with('.'))
        };
        let (refused, instead) = self.names.refused().iter().find(|(refused, _)| is_under(refused))?;
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

/// The dotted names that the templates of a text use; none when it is no template that can be read.
pub(crate) fn names_in(text: &str) -> BTreeSet<String> {
    if tags::check(text).is_err() {
        return BTreeSet::new();
    }
    let engine = Environment::new();
    let Ok(guarded) = tags::bounded(&text.replace("{#", "{{ '{#' }}")) else { return BTreeSet::new() };
    let template = engine.template_from_str(&guarded);
    template.map(|template| template.undeclared_variables(true).into_iter().collect()).unwrap_or_default()
}

/// What a template has written.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    is_full: bool,
}

impl std::io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_OUTPUT_BYTES {
            self.is_full = true;
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn failed(error: &Error) -> Problem {
    if error.kind() == ErrorKind::OutOfFuel {
        return Problem::new("", format!("the template has not come to its end after {MAX_STEPS} steps"))
            .accepted("a template without long loops; work on lists belongs into the task");
    }
    let detail = error.detail().map(str::to_owned).unwrap_or_else(|| error.kind().to_string());
    let line =
        error.line().filter(|line| *line > 1).map(|line| format!(" in line {line}")).unwrap_or_default();
    Problem::new("", format!("the template cannot be rendered{line}: {detail}"))
}
