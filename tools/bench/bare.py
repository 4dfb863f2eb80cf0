#!/usr/bin/env python3
"""The bare C++ Verilator loop, on inputs recorded from a run of Ringside.

    bare.py recorder [--dut rtl/dut.toml]     writes the recording wrapper, prints its dut.toml and the recording's path
    bare.py replay   [--dut rtl/dut.toml] [--skip CYCLES]     builds the loop, replays the recording, prints one JSON object
"""

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import stimulus  # noqa: E402 (the folder has to be on the path first)
from model import CACHE, ROOT, compile_loop, dut_file, verilate  # noqa: E402

FOLDER = CACHE / "bare"
RECORDING = FOLDER / "recording.txt"
# Outputs that are not reset show their random power-up value until reset has passed.
SETTLE_CYCLES = 16
REPEAT = 5


def apply_header(ports, inputs, clock: str) -> str:
    lines = ["#pragma once", f"#define kClock {clock}", f"constexpr std::size_t kSettleCycles = {SETTLE_CYCLES};"]
    lines.append(f"constexpr std::size_t kInputWords = {sum(p.words for p in inputs)};")
    lines.append("static inline void apply(Vdut& top, const std::uint32_t* row) {")
    at = 0
    for port in inputs:
        if port.width_bits > 64:
            lines.append(f"    std::memcpy(&top.{port.name}[0], row + {at}, {4 * port.words});")
        elif port.width_bits > 32:
            lines.append(f"    top.{port.name} = row[{at}] | std::uint64_t(row[{at + 1}]) << 32;")
        else:
            lines.append(f"    top.{port.name} = row[{at}];")
        at += port.words
    lines += ["}", "static inline std::uint32_t fold(const Vdut& top) {", "    std::uint32_t x = 0;"]
    for port in ports:
        if port.is_input:
            continue
        if port.width_bits > 64:
            lines.append(f"    for (int w = 0; w < {port.words}; ++w) x ^= top.{port.name}[w];")
        elif port.width_bits > 32:
            lines.append(f"    x ^= std::uint32_t(top.{port.name}) ^ std::uint32_t(top.{port.name} >> 32);")
        else:
            lines.append(f"    x ^= top.{port.name};")
    return "\n".join([*lines, "    return x;", "}", ""])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["recorder", "replay"])
    parser.add_argument("--dut", type=Path, default=ROOT / "rtl/dut.toml")
    parser.add_argument("--skip", type=int, default=0, help="cycles at the beginning that are not timed")
    options = parser.parse_args()
    text = options.dut.read_text()
    clock = tomllib.loads(text).get("clock", "clk_i")
    design = dut_file.load(options.dut)
    ports = verilate(design, FOLDER / "model")
    inputs = stimulus.recorded_inputs(ports, clock)

    if options.action == "recorder":
        toml = stimulus.write_recorder(design, text, ports, clock, FOLDER / "recorder", RECORDING)
        print(json.dumps({"dut": str(toml), "recording": str(RECORDING)}))
        return 0
    if not RECORDING.exists():
        sys.exit("bench: no recording yet: run the design of `bare.py recorder` first")
    rows = FOLDER / "rows.bin"
    stimulus.to_rows(RECORDING, inputs, rows)
    (FOLDER / "model/apply.h").write_text(apply_header(ports, inputs, clock))
    compile_loop(FOLDER / "model", Path(__file__).parent / "replay.cpp", FOLDER / "replay")
    done = subprocess.run([str(FOLDER / "replay"), str(rows), str(REPEAT), str(options.skip)], capture_output=True, text=True)
    sys.stderr.write(done.stderr)
    print(done.stdout.strip())
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
