#!/usr/bin/env bash
# Every check, in the order that fails fastest; ends with the test runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."
# Everything in the lock file, so that licences of other platforms' crates are checked as well.
cargo fetch --quiet --locked
deploy/local/deny.sh
cargo fmt --all --check
# Every build here is from nothing, so what a second build would save costs only time.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo clippy --locked --no-default-features -p reelgate -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --no-deps
# Builds the binaries that the end-to-end tests drive as well, engine and worker side by side.
tests/nextest.sh --locked --workspace --no-fail-fast
