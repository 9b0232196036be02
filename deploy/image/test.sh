#!/usr/bin/env bash
# Tries the image as its container would run it, and then runs the tests of the jail and of media, as they were built here, in a root with the
# image's packages: every attempt to leave the jail, the test media, the corpus. Needs root. With an argument, only the tests of that expression of nextest.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
image=$target/image
[ -d "$image/rootfs" ] || { echo "image: $image/rootfs is missing: make image" >&2 && exit 2; }
for tool in unshare cargo-nextest; do
  command -v "$tool" >/dev/null || { echo "image: missing: $tool; deploy/local/setup.sh --with-tests" >&2 && exit 2; }
done
shared=$(realpath "${REELGATE_SHARED:-../shared}")

# The image itself: its user, no network, everything read-only but the volume and /tmp.
volume=$(mktemp -d)
trap 'rm -rf "$volume"' EXIT
chown 64900:64900 "$volume"
in_image() {
  # shellcheck disable=SC2016 # arguments of the inner shell
  unshare --mount --net --pid --fork --kill-child bash -c '
    set -e
    root=$1 volume=$2 sample=$3; shift 3
    mount --bind "$root" "$root" && mount -o remount,bind,ro "$root"
    mount -t proc proc "$root/proc"; mount -t tmpfs tmpfs "$root/tmp"; mount -t tmpfs tmpfs "$root/dev"; mount --bind "$volume" "$root/var/lib/reelgate"
    touch "$root/dev/null" && mount --bind /dev/null "$root/dev/null"
    cp "$sample" "$root/tmp/clip.mp4"
    exec setpriv --no-new-privs chroot --userspec=64900:64900 --groups=64900 "$root" "$@"' \
    bash "$image/rootfs" "$volume" samples/big-buck-bunny-5s.mp4 "$@"
}
in_image /usr/bin/reelgate check --home /var/lib/reelgate
in_image /usr/bin/reelgate run --home /var/lib/reelgate /tmp/clip.mp4
echo "image: checks and publishes as its own user, read-only and without a network" >&2

# The tests, with their witnesses beside the packages of the image.
root=$image/test-root
if [ ! -e "$root/made" ]; then
  rm -rf "$root"
  cp -a "$image/root" "$root"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  witnesses=(binutils fonts-dejavu-core mount procps python3 strace util-linux)
  chroot "$root" sh -c 'apt-get -q update -o Acquire::Check-Valid-Until=false && apt-get install -q -y --no-install-recommends "$@"' sh "${witnesses[@]}" >"$image/test-root.log" 2>&1 ||
    { tail -n 5 "$image/test-root.log" >&2 && exit 2; }
  touch "$root/made"
fi
cp "$(command -v cargo-nextest)" "$root/usr/local/bin/"
# The same ffmpeg makes and judges films here and there, so that a difference is one of GStreamer: it runs with the libraries of this system.
for witness in ffmpeg ffprobe; do
  cat >"$root/usr/local/bin/$witness" <<WITNESS
#!/bin/sh
libraries=/was/usr/lib/x86_64-linux-gnu
exec "\$libraries/ld-linux-x86-64.so.2" --library-path "\$libraries:\$libraries/pulseaudio:\$libraries/blas:\$libraries/lapack" /was$(command -v $witness) "\$@"
WITNESS
  chmod +x "$root/usr/local/bin/$witness"
done
cargo metadata --locked --format-version 1 >"$image/metadata.json"
cargo build --locked --workspace --bins

# Runs the tests of an expression among these targets, in the root.
inside() {
  local expression=$1
  shift
  cargo nextest list --locked "$@" --list-type binaries-only --message-format json >"$image/binaries.json"
  # shellcheck disable=SC2016 # arguments of the inner shell
  unshare --mount --propagation private bash -c '
    set -e
    root=$1 target=$2 shared=$3 expression=$4 repository=$PWD
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount --rbind /sys "$root/sys"; mount -t tmpfs tmpfs "$root/run"; mount -t tmpfs tmpfs "$root/tmp"
    for folder in "$repository" "$target" "$shared"; do mkdir -p "$root$folder"; mount --rbind "$folder" "$root$folder"; done
    cd "$root" && mkdir -p was && pivot_root . was && cd "$repository"
    exec env -i HOME=/tmp PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin TERM=dumb LC_ALL=C.UTF-8 REELGATE_SHARED="$shared" CARGO_TARGET_DIR="$target" \
      cargo-nextest nextest run --no-fail-fast --binaries-metadata "$target/image/binaries.json" --cargo-metadata "$target/image/metadata.json" -E "$expression"' \
    bash "$root" "$target" "$shared" "$expression"
}
if [ $# -gt 0 ]; then
  inside "$1" --workspace --test cell --test e2e --test jail
  exit
fi
failed=''
# What needs a stand-in of AWS, or is about databases and decisions, is the same on every GStreamer.
inside 'binary(cell) or binary(jail) or (binary(e2e) and not test(/^(macie|decisions|audit|intake|redo)::/))' \
  --workspace --test cell --test e2e --test jail || failed=yes
inside 'all()' -p reelgate-worker --lib || failed=yes
[ -z "$failed" ]
