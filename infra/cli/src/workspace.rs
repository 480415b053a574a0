//! Where the deployment's description and the functions' sources are.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::exit::Failure;

/// The file that makes a folder the workspace.
const TEMPLATE: &str = "template.yaml";

/// The workspace: `LONGSHORE_WORKSPACE`, else the nearest ancestor of the current directory that is one, else the tree that this command was built from.
///
/// # Errors
/// When none of them holds a `template.yaml` and a `Cargo.toml`.
pub fn find(environment: &Environment, current: &Path) -> Result<PathBuf, Failure> {
    if let Some(told) = &environment.workspace {
        return match is_workspace(told) {
            true => Ok(told.clone()),
            false => Err(Failure::wrong(format!(
                "`LONGSHORE_WORKSPACE` is `{}`, which has no `{TEMPLATE}`",
                told.display()
            ))
            .remedy("set it to the folder of Longshore's sources")),
        };
    }
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    current
        .ancestors()
        .chain(built_from)
        .find(|folder| is_workspace(folder))
        .map(Path::to_path_buf)
        .ok_or_else(|| {
            Failure::wrong("cannot find Longshore's sources, from which the local stack is built")
                .remedy("go to the folder of Longshore's sources, or set `LONGSHORE_WORKSPACE` to it")
        })
}

fn is_workspace(folder: &Path) -> bool {
    folder.join(TEMPLATE).is_file()
        && folder.join("Cargo.toml").is_file()
        && folder.join("functions").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(TEMPLATE), "").unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
        std::fs::create_dir_all(folder.path().join("functions/deep")).unwrap();
        folder
    }

    #[test]
    fn an_ancestor_of_the_current_directory_is_found() {
        let folder = workspace();
        let found = find(&Environment::default(), &folder.path().join("functions/deep")).unwrap();
        assert_eq!(found, folder.path());
    }

    #[test]
    fn the_variable_wins_and_is_not_guessed_around_when_it_is_wrong() {
        let (told, current) = (workspace(), workspace());
        let environment = Environment { workspace: Some(told.path().into()), ..Environment::default() };
        assert_eq!(find(&environment, current.path()).unwrap(), told.path());

        let environment = Environment { workspace: Some("/nowhere".into()), ..Environment::default() };
        assert!(find(&environment, current.path()).unwrap_err().what.contains("`/nowhere`"));
    }
}
