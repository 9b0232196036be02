#!/usr/bin/env bash
# Takes the place of rustdoc in `cargo test --doc`: builds the documentation instead of running examples. The libraries are those of
# the build; `cargo doc` would check every dependency once more.
set -euo pipefail
arguments=(--out-dir "${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/doc")
while [ $# -gt 0 ]; do
  case $1 in
    --test) ;;
    --test-run-directory) shift ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
exec rustdoc "${arguments[@]}"
