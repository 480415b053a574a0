//! A pod as YAML, with the layer of each field at the end of its line.

use std::collections::BTreeMap;

use shared::pod::explain::Explained;
use shared::spec::source::Source;

use crate::paint::Paint;
use crate::yaml;

/// Column of the comments, at most: one long line does not move all others.
const MOST: usize = 72;

/// The pod with a comment on each line that holds a value. It is still the same YAML.
pub fn annotated(explained: &Explained, paint: Paint) -> String {
    let text = yaml::to_string(&explained.pod);
    let source = Source::of(text.as_bytes());
    let of_line: BTreeMap<usize, &str> = explained
        .origins
        .iter()
        .filter_map(|(pointer, origin)| Some((source.place(pointer)?.0, origin.as_str())))
        .collect();
    let width = |line: &str| line.chars().count();
    let column = text.lines().map(width).filter(|width| *width <= MOST).max().unwrap_or(0);
    let mut annotated = String::with_capacity(text.len() * 2);
    for (index, line) in text.lines().enumerate() {
        annotated.push_str(line);
        if let Some(origin) = of_line.get(&(index + 1)) {
            let gap = " ".repeat(column.saturating_sub(width(line)) + 2);
            annotated.push_str(&format!("{gap}{}", coloured(origin, paint)));
        }
        annotated.push('\n');
    }
    annotated
}

/// What the author wrote stands out; what Longshore adds may be overlooked.
fn coloured(origin: &str, paint: Paint) -> String {
    let comment = format!("# {origin}");
    match origin {
        shared::pod::explain::SYSTEM => paint.dim(&comment),
        shared::pod::explain::GENERATED => paint.yellow(&comment),
        _ => paint.green(&comment),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_line_with_a_value_tells_its_layer() {
        let pod = json!({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "main", "command": ["sh", "a\nb\n"], "env": []}]}});
        let origins = [
            ("/metadata/name", "system"),
            ("/spec/containers/0/name", "generated"),
            ("/spec/containers/0/command/0", "generated"),
            ("/spec/containers/0/command/1", "generated"),
            ("/spec/containers/0/env", "taskRunner.containerSpec"),
        ];
        let origins =
            origins.into_iter().map(|(pointer, origin)| (pointer.to_owned(), origin.to_owned())).collect();
        let text = annotated(&Explained { pod: pod.clone(), origins }, Paint::PLAIN);
        insta::assert_snapshot!(text, @r"
        metadata:
          name: x       # system
        spec:
          containers:
          - name: main  # generated
            command:
            - sh        # generated
            - |         # generated
              a
              b
            env: []     # taskRunner.containerSpec
        ");
        assert_eq!(serde_saphyr::from_str::<serde_json::Value>(&text).unwrap(), pod);
    }
}
