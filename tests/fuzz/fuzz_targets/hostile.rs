//! One program for all targets: which one it is, `LONGSHORE_TARGET` says.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<String> = LazyLock::new(|| {
    std::env::var("LONGSHORE_TARGET").expect("`LONGSHORE_TARGET` is the name of a folder of `tests/fuzz/corpus`")
});

fuzz_target!(|bytes: &[u8]| fixtures::hostile::run(&TARGET, bytes));
