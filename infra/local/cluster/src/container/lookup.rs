//! Finding the program of a command, and the words when there is none.

use super::Refusal;
use super::spec::Program;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The file of a program: as it is when it has a slash, else the first executable of that name on the `PATH`.
pub fn find(name: &str, environment: &[(String, String)]) -> Result<PathBuf, Refusal> {
    if name.contains('/') {
        let path = PathBuf::from(name);
        return match path.metadata() {
            Ok(_) if is_executable(&path) => Ok(path),
            Ok(_) => Err(Refusal(format!("exec: \"{name}\": permission denied"))),
            Err(error) => Err(Refusal(format!("exec: \"{name}\": stat {name}: {}", words(&error)))),
        };
    }
    let path = environment.iter().rev().find(|(key, _)| key == "PATH").map_or("", |(_, value)| value);
    path.split(':')
        .filter(|directory| !directory.is_empty())
        .map(|directory| Path::new(directory).join(name))
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| Refusal(format!("exec: \"{name}\": executable file not found in $PATH")))
}

/// The words for a program that was found and could not be executed.
pub fn refused(program: &Program, error: &io::Error) -> Refusal {
    let name = program.command.first().map_or("", String::as_str);
    Refusal(format!("exec {name}: {}", words(error)))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// The system's words without the number, in lower case as runtimes write them.
fn words(error: &io::Error) -> String {
    match error.raw_os_error().map(nix::errno::Errno::from_raw) {
        Some(errno) => errno.desc().to_lowercase(),
        None => error.to_string(),
    }
}
