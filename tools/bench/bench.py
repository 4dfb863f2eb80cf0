#!/usr/bin/env python3
"""Simulated cycles per CPU second of one design under four harnesses, on the same frames.

    bench.py [--dut rtl/dut.toml] [--frames N] [--cocotb-frames N] [--repeat N] [--no-cocotb] [--json]

(a) bare C++: inputs recorded from a run of Ringside, eval, nothing else; its outputs are compared with the recording
(b) Ringside with every checker on       (c) Ringside, unjudged
(d) cocotb with cocotbext-pcie: its root complex, a driver in Python, the same frames through the same design

All are CPU seconds of the process (the machine may be busy with other things), the least of several runs. Only what
more frames cost more is counted, so that loading a model and bringing a device up do not blur the rate.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from model import CACHE, ROOT  # noqa: E402 (the folder has to be on the path first)

RINGSIDE = ROOT / "target/release/ringside"
# One queue pair everywhere: the Python driver has one.
COMMON = ["--queues", "1", "--link", "gen3x8", "--seed", "1", "--no-files", "--no-rerun", "--json"]
SHORT_FRAMES = 200
GOALS = (("(c) / (a)", 0.8), ("(b) / (a)", 0.5), ("(b) / (d)", 50.0))


@dataclass
class Rate:
    name: str
    cycles: int
    cpu_s: float
    frames: int

    @property
    def per_second(self) -> float:
        return self.cycles / self.cpu_s


def capture_of(frames: int) -> Path:
    """The main job's capture, repeated to a length at which a rate can be measured."""
    source = (ROOT / "golden/traffic/mixed.pcap").read_bytes()
    records, at = [], 24
    while at < len(source):
        length = struct.unpack_from("<I", source, at + 8)[0]
        records.append(source[at : at + 16 + length])
        at += 16 + length
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"mixed-{frames}.pcap"
    path.write_bytes(source[:24] + b"".join(records[n % len(records)] for n in range(frames)))
    return path


def output_of(command: list[str]) -> str:
    """Standard output of a program that has to succeed."""
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, said = process.communicate()
    if process.returncode:
        sys.exit(f"bench: {' '.join(command)}\nended with {process.returncode}:\n{out[-1500:]}{said[-1500:]}")
    return out


def ringside(dut: Path, frames: int, *more: str) -> tuple[int, float]:
    """Cycles, and CPU seconds of the whole process."""
    command = [str(RINGSIDE), "run", "--dut", str(dut), "--pcap", str(capture_of(frames)), *COMMON, *more]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"bench: {' '.join(command)}\nended with {process.returncode}:\n{out[-1500:].decode()}")
    return json.loads(out)["cycles"], usage.ru_utime + usage.ru_stime


def ringside_rates(dut: Path, frames: int, repeat: int) -> tuple[Rate, Rate]:
    kinds = {"(b) Ringside, all checkers": (), "(c) Ringside, unjudged": ("--unjudged",)}
    least: dict[tuple[str, int], tuple[int, float]] = {}
    for _ in range(repeat):
        # Taken in turns, so that what else the machine does falls on all alike.
        for name, more in kinds.items():
            for count in (SHORT_FRAMES, frames):
                cycles, cpu = ringside(dut, count, *more)
                least[name, count] = min(least.get((name, count), (cycles, cpu)), (cycles, cpu))
    rates = []
    for name in kinds:
        (short_cycles, short_cpu), (cycles, cpu) = least[name, SHORT_FRAMES], least[name, frames]
        rates.append(Rate(name, cycles - short_cycles, cpu - short_cpu, frames - SHORT_FRAMES))
    return rates[0], rates[1]


def bare_rate(dut: Path, frames: int) -> Rate:
    here = [sys.executable, str(Path(__file__).parent / "bare.py")]
    said = json.loads(output_of([*here, "recorder", "--dut", str(dut)]))
    skip, _ = ringside(Path(said["dut"]), SHORT_FRAMES, "--unjudged")
    ringside(Path(said["dut"]), frames, "--unjudged")
    replayed = json.loads(output_of([*here, "replay", "--dut", str(dut), "--skip", str(skip)]))
    return Rate("(a) bare C++ loop", replayed["cycles"], replayed["cpu_s"], frames - SHORT_FRAMES)


def cocotb_rate(dut: Path, frames: int) -> Rate:
    here = [sys.executable, str(Path(__file__).parent / "cocotb_run.py"), "--dut", str(dut), "--frames"]
    short = json.loads(output_of([*here, str(SHORT_FRAMES)]))
    full = json.loads(output_of([*here, str(SHORT_FRAMES + frames)]))
    return Rate("(d) cocotb, cocotbext-pcie", full["cycles"] - short["cycles"], full["cpu_s"] - short["cpu_s"], frames)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dut", type=Path, default=ROOT / "rtl/dut.toml")
    parser.add_argument("--frames", type=int, default=6000)
    parser.add_argument("--cocotb-frames", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--no-cocotb", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    subprocess.run(["cargo", "build", "--quiet", "--release", "-p", "ringside"], cwd=ROOT, check=True)
    dut = options.dut.resolve()
    a = bare_rate(dut, options.frames)
    b, c = ringside_rates(dut, options.frames, options.repeat)
    d = None if options.no_cocotb else cocotb_rate(dut, options.cocotb_frames)
    rates = [r for r in (a, b, c, d) if r]
    ratios = [("(c) / (a)", c.per_second / a.per_second), ("(b) / (a)", b.per_second / a.per_second)]
    if d:
        ratios.append(("(b) / (d)", b.per_second / d.per_second))
    goals = dict(GOALS)

    if options.json:
        print(
            json.dumps(
                {
                    "format_version": 1,
                    "cycles_per_cpu_second": {r.name: round(r.per_second) for r in rates},
                    "ratios": {name: round(value, 3) for name, value in ratios},
                    "goals": goals,
                }
            )
        )
        return 0
    print(f"\n{'':28} {'frames':>8} {'cycles':>10} {'CPU s':>8} {'cycles/s':>12} {'frames/s':>10}")
    for r in rates:
        print(f"{r.name:28} {r.frames:>8,} {r.cycles:>10,} {r.cpu_s:>8.3f} {r.per_second:>12,.0f} {r.frames / r.cpu_s:>10,.0f}")
    print("(a) replayed every input; every output of every cycle was as recorded")
    print()
    for name, value in ratios:
        print(f"{name:10} {value:8.2f}   goal {goals[name]:g}: {'met' if value >= goals[name] else 'NOT met'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
