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

# The Python package: form, types, tests on a local stack and in an Airflow of its own
python:
    cargo build --workspace --bins --locked
    LONGSHORE_PROGRAMS="${CARGO_TARGET_DIR:-target}/debug" infra/python/check "${CARGO_TARGET_DIR:-target}/python"

# A million steps of the functions in simulated worlds, with everything that can go wrong
simulate:
    LONGSHORE_STEPS=1000000 cargo test --package longshore-tests --test simulation --locked -- --exact every_promise_holds --nocapture

# The schedule of a seed, step by step: `just replay 17`
replay seed:
    LONGSHORE_SEED={{ seed }} cargo test --package longshore-tests --test simulation --locked -- --exact every_promise_holds --nocapture

# 300 runs at a time on the local stack: functions killed at random and at every named point, messages twice, a cap and an outage
storm runs="300":
    LONGSHORE_STORM_RUNS={{ runs }} cargo test --package longshore-tests --test storm --locked -- --nocapture

# Half an hour of mixed tasks and faults on the local stack, in which nothing may grow
soak minutes="30":
    LONGSHORE_SOAK_MINUTES={{ minutes }} cargo test --package longshore-tests --test storm --locked -- --ignored --nocapture

# Everything that reads foreign input under libFuzzer, so many seconds each: `just fuzz 600 archives`
fuzz seconds="60" target="":
    .ci/fuzz {{ seconds }} {{ target }}

# Every figure with its goal, in one table and in bench.json of the target directory; names choose some: `just bench submit poll`
bench *names:
    cargo bench --package longshore-tests --bench hops
    cargo bench --package longshore-tests --bench figures -- {{ names }}
    {{ if names == "" { "just bench-direct" } else { "" } }}
    cargo run --release --quiet --bin longshore -- cost --bench "${CARGO_TARGET_DIR:-target}/bench.json"

# Time per hop of a plain task on the local stack
bench-hops:
    cargo bench --package longshore-tests --bench hops

# What the embedded cluster can carry: creates a second, memory, lists, watches
bench-cluster:
    cargo bench --package longshore-cluster --bench scale

# Time of `longshore render` as a process
bench-render:
    cargo build --release --package longshore-cli
    cargo bench --package longshore-tests --bench render

# Write the pages of docs/ that are made from the code
docs:
    LONGSHORE_WRITE_DOCS=1 cargo test --package longshore-tests --test it -- rules::causes rules::properties

# The static helper for this machine, in target/helper/: a directory that `longshore up --image longshore-helper=target/helper` takes
helper:
    RUSTFLAGS="-C target-feature=+crt-static" cargo build --package longshore-helper --profile helper --target x86_64-unknown-linux-gnu
    mkdir -p target/helper
    cp "${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/helper/longshore-helper" target/helper/

# 1 GiB out and in by the helper, against a multipart upload and a download by the SDK
bench-direct: helper
    cargo bench --package longshore-tests --bench direct

# Licences, advisories, banned crates, sources
deny:
    cargo deny check

# A bill of materials (CycloneDX 1.5) for each function and the command, in target/sbom; needs cargo-cyclonedx
sbom:
    .ci/sbom

# template.yaml by cfn-lint
lint-template:
    .ci/lint-template

# The functions as Lambda packages, for arm64 or x86_64; sizes and glibc are checked
package architecture="arm64":
    .ci/package {{architecture}}

# Start the local stack
up:
    cargo run --bin longshore -- up

# End the local stack
down:
    cargo run --bin longshore -- down
