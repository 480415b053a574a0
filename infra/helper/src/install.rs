//! A copy of this program where the other containers of the pod find it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::failure::Failure;

/// Copy this program. The copy appears whole or not at all.
///
/// # Errors
/// The disk's.
pub fn at(path: &Path) -> Result<(), Failure> {
    let own = std::env::current_exe().map_err(Failure::file("find", "/proc/self/exe"))?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Failure::file("make", parent))?;
    }
    let part = path.with_extension("part");
    fs::copy(&own, &part).map_err(Failure::file("write", &part))?;
    fs::set_permissions(&part, fs::Permissions::from_mode(0o555)).map_err(Failure::file("write", &part))?;
    fs::rename(&part, path).map_err(Failure::file("write", path))
}
