//! `namespaceFiles`: files that all tasks of an author's namespace share; they lie in the bucket under `config/namespaces/<namespace>/files/`.

use serde::{Deserialize, Serialize};

use super::catalogue::NAMESPACE_FILES;
use super::fields::Fields;
use super::glob;

/// Which files of which namespaces go into the working directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceFiles {
    /// The namespaces, in order: of two files with the same path that of the later namespace counts.
    pub namespaces: Vec<String>,
    /// Globs of paths below the namespace's folder; none selects every file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Globs of files that stay away even if they are included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

/// The files that the task asks for; `None` when it asks for none. Without `namespaces` the list is empty and the flow's own namespace is meant.
pub(crate) fn read(task: &Fields<'_>) -> Option<NamespaceFiles> {
    let fields = task.nested("namespaceFiles")?;
    fields.only(&NAMESPACE_FILES);
    let files = NamespaceFiles {
        namespaces: namespaces(&fields),
        include: globs(&fields, "include"),
        exclude: globs(&fields, "exclude"),
    };
    fields.flag("enabled").unwrap_or(true).then_some(files)
}

/// A namespace is a folder of the bucket: letters, digits, `.`, `_` and `-`.
pub(crate) fn is_namespace(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'))
}

fn namespaces(fields: &Fields<'_>) -> Vec<String> {
    let place = fields.place.at("namespaces");
    let written = fields.texts("namespaces").unwrap_or_default();
    for (index, name) in written.iter().enumerate() {
        if !place.is_open(name) && !is_namespace(name) {
            place.item(index).refuse(
                &name.as_str().into(),
                "is no namespace",
                "A-Z a-z 0-9 . _ -, beginning with a letter or digit",
            );
        }
    }
    written
}

/// As in Kestra, a glob that begins with a letter, digit or `_` matches at any depth: `a.sql` selects `queries/a.sql` too. A leading `/` keeps it at the
/// top.
fn globs(fields: &Fields<'_>, key: &str) -> Vec<String> {
    let place = fields.place.at(key);
    let mut globs = Vec::new();
    for (index, written) in fields.texts(key).unwrap_or_default().into_iter().enumerate() {
        if place.is_open(&written) {
            continue;
        }
        let anywhere = written.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
        match glob::normalise(&written) {
            Ok(pattern) if anywhere => globs.push(format!("**/{pattern}")),
            Ok(pattern) => globs.push(pattern),
            Err(error) => place.item(index).refuse(
                &written.as_str().into(),
                format!("`{written}` {error}"),
                "a glob of paths below the namespace's folder, such as *.sql or queries/**",
            ),
        }
    }
    globs
}
