#!/usr/bin/env bash
# Every check, in the order that fails fastest; ends with the test runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."
# Everything in the lock file, so that licences of other platforms' crates are checked as well.
cargo fetch --quiet --locked
deploy/local/deny.sh
cargo fmt --all --check
export RUSTDOCFLAGS="-D warnings"
if [ -n "${CI:-}" ]; then
  # Every build here is from nothing. So the lints look at what the tests are built from, and the documentation as well: `cargo
  # clippy` and `cargo doc` would check every dependency a second time, a sixth of the whole run. `cargo clippy` sets the same
  # wrapper. What a second build would save costs only time.
  driver=$(dirname "$(command -v cargo-clippy)")/clippy-driver
  export CARGO_INCREMENTAL=0 RUSTC_WORKSPACE_WRAPPER=$driver RUSTFLAGS="-D warnings"
  cargo build --locked --no-default-features -p reelgate
  cargo build --locked --workspace --all-targets
  RUSTDOC=$PWD/tests/rustdoc.sh cargo test --quiet --doc --locked --workspace
else
  cargo clippy --locked --workspace --all-targets -- -D warnings
  cargo clippy --locked --no-default-features -p reelgate -- -D warnings
  cargo doc --quiet --locked --workspace --no-deps
fi
# Builds the binaries that the end-to-end tests drive as well, engine and worker side by side.
tests/nextest.sh --locked --workspace --no-fail-fast
