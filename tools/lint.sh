#!/usr/bin/env bash
# Everything that reads the sources without running them. All steps run; the exit code is 1 if one complained.
#
#   tools/lint.sh [rust | rtl [--top MODULE]]      default: both
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:$HOME/.cargo/bin"

what=${1:-all}
[ $# -gt 0 ] && shift
failed=0

step() {
  local name=$1 started=$SECONDS
  shift
  if "$@"; then
    echo "lint: $name: clean ($((SECONDS - started)) s)"
  else
    echo "lint: $name: COMPLAINS ($((SECONDS - started)) s)"
    failed=1
  fi
}

case $what in all | rust | rtl) ;; *)
  echo "lint: unknown part '$what'; there are: rust rtl" >&2
  exit 2
  ;;
esac

if [ "$what" != rtl ]; then
  if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
    echo "lint: rustfmt or clippy is missing: rustup component add rustfmt clippy" >&2
    exit 2
  fi
  step "cargo fmt" cargo fmt --all --check
  step "cargo clippy" cargo clippy --quiet --workspace --all-targets -- -D warnings
  for script in tools/*.sh tools/*/*.sh .ci/run; do
    [ -e "$script" ] && { bash -n "$script" || failed=1; }
  done
fi
if [ "$what" != rust ]; then
  [ -x .venv/bin/python ] || {
    echo "lint: the lint tools are missing: make setup-lint" >&2
    exit 2
  }
  .venv/bin/python tools/lint_rtl.py "$@" || failed=1
fi
exit $failed
