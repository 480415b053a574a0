//! Where things stand in the text that was sent: line and column of each problem.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::place::join;
use super::problem::{Problem, Problems};

/// The text of a submission, and where each value stands in it. In an envelope whose task is a text, the lines of the document are those of that text.
#[derive(Clone, Debug)]
pub struct Source {
    outer: Text,
    /// The text under `task` of an envelope.
    task: Option<Text>,
}

#[derive(Clone, Debug)]
struct Text {
    lines: Vec<String>,
    marks: HashMap<String, Marks>,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
struct Marks {
    /// Its name; for an element of a list, itself.
    name: Mark,
    /// The value, when it is a scalar.
    scalar: Option<Mark>,
}

/// Line and column, both from 1; a column counts characters.
type Mark = (usize, usize);

const TASK: &str = "/task";

impl Source {
    /// Look through a text. One that is neither YAML nor JSON has marks up to where that shows.
    pub fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (outer, task) = Text::read(text);
        Source { outer, task: task.map(|text| Text::read(&text).0) }
    }

    /// Give each problem without a line the line and column that its pointer leads to, or that of the nearest place around it, and put them in that order.
    pub fn mark(&self, problems: &mut Problems) {
        for problem in problems.0.iter_mut().filter(|problem| problem.line.is_none()) {
            let (text, pointer) = self.text_of(&problem.pointer);
            if let Some((line, column)) = text.find(pointer, problem.found.is_some()) {
                (problem.line, problem.column) = (Some(line), Some(column));
            }
        }
        problems.0.sort_by_key(|problem| (problem.line, problem.column));
    }

    /// Line and column of the value that a pointer leads to, or of the nearest place around it.
    pub fn place(&self, pointer: &str) -> Option<(usize, usize)> {
        let (text, pointer) = self.text_of(pointer);
        text.find(pointer, true)
    }

    /// The line that a marked problem stands in.
    pub fn line(&self, problem: &Problem) -> Option<&str> {
        let (text, _) = self.text_of(&problem.pointer);
        text.lines.get(problem.line?.checked_sub(1)?).map(String::as_str)
    }

    fn text_of<'a>(&self, pointer: &'a str) -> (&Text, &'a str) {
        match (&self.task, pointer.strip_prefix(TASK)) {
            (Some(task), Some(rest)) if rest.is_empty() || rest.starts_with('/') => (task, rest),
            _ => (&self.outer, pointer),
        }
    }
}

/// A collection that is being read.
enum Open {
    Map { pointer: String, key: Option<(String, Mark)> },
    List { pointer: String, next: usize },
}

impl Text {
    /// The marks of a text, and the text under `/task` when there is one.
    fn read(text: &str) -> (Self, Option<String>) {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut marks = HashMap::new();
        let mut task = None;
        let mut open: Vec<Open> = Vec::new();
        // the reader that came before has refused what is too deep or too large
        for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
            match event {
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                }
                Event::Scalar(value, ..) if is_key(&open) => {
                    if let Some(Open::Map { key, .. }) = open.last_mut() {
                        *key = Some((value.into_owned(), start(span)));
                    }
                }
                Event::Scalar(value, style, ..) => {
                    let here = match style {
                        ScalarStyle::Literal | ScalarStyle::Folded => head(&lines, span),
                        _ => start(span),
                    };
                    let pointer = place(&mut open, &mut marks, here, true);
                    if pointer == TASK && value.contains(['\n', ':']) {
                        task = Some(value.into_owned());
                    }
                }
                Event::Alias(..) if !is_key(&open) => {
                    place(&mut open, &mut marks, start(span), false);
                }
                Event::MappingStart(..) => {
                    let pointer = place(&mut open, &mut marks, start(span), false);
                    open.push(Open::Map { pointer, key: None });
                }
                Event::SequenceStart(..) => {
                    let pointer = place(&mut open, &mut marks, start(span), false);
                    open.push(Open::List { pointer, next: 0 });
                }
                Event::DocumentEnd => break,
                _ => {}
            }
        }
        (Text { lines, marks }, task)
    }

    /// The place of a pointer, or of the nearest one above it.
    fn find(&self, pointer: &str, is_value: bool) -> Option<Mark> {
        if let Some(marks) = self.marks.get(pointer) {
            return Some(marks.scalar.filter(|_| is_value).unwrap_or(marks.name));
        }
        self.find(pointer.rsplit_once('/')?.0, false)
    }
}

fn is_key(open: &[Open]) -> bool {
    matches!(open.last(), Some(Open::Map { key: None, .. }))
}

