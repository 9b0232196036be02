#!/usr/bin/env bash
# Installs what building and running Reelgate needs on Debian 12, and nothing twice.
# Works as root or with sudo; where neither is possible it names the packages and stops.
# --with-tests adds what tests need, --with-benches that and what benches need.
set -euo pipefail

packages=(
  build-essential cmake pkg-config            # compilers for the crates that bind C
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  gstreamer1.0-plugins-ugly gstreamer1.0-libav # demuxers, decoders and encoders of the media worker
  libtesseract5 tesseract-ocr-eng              # reads on-screen text, where the configuration asks for it
)
# Peers of the tests and benches: an independent prober and players, a witness of system calls, what deploys the stack, and what reads
# metrics and rules.
test_packages=(
  ffmpeg fonts-dejavu-core gstreamer1.0-tools chromium strace python3 python3-venv ca-certificates
  awscli shellcheck packer prometheus
)

for_tests=
case "${1:-}" in --with-tests | --with-benches) for_tests=yes ;; esac
wanted=("${packages[@]}")
if [ -n "$for_tests" ]; then
  wanted+=("${test_packages[@]}")
  # Any version from 14 on and any node will do, wherever they came from.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || wanted+=(postgresql-15)
  command -v node >/dev/null || wanted+=(nodejs)
  command -v npm >/dev/null || wanted+=(npm)
fi

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo)
    elif command -v sudo >/dev/null && [ -t 0 ]; then
      as_root=(sudo)
    else
      echo "set-up: these Debian packages are missing and neither root nor sudo is at hand: ${missing[*]}" >&2
      echo "set-up: ask an administrator to run: apt-get install --no-install-recommends ${missing[*]}" >&2
      exit 2
    fi
  fi
  echo "set-up: installing ${missing[*]}" >&2
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  install() {
    # The package of Prometheus would leave one running on this machine; in runlevel 1 packages start nothing.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -q -y --no-install-recommends "$@"
  }
  install_missing() {
    "${as_root[@]}" apt-get update -q || return
    if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
      # Tests start servers of their own; the package would leave one running on this machine.
      install postgresql-common || return
      "${as_root[@]}" sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    install "${missing[@]}"
  }
  if ! install_missing >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "set-up: apt-get failed (its last lines are above); install by hand: ${missing[*]}" >&2
    exit 2
  fi
fi

if ! command -v cargo >/dev/null; then
  echo "set-up: cargo is missing; install Rust 1.95 or newer from your distribution or rustup, then run this again" >&2
  exit 2
fi
if [ -n "$for_tests" ] && ! cargo nextest --version >/dev/null 2>&1; then
  echo "set-up: building the test runner cargo-nextest (once)" >&2
  cargo install --quiet --locked cargo-nextest
fi
[ -n "$for_tests" ] && "$(dirname "$0")/deny-setup.sh"
[ -n "$for_tests" ] && "$(dirname "$0")/stand-ins/setup.sh" "$1"
echo "set-up: everything needed is installed" >&2
