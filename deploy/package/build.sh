#!/usr/bin/env bash
# Builds target/dist: the Debian package, the two binaries as they are in it, and a list of their crates (CycloneDX).
# Runs on Debian 12, so that the package installs on Debian 12 and later. --binaries builds the binaries alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
what=${1:-}
case $what in
'' | --binaries) ;;
*) echo "usage: $0 [--binaries]" >&2 && exit 2 ;;
esac

target=${CARGO_TARGET_DIR:-target}
tools=$target/dist-tools
dist=$target/dist
mkdir -p "$tools" "$dist"
export PATH=$tools/bin:$PATH

# The versions are part of what is built.
install() {
  cargo install --list --root "$tools" | grep -qx "$1 v$2:" && return
  echo "dist: building $1 $2 (once)" >&2
  # A folder of its own: flags of this build must not reach it.
  CARGO_TARGET_DIR=$target/dist-tools/build cargo install --quiet --locked --root "$tools" "$1@$2"
}
install cargo-auditable 0.7.7

# No path of this machine in the binaries, and the list of crates inside of them (`cargo audit bin` reads it).
flags=(--remap-path-prefix="$PWD=/build/reelgate" --remap-path-prefix="${CARGO_HOME:-$HOME/.cargo}=/build/cargo")
CARGO_ENCODED_RUSTFLAGS=$(
  IFS=$'\x1f'
  echo "${flags[*]}"
)
export CARGO_ENCODED_RUSTFLAGS
cargo auditable build --locked --release -p reelgate --bin reelgate -p reelgate-worker --bin reelgate-worker
for binary in reelgate reelgate-worker; do
  # Line tables stay with the build; what ships has none.
  objcopy --strip-all "$target/release/$binary" "$dist/$binary"
done
unset CARGO_ENCODED_RUSTFLAGS
[ "$what" = --binaries ] && exit

install cargo-deb 3.8.0
install cargo-cyclonedx 0.5.9
# The time of the last commit, so that the same commit gives the same package.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
rm -f "$dist"/*.deb
cargo deb --locked --no-build --no-dbgsym --strip -p reelgate -o "$dist/"
cargo cyclonedx --quiet --format json --spec-version 1.5 --manifest-path Cargo.toml
find . -path ./target -prune -o -name '*.cdx.json' -print | while read -r list; do
  case $list in
  ./reelgate.cdx.json | ./pipelines/worker/reelgate-worker.cdx.json) mv "$list" "$dist/" ;;
  *) rm "$list" ;;
  esac
done
deb=$(ls "$dist"/*.deb)
if command -v lintian >/dev/null; then
  lintian --fail-on error,warning --info "$deb"
else
  echo "dist: lintian is missing, so the package is not checked: apt-get install lintian" >&2
fi
echo "dist: $deb" >&2
