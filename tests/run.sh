#!/usr/bin/env bash
# Every check, in the order that fails fastest; ends with the test runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --release --locked --workspace --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --release --locked --workspace --no-deps
# Builds the binaries that the end-to-end tests drive as well, engine and worker side by side.
cargo nextest run --release --locked --workspace --no-fail-fast
