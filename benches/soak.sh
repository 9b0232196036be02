#!/usr/bin/env bash
# An idle `serve` for MINUTES (default 10): memory, open files and connections at its start and at its end.
# The database is the one of REELGATE__STORE__URL, or SQLite in a directory of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-10}
home=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$home"' EXIT
target/release/reelgate serve --home "$home" --listen 127.0.0.1:0 --log error 2>/dev/null &
pid=$!
measure() {
  local rss files sockets
  rss=$(awk '/VmRSS/ {print $2}' "/proc/$pid/status")
  files=$(ls "/proc/$pid/fd" | wc -l)
  sockets=$(find "/proc/$pid/fd" -lname 'socket:*' | wc -l)
  echo "$1: $rss KiB resident, $files open files, $sockets of them sockets, $(ls "/proc/$pid/task" | wc -l) threads"
}
sleep 30 # the self-test is over and every timer has fired
measure "after 30 s"
sleep $((minutes * 60))
measure "after $minutes min"
