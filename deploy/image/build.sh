#!/usr/bin/env bash
# Builds an OCI image from Debian packages of one day and the package of `make dist`, without a daemon and without a base image:
#   target/image/oci/             the image, by its tag `reelgate`
#   target/image/packages.txt     the Debian packages in it, by version
#   target/image/*.cdx.json       the packages (CycloneDX); the crates are listed in target/dist and inside of the binaries
# With --disk also target/image/disk.raw, vmlinuz and initrd.img: a machine whose service is this package (see disk.sh).
#
# The day is in deploy/image/snapshot. REELGATE_IMAGE_MIRROR names another mirror than snapshot.debian.org; the build stops if its packages
# are others than those of packages.lock, unless --relock writes that file again.
set -euo pipefail
cd "$(dirname "$0")/../.."
disk='' relock=''
for argument in "$@"; do
  case $argument in
  --disk) disk=yes ;;
  --relock) relock=yes ;;
  *) echo "usage: $0 [--disk] [--relock]" >&2 && exit 2 ;;
  esac
done
missing=()
for tool in mmdebstrap umoci tar; do command -v "$tool" >/dev/null || missing+=("$tool"); done
[ -z "$disk" ] || command -v mke2fs >/dev/null || missing+=(e2fsprogs)
if [ "${#missing[@]}" -gt 0 ]; then
  echo "image: missing: ${missing[*]}; apt-get install --no-install-recommends mmdebstrap umoci e2fsprogs" >&2
  exit 2
fi
[ "$(id -u)" -eq 0 ] || { echo "image: needs root, to own what is in the image: sudo $0 $*" >&2 && exit 2; }

target=$(realpath "${CARGO_TARGET_DIR:-target}")
image=$target/image
deb=$(compgen -G "$target/dist/reelgate_*.deb" | head -n 1) || true
[ -n "$deb" ] || { echo "image: there is no package in $target/dist: make dist" >&2 && exit 2; }
snapshot=$(cat deploy/image/snapshot)
mirror=${REELGATE_IMAGE_MIRROR:-https://snapshot.debian.org/archive/debian/$snapshot}
SOURCE_DATE_EPOCH=$(date -u -d "$(sed -E 's/(....)(..)(..)T(..)(..)(..)Z/\1-\2-\3 \4:\5:\6/' <<<"$snapshot")" +%s)
export SOURCE_DATE_EPOCH
mkdir -p "$image"

# All packages, with a shell and all; the image gets what the two programs need of it.
root=$image/root
[ -z "$disk" ] || root=$image/disk-root
rm -rf "$root"
# shellcheck disable=SC2016 # the hooks' own arguments
hooks=(
  --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount
  --customize-hook="copy-in $deb deploy/image/provision.sh /var/tmp"
  --customize-hook='mv "$1"/var/tmp/reelgate_*.deb "$1/var/tmp/reelgate.deb"'
  --customize-hook='chroot "$1" sh /var/tmp/provision.sh /var/tmp/reelgate.deb'
  --customize-hook='rm "$1/var/tmp/provision.sh"'
)
packages=ca-certificates,systemd-standalone-sysusers,systemd-standalone-tmpfiles
[ -z "$disk" ] || packages=ca-certificates,systemd-sysv,udev,mount,passwd,linux-image-cloud-amd64,initramfs-tools
mmdebstrap --quiet --mode=root --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' \
  --aptopt='APT::Install-Recommends "false"' --include="$packages" "${hooks[@]}" \
  --keyring=/usr/share/keyrings/debian-archive-keyring.gpg forky "$root" "$mirror" >&2

if [ -n "$disk" ]; then
  exec deploy/image/disk.sh "$root" "$image"
fi

lock=deploy/image/packages.lock
# shellcheck disable=SC2016 # dpkg expands it
dpkg-query --admindir="$root/var/lib/dpkg" -W -f='${Package} ${Version}\n' | grep -v '^reelgate ' | LC_ALL=C sort >"$image/all-packages.txt"
if [ -n "$relock" ]; then
  cp "$image/all-packages.txt" "$lock"
elif ! diff -u "$lock" "$image/all-packages.txt" >&2; then
  echo "image: $mirror has other packages than $lock; take the day of deploy/image/snapshot, or pass --relock" >&2
  exit 3
fi

python3 deploy/image/select_files.py "$root" "$image/rootfs" pipelines/worker/src/plugins.rs >"$image/packages.txt"
shells=$(find "$image/rootfs" \( -name sh -o -name bash -o -name dash -o -name busybox -o -name perl -o -name 'python*' \) -not -type d)
rights=$(find "$image/rootfs" -perm /6000)
[ -z "$shells$rights" ] || { echo "image: expected no shell and no setuid file, found: $shells $rights" >&2 && exit 1; }

created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
bom=$image/debsbom
if ! cmp -s deploy/image/requirements.txt "$bom/made-from"; then
  python3 -m venv --clear "$bom"
  "$bom/bin/pip" install -q --disable-pip-version-check --require-hashes -r deploy/image/requirements.txt
  cp deploy/image/requirements.txt "$bom/made-from"
fi
serial=$(sha256sum "$image/packages.txt" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-5\3-8\4-\5/')
"$bom/bin/debsbom" generate --root "$image/rootfs" --sbom-type cdx --distro-version forky --distro-arch amd64 \
  --timestamp "$created" --cdx-serialnumber "$serial" --out "$image/packages"

layer=$image/layer.tar
tar --create --file "$layer" --directory "$image/rootfs" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime --numeric-owner \
  --format=pax --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime .
rm -rf "$image/oci"
history=(--history.author=reelgate --history.created="$created")
umoci init --layout "$image/oci"
umoci new --image "$image/oci:reelgate"
umoci raw add-layer --image "$image/oci:reelgate" "${history[@]}" "$layer"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
umoci config --image "$image/oci:reelgate" --created="$created" "${history[@]}" --author=reelgate --os=linux --architecture=amd64 \
  --config.user=64900:64900 --config.workingdir=/var/lib/reelgate --config.volume=/var/lib/reelgate --config.exposedports=9320 \
  --config.entrypoint=/usr/bin/reelgate --config.cmd=serve --config.cmd=--home --config.cmd=/var/lib/reelgate \
  --config.env=PATH=/usr/bin --config.env=LC_ALL=C.UTF-8 \
  --config.label=org.opencontainers.image.title=reelgate --config.label=org.opencontainers.image.version="$version" \
  --config.label=org.opencontainers.image.licenses="MIT OR Apache-2.0"
umoci gc --layout "$image/oci"
rm -f "$layer"
digest=$(sed -n 's/.*"digest":"\([^"]*\)".*/\1/p' "$image/oci/index.json")
bytes=$(du --apparent-size -sb "$image/rootfs" | cut -f1)
echo "image: $digest, $((bytes / 1000000)) MB unpacked, $(du -sm "$image/oci" | cut -f1) MiB packed, $(wc -l <"$image/packages.txt") Debian packages" >&2
[ "$bytes" -le 350000000 ] || { echo "image: expected at most 350 MB unpacked" >&2 && exit 1; }
