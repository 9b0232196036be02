#!/usr/bin/env bash
# Licences, sources and bans of every crate in the lock file, and RustSec's advisories about them; without a network.
# Advisories are read from a copy of RustSec's database: REELGATE_ADVISORY_DB, otherwise ../shared/reference/advisory-db.
# A step that cannot run is named as skipped and fails nothing; `--strict` fails then.
set -euo pipefail
cd "$(dirname "$0")/../.."

strict=
[ "${1:-}" = "--strict" ] && strict=yes
skipped() {
  echo "skipped: $1: $2"
  [ -z "$strict" ] || exit 1
}

if ! command -v cargo-deny >/dev/null; then
  tools=${REELGATE_STAND_INS:-${XDG_CACHE_HOME:-$HOME/.cache}/reelgate-stand-ins}/deny/bin
  if [ ! -x "$tools/cargo-deny" ]; then
    skipped "licences, sources and bans" "cargo-deny is not installed (deploy/local/setup.sh --with-tests does it)"
    skipped "advisories" "cargo-deny is not installed"
    exit 0
  fi
  PATH=$tools:$PATH
fi

# The root is a package as well as a workspace: without `--workspace` only what the engine needs would be looked at.
deny=(cargo-deny --offline --locked --workspace --all-features)
"${deny[@]}" check licenses bans sources

copy=${REELGATE_ADVISORY_DB:-../shared/reference/advisory-db}
if [ ! -d "$copy/crates" ]; then
  skipped "advisories" "no copy of RustSec's database at $copy (REELGATE_ADVISORY_DB names another place)"
  exit 0
fi
# cargo-deny opens nothing but a git repository under a name made of the database's address, and refuses one that was not
# fetched for 90 days. A plain copy has no history, so it becomes a repository of this moment; its real age is printed.
root=$(realpath -m "${CARGO_TARGET_DIR:-target}/deny")
database=$root/advisory-db-3157b0e258782691 # of https://github.com/RustSec/advisory-db
rm -rf "$database"
mkdir -p "$database"
cp -r "$copy/crates" "$database/"
git -C "$database" init -q
git -C "$database" -c user.name=copy -c user.email=copy@localhost -c commit.gpgsign=false commit -q --allow-empty -m copy
newest=$(grep -rhoE '^date = "[0-9-]+"' "$database/crates" | sort | tail -n 1 | cut -d '"' -f 2)
echo "advisories: copy at $copy, the newest of $newest"
REELGATE_ADVISORY_ROOT=$root "${deny[@]}" check advisories
