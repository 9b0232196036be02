#!/usr/bin/env bash
# Fuzzes the classifier for SECONDS_MAX (default 60) seconds, and prints how many inputs were tried. Builds what it needs
# once, below the target directory; inputs that reach new code are kept there for the next run. Needs a C++ compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
seconds=${1:-60}
made=${CARGO_TARGET_DIR:-target}/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz sets without a sanitizer, so that the stable compiler builds it: libFuzzer sees which code runs.
flags=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1)
RUSTFLAGS="${flags[*]}" "${CARGO:-cargo}" build --release --locked --manifest-path "$here/Cargo.toml" \
  --target "$host" --target-dir "$made"
mkdir -p "$made/inputs"
exec "$made/$host/release/reelgate-privacy-fuzz" "$made/inputs" "$here/seeds" -max_total_time="$seconds" \
  -max_len=512 -timeout=10 -artifact_prefix="$made/" -print_final_stats=1 -verbosity=1
