//! Running cargo from a program that cargo itself has started.

use std::ffi::OsString;

/// Names of the variables by which a cargo tells the program it runs about that program's package. A cargo run by that program must not see them: build
/// scripts that watch them would run again, and with them everything that depends on their crates.
pub fn variables_of_a_package() -> Vec<OsString> {
    let is_one = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || matches!(name.as_ref(), "CARGO_CRATE_NAME" | "CARGO_BIN_NAME" | "CARGO_PRIMARY_PACKAGE")
    };
    std::env::vars_os().map(|(name, _)| name).filter(is_one).collect()
}
