//! A function's program as the archive that Lambda takes.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use zip::CompressionMethod;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::functions::Program;
use crate::{StackError, clock};

/// How long a package is kept that nobody has used; making it again takes a second.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A function, packaged.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub function: &'static str,
    /// Name of the archive, with a fingerprint of the program in it.
    pub name: String,
    pub path: PathBuf,
}

/// Packages a program, unless that very program has been packaged before.
pub(crate) fn package(program: &Program, cache: &Path) -> Result<Package, StackError> {
    let directory = cache.join("packages");
    std::fs::create_dir_all(&directory).map_err(StackError::file("make", &directory))?;
    let function = program.function;
    let fingerprint = fingerprint(&program.path).map_err(StackError::file("read", &program.path))?;
    let name = format!("{function}-{fingerprint}.zip");
    let path = directory.join(&name);
    if path.is_file() {
        touch(&path).map_err(StackError::file("touch", &path))?;
    } else {
        let incomplete = directory.join(format!("{name}.{}", std::process::id()));
        write(&program.path, &incomplete).map_err(|source| StackError::Package { function, source })?;
        remove_old(&directory);
        std::fs::rename(&incomplete, &path).map_err(StackError::file("rename", incomplete))?;
    }
    Ok(Package { function, name, path })
}

/// 16 hex digits for the file as it is now: where, how long, and when it was written. Reading a debug build of 80 MB
/// through SHA-256 would take longer than everything else.
fn fingerprint(program: &Path) -> io::Result<String> {
    let metadata = program.metadata()?;
    let mut hasher = Sha256::new();
    hasher.update(program.as_os_str().as_bytes());
    let written = (metadata.mtime(), metadata.mtime_nsec(), metadata.ino());
    hasher.update(format!("\0{} {written:?}", metadata.len()));
    Ok(hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

fn write(program: &Path, archive: &Path) -> Result<(), ZipError> {
    let mut writer = ZipWriter::new(File::create(archive)?);
    let options = SimpleFileOptions::default()
        // It travels to this machine only: compressing it would be the longest step of bringing up a stack.
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o755);
    writer.start_file("bootstrap", options)?;
    io::copy(&mut File::open(program)?, &mut writer)?;
    writer.finish()?.flush()?;
    Ok(())
}

/// Says that the package is in use.
fn touch(package: &Path) -> io::Result<()> {
    File::options().write(true).open(package)?.set_modified(clock::now().into())
}

/// Packages of earlier builds. Young ones stay: another stack may be about to upload them.
fn remove_old(directory: &Path) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let age =
            entry.metadata().and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
        if matches!(age, Ok(Ok(age)) if age > KEPT_FOR) {
            // What cannot be removed now is removed by a later build.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;
    use std::os::unix::fs::MetadataExt as _;
    use std::time::SystemTime;

    use super::{Program, package};

    #[test]
    fn a_program_is_packaged_once_and_again_when_it_has_changed() {
        let directory = tempfile::tempdir().unwrap();
        let program = Program { function: "poll", path: directory.path().join("poll") };
        std::fs::write(&program.path, "first").unwrap();
        let first = package(&program, directory.path()).unwrap();
        let month_old = SystemTime::from(crate::clock::now()) - super::KEPT_FOR * 30;
        let age = || File::options().write(true).open(&first.path).unwrap().set_modified(month_old).unwrap();
        let file = first.path.metadata().unwrap().ino();
        age();
        let again = package(&program, directory.path()).unwrap();
        assert_eq!(again.name, first.name);
        assert_eq!(again.path.metadata().unwrap().ino(), file);
        assert!(again.path.metadata().unwrap().modified().unwrap() > month_old, "it does not count as used");

        std::fs::write(&program.path, "second").unwrap();
        age();
        let second = package(&program, directory.path()).unwrap();
        assert_ne!(second.name, first.name);
        assert!(!first.path.exists(), "an old package stays");
        let mut archive = zip::ZipArchive::new(File::open(&second.path).unwrap()).unwrap();
        let mut entry = archive.by_name("bootstrap").unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        assert_eq!(content, "second");
    }
}
