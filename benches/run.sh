#!/usr/bin/env bash
# Every bench; each prints what was measured beside its bar or its peer, from one run on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --workspace --bins
for bench in orchestration memory full_run estimates store read fleet classify accuracy; do
  echo "== $bench"
  cargo bench --locked --profile release --workspace --bench "$bench"
done
echo "== peers of the classifier"
privacy/peers/run.sh
