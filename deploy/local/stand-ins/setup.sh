#!/usr/bin/env bash
# Fetches the servers that stand in for AWS in tests, the players, and the linters of the stack, each once, into a cache of the
# user. Called by ../setup.sh; may be called by itself. `--with-benches` adds the S3 gateway of Ceph (needs root for apt-get).
# Everything is pinned: these emulators differ from one version to the next in what they get wrong.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${REELGATE_STAND_INS:-${XDG_CACHE_HOME:-$HOME/.cache}/reelgate-stand-ins}
mkdir -p "$home"
exec 9>"$home/setup.lock"
flock 9 # two checkouts may be set up at once

say() { echo "set-up: $*" >&2; }

# fetched NAME PINS...: true where NAME is there and was made from exactly these pins.
fetched() {
  local name=$1; shift
  [ "$(cat "$home/$name.made-from" 2>/dev/null)" = "$(cat "$@" | sha256sum)" ]
}
# made NAME PINS...: remembers what NAME was made from; last, so that half an installation is made again.
made() {
  local name=$1; shift
  cat "$@" | sha256sum >"$home/$name.made-from"
}
# quietly COMMAND...: shows what a command says only where it fails.
quietly() {
  if ! "$@" >"$home/setup.log" 2>&1; then
    tail -n 20 "$home/setup.log" >&2
    say "failed (its last lines are above): $1 ${2:-}"
    return 1
  fi
}
# Debian's own interpreter, whatever comes first on PATH: the pins are for its version.
python=/usr/bin/python3
# venv NAME: an empty environment; uv installs ten times faster than pip.
venv() {
  rm -rf "${home:?}/$1"
  if [ ! -x "$home/tools/bin/uv" ]; then
    quietly "$python" -m venv --clear "$home/tools"
    quietly "$home/tools/bin/pip" install -q --disable-pip-version-check uv==0.13.9
  fi
  quietly "$home/tools/bin/uv" venv -q --no-python-downloads -p "$python" "$home/$1"
}

if ! fetched kinesis-local "$here"/node/*.json; then
  say "fetching kinesis-local"
  rm -rf "$home/kinesis-local" && mkdir "$home/kinesis-local"
  cp "$here"/node/*.json "$home/kinesis-local/"
  quietly npm --prefix "$home/kinesis-local" ci --no-audit --no-fund
  made kinesis-local "$here"/node/*.json
fi

players=$here/../../../tests/players
if ! fetched players "$players"/package*.json; then
  say "fetching hls.js, Shaka Player and dash.js (260 MB unpacked)"
  rm -rf "$home/players" && mkdir "$home/players"
  cp "$players"/package*.json "$home/players/"
  quietly npm --prefix "$home/players" ci --no-audit --no-fund
  made players "$players"/package*.json
fi

if ! fetched ministack "$here/ministack-requirements.txt"; then
  say "fetching ministack"
  venv ministack
  quietly "$home/tools/bin/uv" pip install -q -p "$home/ministack/bin/python" --no-deps -r "$here/ministack-requirements.txt"
  made ministack "$here/ministack-requirements.txt"
fi

if ! fetched localstack "$here/localstack-requirements.txt"; then
  say "fetching LocalStack (400 MB, about half a minute)"
  venv localstack
  quietly "$home/tools/bin/uv" pip install -q -p "$home/localstack/bin/python" --no-deps --require-hashes \
    -r "$here/localstack-requirements.txt"
  # Its Kinesis would be fetched at the first call; tests run without a network.
  quietly env OVERRIDE_IN_DOCKER=0 FILESYSTEM_ROOT="$home/localstack/files" \
    "$home/localstack/bin/python" -m localstack.cli.lpm install kinesis-mock
  made localstack "$here/localstack-requirements.txt"
fi

# The linters of deploy/stack: each has its own environment, because their dependencies exclude each other.
for linter in cfn-lint checkov; do
  if ! fetched "$linter" "$here/$linter-requirements.txt"; then
    say "fetching $linter"
    venv "$linter"
    quietly "$home/tools/bin/uv" pip install -q -p "$home/$linter/bin/python" --no-deps --require-hashes -r "$here/$linter-requirements.txt"
    made "$linter" "$here/$linter-requirements.txt"
  fi
done

if ! fetched guard "$here"/guard/*.json; then
  say "fetching cfn-guard with the controls of AWS Control Tower"
  rm -rf "$home/guard" && mkdir "$home/guard"
  cp "$here"/guard/*.json "$home/guard/"
  # It is a plug-in of the CDK, which is not needed for the binary and the rules that come with it.
  quietly npm --prefix "$home/guard" ci --legacy-peer-deps --no-audit --no-fund
  made guard "$here"/guard/*.json
fi

if [ "${1:-}" = "--with-benches" ] && [ ! -e "$home/ceph.made-from" ]; then
  say "fetching the S3 gateway of Ceph (72 MB)"
  rm -rf "$home/ceph" && mkdir -p "$home/ceph/debs/partial"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  quietly "${as_root[@]}" apt-get install -q -y --no-install-recommends --download-only --reinstall \
    -o Dir::Cache::archives="$home/ceph/debs" radosgw ceph-mon ceph-osd ceph-mgr
  for package in "$home"/ceph/debs/*.deb; do dpkg -x "$package" "$home/ceph"; done
  rm -rf "$home/ceph/debs"
  echo unpacked >"$home/ceph.made-from"
fi
say "stand-ins are in $home"
