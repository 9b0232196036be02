#!/bin/sh
# Makes a Debian system a node: installs the package, enables its service, and removes what must not be the same on every machine. The same
# script makes the disk image, the machine image of reelgate.pkr.hcl and that of EC2 Image Builder. As root: provision.sh PACKAGE.deb
set -eu
if [ $# -ne 1 ] || [ ! -f "$1" ]; then
  echo "usage: $0 PACKAGE.deb" >&2
  exit 2
fi
[ "$(id -u)" -eq 0 ] || { echo "provision: needs root" >&2 && exit 2; }
export DEBIAN_FRONTEND=noninteractive

# Lists of packages are not kept in images.
[ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ] || apt-get update -q
apt-get install -q -y --no-install-recommends "$1" libtesseract5 tesseract-ocr-eng
# Without systemd there is nothing to enable: the service's container runs the program itself.
if command -v systemctl >/dev/null; then
  systemctl --quiet enable reelgate.service
  : >/etc/machine-id
fi
reelgate --version
rm -f "$1" /etc/ssh/ssh_host_*
