//! The functions' programs: found in a directory, or built.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::{FunctionBuild, Profile, Progress, StackError, tail};

/// The functions of `template.yaml`: their programs are called so, and their code is `target/lambda/NAME/` there.
pub const FUNCTIONS: [&str; 6] = ["submit", "poll", "collect", "cancel", "notify", "trigger"];

/// The program of one function.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub function: &'static str,
    pub path: PathBuf,
}

/// The functions' programs, built if that is what the choice says.
pub(crate) async fn programs(
    choice: &FunctionBuild,
    workspace: &Path,
    progress: &impl Fn(Progress),
) -> Result<Vec<Program>, StackError> {
    let built = match choice {
        FunctionBuild::Directory(directory) => {
            FUNCTIONS.iter().map(|name| ((*name).to_owned(), directory.join(name))).collect()
        }
        FunctionBuild::Cargo(profile) => build(cargo(*profile, workspace), workspace, progress).await?,
    };
    FUNCTIONS
        .into_iter()
        .map(|function| match built.get(function) {
            Some(path) if path.is_file() => Ok(Program { function, path: path.clone() }),
            path => Err(StackError::FunctionMissing { function, path: path.cloned().unwrap_or_default() }),
        })
        .collect()
}

/// `cargo build` of the functions, with the user's own settings.
fn cargo(profile: Profile, workspace: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace).args(["build", "--message-format=json-render-diagnostics"]);
    for name in crate::cargo::variables_of_a_package() {
        command.env_remove(name);
    }
    if profile == Profile::Release {
        command.arg("--release");
    }
    for function in FUNCTIONS {
        // By program and not by package: cargo then takes the features of the whole workspace, and what was built for the command is not built again.
        command.arg(format!("--bin={function}"));
    }
    command
}

/// Cargo says itself where it put the programs, whatever its target directory is.
async fn build(
    mut cargo: Command,
    workspace: &Path,
    progress: &impl Fn(Progress),
) -> Result<BTreeMap<String, PathBuf>, StackError> {
    progress(Progress::BuildingFunctions { latest: None });
    let failed = |source| StackError::Start { program: "cargo".into(), source };
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (Some(messages), Some(human)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(failed(std::io::Error::other("its output is not connected")));
    };
    let (programs, said) = tokio::join!(read_messages(messages), read_human(human, progress));
    if child.wait().await.map_err(failed)?.success() {
        Ok(programs)
    } else {
        Err(StackError::Build { workspace: workspace.to_path_buf(), said: tail::of(&said) })
    }
}

async fn read_messages(stream: impl tokio::io::AsyncRead + Unpin) -> BTreeMap<String, PathBuf> {
    let mut programs = BTreeMap::new();
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        programs.extend(program_in(&line));
    }
    programs
}

/// The program that one of cargo's messages tells of.
fn program_in(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let path = message.get("executable")?.as_str()?;
    let name = message.pointer("/target/name")?.as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}

async fn read_human(stream: impl tokio::io::AsyncRead + Unpin, progress: &impl Fn(Progress)) -> String {
    let mut said = String::new();
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let latest = line.trim();
        if ["Compiling", "Building", "Blocking"].iter().any(|verb| latest.starts_with(verb)) {
            progress(Progress::BuildingFunctions { latest: Some(latest.to_owned()) });
        }
        said.push_str(&line);
        said.push('\n');
    }
    said
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use std::process::Command;
    use std::sync::Mutex;

    use super::{FUNCTIONS, build, cargo, program_in, programs};
    use crate::{FunctionBuild, Profile, Progress, StackError};

    /// A workspace with the functions' packages, all with the same `main.rs`.
    fn workspace(main: &str) -> tempfile::TempDir {
        let workspace = tempfile::tempdir().unwrap();
        let write = |path: String, text: String| {
            let path = workspace.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Cargo.toml".into(), "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n".into());
        for name in FUNCTIONS {
            let package = format!("[package]\nname = \"longshore-{name}\"\nedition = \"2024\"\n");
            write(
                format!("{name}/Cargo.toml"),
                format!("{package}[[bin]]\nname = \"{name}\"\npath = \"main.rs\"\n"),
            );
            write(format!("{name}/main.rs"), main.to_owned());
        }
        workspace
    }

    /// Whoever runs the tests may have a target directory where the real functions are.
    fn cargo_of_its_own(workspace: &Path) -> tokio::process::Command {
        let mut command = cargo(Profile::Debug, workspace);
        command
            .arg("--offline")
            .env_remove("CARGO_BUILD_TARGET")
            .env("CARGO_TARGET_DIR", workspace.join("elsewhere"));
        command
    }

    #[tokio::test]
    async fn the_functions_are_built_and_found_in_cargos_target_directory() {
        let workspace = workspace("fn main() { print!(\"built\"); }");
        let steps = Mutex::new(Vec::new());
        let progress = |step| steps.lock().unwrap().push(step);
        let programs = build(cargo_of_its_own(workspace.path()), workspace.path(), &progress).await.unwrap();
        for name in FUNCTIONS {
            assert_eq!(programs[name], workspace.path().join("elsewhere/debug").join(name));
            assert_eq!(Command::new(&programs[name]).output().unwrap().stdout, b"built");
        }
        let told = steps.into_inner().unwrap();
        let compiling = |step: &Progress| step.to_string().contains("Compiling longshore-poll");
        assert!(told.iter().any(compiling), "{told:?}");
    }

    #[tokio::test]
    async fn a_function_that_does_not_compile_is_told_with_the_compilers_words() {
        let workspace = workspace("fn main() { nonsense(); }");
        let built = build(cargo_of_its_own(workspace.path()), workspace.path(), &|_| ()).await;
        let error = built.unwrap_err().to_string();
        assert!(error.contains("cannot find function `nonsense`"), "{error}");
    }

    #[test]
    fn a_program_is_where_cargos_message_says() {
        let line = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"poll"},"executable":"/t/release/poll"}"#;
        assert_eq!(program_in(line), Some(("poll".to_owned(), Path::new("/t/release/poll").to_path_buf())));
        assert_eq!(
            program_in(r#"{"reason":"compiler-artifact","target":{"name":"shared"},"executable":null}"#),
            None
        );
        assert_eq!(program_in("warning: text"), None);
    }

    #[tokio::test]
    async fn a_function_that_is_not_in_the_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        for name in FUNCTIONS.into_iter().filter(|name| *name != "collect") {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        let choice = FunctionBuild::Directory(directory.path().to_path_buf());
        let error = programs(&choice, Path::new("."), &|_| ()).await.unwrap_err();
        assert!(matches!(error, StackError::FunctionMissing { function: "collect", .. }), "{error}");
    }
}
