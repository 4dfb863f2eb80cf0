#!/usr/bin/env bash
# `make bench`: see tools/bench/bench.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PATH:$HOME/.cargo/bin"
exec .venv/bin/python tools/bench/bench.py "$@"
