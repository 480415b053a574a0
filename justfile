# Commands for working on Longshore; `just` lists them.

default:
    @just --list

# Format everything
fmt:
    cargo fmt --all

# Everything that can be said without running a test
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings

# All tests
test:
    cargo nextest run --workspace

# Licences, advisories, banned crates, sources
deny:
    cargo deny check

# The functions as Lambda packages, for arm64
package:
    cargo lambda build --release --arm64 --output-format binary

# Start the local stack
up:
    cargo run --package longshore-cli -- up

# End the local stack
down:
    cargo run --package longshore-cli -- down
