#!/usr/bin/env bash
# `cargo nextest run` with the given arguments, except -E. Tests whose name or module begins with `shared_` read data that is not in
# the repository: the folder REELGATE_SHARED, otherwise ../shared. Where it is missing, they are left out and named as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${REELGATE_SHARED:-../shared}
needs_shared='test(/(^|::)shared_/)'
if [ -d "$shared/media" ] && [ -d "$shared/privacy" ]; then
  # Tests run in the folders of their crates.
  REELGATE_SHARED=$(realpath "$shared") exec cargo nextest run "$@"
fi
selection=()
for argument in "$@"; do
  case $argument in --no-fail-fast) ;; *) selection+=("$argument") ;; esac
done
echo "skipped: these tests need $shared (REELGATE_SHARED names another folder):"
cargo nextest list "${selection[@]}" --message-format oneline -E "$needs_shared" | sed 's/^/skipped:   /'
exec cargo nextest run "$@" -E "not $needs_shared"
