#!/usr/bin/env bash
# Every check, in the order that fails fastest; ends with the test runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --release --locked --workspace --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --release --locked --workspace --no-deps
# The end-to-end tests drive the real binaries.
cargo build --release --locked --workspace --bins
cargo nextest run --release --locked --workspace --no-fail-fast
