#!/usr/bin/env bash
# The minute before a commit: format, lints, house rules, and the tests that need no server, no media and no second process.
set -euo pipefail
cd "$(dirname "$0")/.."
deploy/local/deny.sh
cargo fmt --all --check
cargo nextest run --locked -p reelgate-tidy
cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
# Unit tests of the pure rooms and of the shells.
tests/nextest.sh --locked -p reelgate-flow -p reelgate-privacy -p reelgate-ports -p reelgate-pipelines -p reelgate-actors --lib
