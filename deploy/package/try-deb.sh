#!/usr/bin/env bash
# Tries the package of `make dist` in fresh roots of Debian 12 and 13 (or of the releases given): installs it, checks, publishes a video,
# upgrades it by itself, purges it, and looks that the user's files are still there. Needs root and mmdebstrap.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
deb=$(compgen -G "$target/dist/reelgate_*.deb" | head -n 1) || true
[ -n "$deb" ] || { echo "try: there is no package in $target/dist: make dist" >&2 && exit 2; }
command -v mmdebstrap >/dev/null || { echo "try: missing: apt-get install mmdebstrap" >&2 && exit 2; }
[ "$(id -u)" -eq 0 ] || { echo "try: needs root: sudo $0" >&2 && exit 2; }
mirror=${REELGATE_DEBIAN_MIRROR:-http://deb.debian.org/debian}
[ $# -gt 0 ] || set -- bookworm trixie

# What happens in the root, as its administrator would do it.
read -r -d '' inside <<'SCRIPT' || true
set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
settings="--home /var/lib/reelgate --config /etc/reelgate/reelgate.toml"
as_service() { setpriv --reuid=reelgate --regid=reelgate --clear-groups env HOME=/var/lib/reelgate "$@"; }
apt-get install -q -y --no-install-recommends /tmp/reelgate.deb >/tmp/log 2>&1 || { tail -n 20 /tmp/log; exit 1; }
echo "installed: $(dpkg-query -W -f='${Package} ${Version}, ${Installed-Size} KiB' reelgate)"
test "$(stat -c '%U:%G %a' /var/lib/reelgate)" = "reelgate:reelgate 750"
as_service reelgate check $settings
mkdir /tmp/in && cp /tmp/clip.mp4 /tmp/in/ && chmod -R a+rX /tmp/in
as_service reelgate run $settings /tmp/in/clip.mp4
published=$(find /var/lib/reelgate/published -name master.m3u8)
test -n "$published"
for page in reelgate reelgate-run reelgate-worker; do test -f "/usr/share/man/man1/$page.1.gz" || ls /usr/share/man/man1 || true; done
echo '# changed by the administrator' >>/etc/reelgate/reelgate.toml
apt-get install -q -y --reinstall /tmp/reelgate.deb >/tmp/log 2>&1 || { tail -n 20 /tmp/log; exit 1; }
grep -q 'changed by the administrator' /etc/reelgate/reelgate.toml
dpkg -r reelgate >/dev/null && test -f /etc/reelgate/reelgate.toml
dpkg -P reelgate >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }
test ! -e /etc/reelgate && test ! -e /usr/bin/reelgate && test ! -e /usr/lib/systemd/system/reelgate.service && test ! -e /lib/systemd/system/reelgate.service
test -f "$published" && test -f /var/lib/reelgate/reelgate.sqlite
echo "purged; still there: $published"
SCRIPT

for release in "$@"; do
  root=$(mktemp -d)
  chmod 755 "$root"
  trap 'umount -q "$root/proc" "$root/dev" 2>/dev/null || true; rm -rf "$root"' EXIT
  echo "== Debian $release" >&2
  mmdebstrap --quiet --mode=root --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='APT::Install-Recommends "false"' \
    --skip=cleanup/apt/lists "$release" "$root" "$mirror"
  cp "$deb" "$root/tmp/reelgate.deb"
  cp samples/big-buck-bunny-5s.mp4 "$root/tmp/clip.mp4"
  cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
  # A namespace of its own, so that nothing stays mounted.
  # shellcheck disable=SC2016 # arguments of the inner shell
  unshare --mount --fork --kill-child bash -c 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$1" sh -c "$2"' \
    bash "$root" "$inside"
  rm -rf "$root"
  trap - EXIT
done
echo "try: passed for $*" >&2