/// Note the place of a value that begins here, and answer with its pointer.
fn place(open: &mut [Open], marks: &mut HashMap<String, Marks>, here: Mark, is_scalar: bool) -> String {
    let (pointer, name) = match open.last_mut() {
        None => (String::new(), here),
        Some(Open::List { pointer, next }) => {
            *next += 1;
            (join(pointer, &(*next - 1).to_string()), here)
        }
        Some(Open::Map { pointer, key }) => match key.take() {
            Some((key, name)) => (join(pointer, &key), name),
            // a key that is a collection; the reader refuses it
            None => (pointer.clone(), here),
        },
    };
    marks.insert(pointer.clone(), Marks { name, scalar: is_scalar.then_some(here) });
    pointer
}

/// The `|` or `>` of a block: its span begins with its first line, which stands below.
fn head(lines: &[String], span: Span) -> Mark {
    let above = lines.iter().enumerate().take(span.start.line().saturating_sub(1));
    let head = above.rev().find(|(_, line)| !line.trim().is_empty());
    match head.and_then(|(index, line)| Some((index, line.rfind(['|', '>'])?, line))) {
        Some((index, byte, line)) => {
            let before = line.char_indices().take_while(|(at, _)| *at < byte).count();
            (index + 1, before + 1)
        }
        None => start(span),
    }
}

fn start(span: Span) -> Mark {
    (span.start.line(), span.start.col() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(text: &str, pointer: &str, found: bool) -> Option<(usize, usize, String)> {
        let problem = Problem::new(pointer, "is wrong");
        let mut problems = Problems(vec![if found { problem.found("x") } else { problem }]);
        let source = Source::of(text.as_bytes());
        source.mark(&mut problems);
        let problem = problems.0.first()?;
        Some((problem.line?, problem.column?, source.line(problem)?.to_owned()))
    }

    #[test]
    fn a_pointer_leads_to_its_line() {
        let text = "id: a\nenv:\n  ONE: 1\n  'two/three': 2\ncommands:\n- first\n- \"second\"\nflow: {a: [1, {b: c}]}\n";
        for (pointer, found, line, column) in [
            ("", false, 1, 1),
            ("/id", false, 1, 1),
            ("/id", true, 1, 5),
            ("/env", true, 2, 1),
            ("/env/ONE", true, 3, 8),
            ("/env/two~1three", false, 4, 3),
            ("/commands/0", true, 6, 3),
            ("/commands/1", true, 7, 3),
            ("/flow/a/1/b", true, 8, 19),
            ("/flow/a/1/nothing", false, 8, 15),
            ("/absent", false, 1, 1),
        ] {
            let (at_line, at_column, words) = marked(text, pointer, found).unwrap();
            assert_eq!((at_line, at_column), (line, column), "{pointer}");
            assert_eq!(Some(words.as_str()), text.lines().nth(line - 1), "{pointer}");
        }
    }

    #[test]
    fn a_block_of_text_stands_where_its_mark_does() {
        let text = "script: |\n\n  print()\nlist:\n- |-\n  one\n- >\n  two\nid: 5\n";
        for (pointer, line, column) in
            [("/script", 1, 9), ("/list/0", 5, 3), ("/list/1", 7, 3), ("/id", 9, 5)]
        {
            let (at_line, at_column, _) = marked(text, pointer, true).unwrap();
            assert_eq!((at_line, at_column), (line, column), "{pointer}");
        }
    }

    #[test]
    fn json_has_lines_too() {
        let text = "{\n\t\"id\": \"a\",\n\t\"commands\": [\n\t\t\"x\",\n\t\t5 ]\n}";
        assert_eq!(marked(text, "/commands/1", true), Some((5, 3, "\t\t5 ]".to_owned())));
    }

    #[test]
    fn the_lines_of_a_task_that_is_a_text_are_its_own() {
        let text = "{\"task\": \"id: a\\ntype: t\\ncomands: []\", \"runId\": 7}";
        assert_eq!(marked(text, "/task/comands", false), Some((3, 1, "comands: []".to_owned())));
        assert_eq!(marked(text, "/runId", true).unwrap().0, 1);
        let text = "runId: r\ntask: |\n  id: a\n  env: 5\n";
        assert_eq!(marked(text, "/task/env", true), Some((2, 6, "env: 5".to_owned())));
    }

    #[test]
    fn what_an_alias_stands_for_is_placed_at_the_alias() {
        let text = "base: &base {a: 1}\nenv: *base\nall:\n  <<: *base\n  b: 2\n";
        assert_eq!(marked(text, "/env/a", true).unwrap().0, 2);
        assert_eq!(marked(text, "/all/a", true).unwrap().0, 3);
        assert_eq!(marked(text, "/all/b", true).unwrap().0, 5);
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_looked_through(text in "[\\[\\]{}a:\\-\\n &*!|>'\"#%,0-9.]{0,80}", pointer in "(/[a-z0-9]{0,3}){0,3}") {
            let _ = marked(&text, &pointer, true);
        }
    }
}
