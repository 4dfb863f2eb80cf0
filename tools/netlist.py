#!/usr/bin/env python3
"""Synthesises a design to a netlist that Ringside runs like any other design.

    netlist.py [--dut rtl/dut.toml] [--set NAME=VALUE]... [--out FOLDER] [--force]

FOLDER (default .cache/netlist/gates) gets
  netlist.v   the netlist; the top keeps its name and its ports
  dut.toml    its description: the clock, reset and [meta] of the design it was made from, its parameters as [fixed]
  rtl.toml    the design it was made from, with the same parameters: what `ringside run --same-as` compares with
  cells.txt   what it is made of

Generic gates with memories and modules kept: what simulates fastest, and every register keeps its name. Nothing is done when sources, parameters
and tool are those of the netlist that is there.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import dut as dut_file  # noqa: E402 (the folder has to be on the path first)

# `synth` without its mapping of memories to flip-flops, module by module: flattened first it takes eight times as long.
# Initial values are no hardware: without them a register that nobody resets begins at random.
GATES = "synth -run begin:fine; opt -fast -full; opt -undriven -fine; techmap; opt -fast; abc; opt -fast; setattr -unset init; clean"
YOSYS = [sys.executable, str(ROOT / "tools/yosys.py")]


def value_of(text: str) -> object:
    try:
        return int(text, 0)
    except ValueError:
        return text


def parameter(text: str) -> tuple[str, object]:
    name, given, value = text.partition("=")
    if not given or not re.fullmatch(r"\w+", name) or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE, e.g. DATA_W=128")
    return name, value_of(value)


def toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def table(name: str, values: dict[str, object]) -> str:
    return f"\n[{name}]\n" + "".join(f"{k} = {toml_value(v)}\n" for k, v in values.items()) if values else ""


def key_of(design: dut_file.Design, script: str) -> str:
    """Hash of all that goes in: sources, parameters, commands, tool."""
    key = hashlib.sha256(script.encode())
    version = subprocess.run([*YOSYS, "-V"], capture_output=True, text=True, check=True).stdout
    key.update(version.encode())
    includes = [f for d in design.include_dirs for f in sorted(d.rglob("*")) if f.is_file()]
    for file in [*design.files, *includes]:
        key.update(str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file).encode())
        key.update(file.read_bytes())
    return key.hexdigest()


def script_of(design: dut_file.Design, out: Path) -> str:
    read = ["read_slang", "--keep-hierarchy", "--top", design.top]
    read += [f"-I{d}" for d in design.include_dirs]
    read += [f"-D{name}={value}" for name, value in design.defines.items()]
    read += [f"-G{name}={design.parameter_literal(name)}" for name in design.parameters]
    read += [str(f) for f in design.files]
    return "\n".join([" ".join(read), GATES, f"tee -o {out / 'cells.txt'} stat", f"write_verilog -noattr {out / 'netlist.v'}", ""])


def describe(raw: dict, design: dut_file.Design, dut: Path, out: Path) -> None:
    """The two descriptions: of the netlist, and of what it was made from."""
    common = "".join(f"{k} = {toml_value(raw[k])}\n" for k in ("clock", "clock_mhz") if k in raw)
    tables = table("reset", raw.get("reset", {})) + table("meta", raw.get("meta", {}))
    name = raw.get("name", design.top)
    head = f'# Made by tools/netlist.py from {dut}.\ntop = "{design.top}"\n'
    netlist = head + f'name = "{name}_netlist"\nfiles = ["netlist.v"]\n# Assertions were not synthesised; yosys\' own `parallel_case` would become checks.\nno_assert = true\n'
    (out / "dut.toml").write_text(netlist + common + tables + table("fixed", design.parameters))
    files = "".join(f"    {toml_value(str(f.resolve()))},\n" for f in design.files)
    folders = ", ".join(toml_value(str(d.resolve())) for d in design.include_dirs)
    rtl = head + f'name = "{name}"\nfiles = [\n{files}]\ninclude_dirs = [{folders}]\n' + common
    (out / "rtl.toml").write_text(rtl + tables + table("defines", design.defines) + table("parameters", design.parameters))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dut", type=Path, default=ROOT / "rtl/dut.toml")
    parser.add_argument("--set", type=parameter, action="append", default=[], metavar="NAME=VALUE", help="parameter of the top module")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache/netlist/gates")
    parser.add_argument("--force", action="store_true", help="synthesise even if nothing changed")
    options = parser.parse_args()

    try:
        raw = tomllib.loads(options.dut.read_text())
        design = dut_file.load(options.dut)
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        sys.exit(f"netlist: {options.dut}: {error}")
    unknown = [name for name, _ in options.set if name not in design.parameters]
    if unknown:
        sys.exit(f"netlist: {options.dut} has no parameter {unknown[0]}; there are: {', '.join(design.parameters)}")
    design.parameters |= dict(options.set)
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    script = script_of(design, out)
    stamp, key = out / "key", key_of(design, script)
    if not options.force and stamp.exists() and stamp.read_text() == key:
        print(f"netlist: {out / 'netlist.v'} is up to date")
        return 0

    stamp.unlink(missing_ok=True)
    (out / "netlist.ys").write_text(script)
    print(f"netlist: synthesising {design.top}, {' '.join(f'{k}={v}' for k, v in design.parameters.items())}: minutes; {out / 'yosys.log'}", flush=True)
    began = time.monotonic()
    done = subprocess.run([*YOSYS, "-l", str(out / "yosys.log"), "-s", str(out / "netlist.ys")], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        log = (out / "yosys.log").read_text(errors="replace") if (out / "yosys.log").exists() else ""
        said = [line for line in (log + done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        sys.exit("netlist: yosys failed:\n" + "\n".join(said[-10:] or [done.stderr[-2000:]]))
    latches = [line for line in (out / "yosys.log").read_text().splitlines() if "Latch inferred" in line]
    if latches:
        sys.exit("netlist: the design is not meant to have latches:\n" + "\n".join(latches[:10]))
    describe(raw, design, options.dut, out)
    stamp.write_text(key)
    cells = re.findall(r"^\s+(\d+)\s+(?:[\d.e+-]+\s+)?cells$", (out / "cells.txt").read_text(), re.M)
    print(f"netlist: {out / 'netlist.v'}: {cells[-1] if cells else '?'} cells, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
