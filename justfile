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
    cargo test --workspace --locked

# The same by nextest, one process a test
nextest:
    cargo nextest run --workspace

# Time per hop of a plain task on the local stack
bench:
    cargo bench --package longshore-tests --bench hops

# Write the pages of docs/ that are made from the code
docs:
    LONGSHORE_WRITE_DOCS=1 cargo test --package longshore-tests --test it rules::causes

# Licences, advisories, banned crates, sources
deny:
    cargo deny check

# The functions as Lambda packages, for arm64
package:
    cargo lambda build --release --arm64 --output-format binary

# Start the local stack
up:
    cargo run --bin longshore -- up

# End the local stack
down:
    cargo run --bin longshore -- down
