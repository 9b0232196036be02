#!/usr/bin/env bash
# `cargo nextest run` with the given arguments, except -E. Tests whose name or module begins with `shared_` read data that is not in
# the repository: the folder REELGATE_SHARED, otherwise ../shared. Those that begin with `focus_validator_` need FinOps' validator in
# a virtual environment, the folder REELGATE_FOCUS_VALIDATOR. Where these are missing, they are left out and named as skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
shared=${REELGATE_SHARED:-../shared}
left_out=
if [ -d "$shared/media" ] && [ -d "$shared/privacy" ]; then
  # Tests run in the folders of their crates.
  REELGATE_SHARED=$(realpath "$shared")
  export REELGATE_SHARED
else
  left_out='test(/(^|::)shared_/)'
fi
if [ ! -x "${REELGATE_FOCUS_VALIDATOR:-}/bin/focus-validator" ]; then
  left_out="${left_out:+$left_out | }test(/(^|::)focus_validator_/)"
fi
[ -n "$left_out" ] || exec cargo nextest run "$@"
selection=()
for argument in "$@"; do
  case $argument in --no-fail-fast) ;; *) selection+=("$argument") ;; esac
done
echo "skipped: these tests need $shared (REELGATE_SHARED names another folder), or FinOps' validator (REELGATE_FOCUS_VALIDATOR):"
cargo nextest list "${selection[@]}" --message-format oneline -E "$left_out" | sed 's/^/skipped:   /'
exec cargo nextest run "$@" -E "not ($left_out)"
