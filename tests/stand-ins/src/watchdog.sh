#!/usr/bin/env bash
# Runs a server that several test processes share, and ends it when nobody has used it for a while.
# usage: watchdog.sh STATE DIRECTORY SIGNAL IDLE COMMAND...      standard input: the file that users lock
# A user has a shared lock on that file while it lives. The kernel drops the lock however the user ends, so there is no
# counter that could be wrong. This script is not in the runner's process group, so it also cleans up after an interrupted
# run: after IDLE half seconds without a user, everything is removed.
set -u
state=$1 directory=$2 signal=$3 idle_max=$4
shift 4
trap '' HUP INT
"$@" </dev/null &
server=$!
idle=0
while kill -0 "$server" 2>/dev/null; do
  sleep 0.5
  if ! flock --nonblock --exclusive 0; then
    idle=0
    continue
  fi
  idle=$((idle + 1))
  [ "$idle" -ge "$idle_max" ] && break # still locked, so that nobody can join between this decision and the end
  flock --unlock 0
done
rm -f "$state"
kill -s "$signal" "$server" 2>/dev/null
for _ in $(seq 100); do
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
rm -rf "$directory"
kill -s KILL 0 # remaining processes of the server, and this script
