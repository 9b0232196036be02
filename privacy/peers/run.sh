#!/usr/bin/env bash
# Compares the speed of the classifier, Microsoft Presidio and redact-core on the same text, in one run on this machine.
# Builds and installs what it needs once, below the target directory. A peer that cannot be installed is reported as skipped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
made=${CARGO_TARGET_DIR:-target}/peers
mkdir -p "$made"
log=$made/setup.log rows=$made/rows text=$made/subtitles.srt

say() { echo "peers: $*" >&2; }
# The first line of the log with an error, otherwise its last line.
reason() { (grep -m 1 -E '^(error|ERROR|[A-Za-z.]*Error)' "$log" || tail -n 1 "$log") | tr '\t' ' '; }
skipped() { printf '%s\tskipped: %s\n' "$1" "$(reason)" >>"$rows"; }

build() {
  "${CARGO:-cargo}" build --release --locked --manifest-path privacy/peers/Cargo.toml --target-dir "$made" "$@"
}
# Install again unless the installation is from exactly these pins.
presidio() {
  [ "$(cat "$made/venv.made-from" 2>/dev/null)" = "$(sha256sum <"$here/requirements.txt")" ] && return
  rm -rf "$made/venv" "$made/venv.made-from"
  python3 -m venv "$made/venv" &&
    "$made/venv/bin/pip" install -q --disable-pip-version-check --no-deps --only-binary :all: -r "$here/requirements.txt" &&
    sha256sum <"$here/requirements.txt" >"$made/venv.made-from"
}

: >"$rows"
without=
say "building redact-core where it is not yet"
if ! build >"$log" 2>&1; then
  without=$(reason)
  # Measure the classifier alone. If this fails too, there is no result, and cargo prints the reason.
  build --no-default-features
fi
"$made/release/reelgate-privacy-peers" "$text" >>"$rows"
[ -z "$without" ] || printf 'redact-core\tskipped: %s\n' "$without" >>"$rows"

say "installing Presidio where it is not yet (400 MB on the disk)"
if ! presidio >"$log" 2>&1; then
  skipped Presidio
else
  say "measuring Presidio (two minutes)"
  "$made/venv/bin/python" "$here/presidio.py" "$text" >>"$rows" 2>"$log" || skipped Presidio
fi

echo "the classifier and its peers: subtitles of 2 MB, one core, processor time, one run"
awk -F '\t' '
  BEGIN {
    printf "%-18s %6s | %-26s | %s\n", "", "", "by lines", "in pieces of 256 KB"
    printf "%-18s %6s | %6s %9s %9s | %6s %9s %9s\n", "who", "types", "found", "MB/s", "ratio", "found", "MB/s", "ratio"
  }
  NF == 2 { printf "%-18s        | %s\n", $1, $2; next }
  !lines { lines = $4; large = $6 }
  { printf "%-18s %6d | %6d %9.3f %9.1f | %6d %9.3f %9.1f\n", $1, $2, $3, $4, lines / $4, $5, $6, large / $6 }
' "$rows"
echo "ratio: MB/s of reelgate-privacy to MB/s of the peer, both fed the same way"
echo "reelgate-privacy and redact-core look for all they know by pattern; Presidio runs on a blank spaCy pipeline without"
echo "a model, so only its pattern recognisers, for CREDIT_CARD, EMAIL_ADDRESS, PHONE_NUMBER, US_SSN, IBAN_CODE, IP_ADDRESS"
