#!/usr/bin/env bash
# Makes a disk image of a root with kernel, systemd and Reelgate's package: ROOT becomes INTO/disk.raw, beside its kernel. build.sh calls it.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 ROOT INTO" >&2 && exit 2; }
root=$1 into=$2

echo reelgate >"$root/etc/hostname"
echo '/dev/vda / ext4 rw,noatime 0 1' >"$root/etc/fstab"
# No password opens an account, and nothing listens but Reelgate's loopback address.
grep -qs '^root:[*!]' "$root/etc/shadow" "$root/etc/passwd" || { echo "image: expected a locked account of root in $root" >&2 && exit 1; }
printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/80-dhcp.network"
chroot "$root" systemctl --quiet enable systemd-networkd.service

cp "$root"/boot/vmlinuz-* "$into/vmlinuz"
cp "$root"/boot/initrd.img-* "$into/initrd.img"
rm -f "$into/disk.raw"
mke2fs -q -t ext4 -L reelgate -d "$root" "$into/disk.raw" 4G
echo "image: $into/disk.raw, $(du -m "$into/disk.raw" | cut -f1) MiB" >&2
