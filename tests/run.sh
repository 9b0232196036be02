#!/usr/bin/env bash
# Every check, in the order that fails fastest; ends with the test runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."
# Everything in the lock file, so that licences of other platforms' crates are checked as well.
cargo fetch --quiet --locked
deploy/local/deny.sh
cargo fmt --all --check
cargo clippy --locked --workspace --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --workspace --no-deps
# Where set-up found no Python for LocalStack, its tests are skipped: by name, never passed.
chosen=()
home=${REELGATE_STAND_INS:-${XDG_CACHE_HOME:-$HOME/.cache}/reelgate-stand-ins}
if [ -e "$home/localstack.missing" ]; then
  chosen=(-E 'not test(on_localstack)')
  cargo nextest list --locked --workspace -E 'test(on_localstack)' --message-format oneline |
    sed "s/.*/skipped: & ($(cat "$home/localstack.missing"))/"
fi
# Builds the binaries that the end-to-end tests drive as well, engine and worker side by side.
cargo nextest run --locked --workspace --no-fail-fast "${chosen[@]}"
