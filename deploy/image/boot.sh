#!/usr/bin/env bash
# Boots the disk image of `build.sh --disk` in qemu (by software; REELGATE_BOOT_ACCEL=kvm is quicker), and runs boot-test.sh in it: the service under its unit, a
# video from ingest to published, and every attempt to leave the jail, in a control group of its own. Prints what the machine says.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
image=$target/image
for file in vmlinuz initrd.img disk.raw; do
  [ -f "$image/$file" ] || { echo "image: $image/$file is missing: deploy/image/build.sh --disk" >&2 && exit 2; }
done
command -v qemu-system-x86_64 >/dev/null || { echo "image: missing: apt-get install qemu-system-x86" >&2 && exit 2; }

# The tests of the jail find their stand-in where they were built.
cargo build --locked --workspace --bin reelgate-jail-probe
cell=$(cargo test --locked --workspace --test cell --no-run --message-format=json | sed -n 's/.*"executable":"\([^"]*\/cell-[^"]*\)".*/\1/p')
tests=$image/tests
rm -rf "$tests"
mkdir -p "$tests/debug" "$tests/tmp"
cp "$cell" "$tests/cell"
cp "$target/debug/reelgate-jail-probe" "$tests/debug/"
cp tests/media/files/h264-aac.mp4 deploy/image/boot-test.sh "$tests/"
chmod 1777 "$tests/tmp"
rm -f "$image/tests.raw"
mke2fs -q -t ext4 -L tests -d "$tests" "$image/tests.raw" 256M

log=$image/boot.log
timeout "${REELGATE_BOOT_S:-1500}" qemu-system-x86_64 -machine q35 -accel "${REELGATE_BOOT_ACCEL:-tcg}" -cpu max -m 3072 -smp 2 -nographic -no-reboot \
  -kernel "$image/vmlinuz" -initrd "$image/initrd.img" \
  -nic user,model=virtio-net-pci,restrict=on \
  -drive "file=$image/disk.raw,if=virtio,format=raw,snapshot=on" -drive "file=$image/tests.raw,if=virtio,format=raw,snapshot=on" \
  -append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=no systemd.mount-extra=LABEL=tests:$target:ext4:rw \"systemd.run=/bin/sh $target/boot-test.sh $target\" systemd.run_success_action=poweroff systemd.run_failure_action=poweroff" \
  </dev/null 2>&1 | tee "$log"
grep -q '^boot-test: passed' <(tr -d '\r' <"$log")
