#!/usr/bin/env python3
"""Finds combinational paths from an input port to an output port of a design: there are to be none.

    comb_paths.py [--dut rtl/dut.toml] [--known rtl/paths.toml] [--set NAME=VALUE]...

Such a path joins the timing of two neighbours through the device: its clock period is then nobody's to state. The design is read by yosys,
flattened and walked bit by bit from every input but clock and reset; a cell that works bit by bit passes bit i on to bit i, any other
passes everything to everything, so a path that is reported may be false, but one that exists is reported.
--known lists those that are there for a reason.
Exit code: 0 none but those, 1 some (each with the wires it goes through) or a listed one that is gone, 2 it could not be run.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import dut as dut_file  # noqa: E402 (the folder has to be on the path first)

ROOT = Path(__file__).resolve().parents[1]
YOSYS = [sys.executable, str(ROOT / "tools/yosys.py")]
WORK = ROOT / ".cache/paths"
# A small build: the ports are those of every build, and so are the registers between them.
SMALL = {"DATA_W": 64, "QUEUE_PAIRS": 1, "MAX_QUEUE_SIZE": 16}
BITWISE = {"$and", "$or", "$xor", "$xnor", "$not", "$pos", "$buf", "$mux", "$pmux", "$bwmux"}


class PathsError(Exception):
    """It could not be run."""


def netlist(dut: Path, given: dict[str, str]) -> tuple[dict, dict]:
    raw = tomllib.loads(dut.read_text())
    design = dut_file.load(dut)
    parameters = {k: v for k, v in (design.parameters | SMALL).items() if k in design.parameters} | given
    unknown = [k for k in given if k not in design.parameters]
    if unknown:
        raise PathsError(f"{dut} has no parameter {unknown[0]}; there are: {', '.join(design.parameters)}")
    design.parameters = parameters
    WORK.mkdir(parents=True, exist_ok=True)
    out, log = WORK / "netlist.json", WORK / "yosys.log"
    out.unlink(missing_ok=True)
    read = ["read_slang", "--top", design.top, *[f"-I{d}" for d in design.include_dirs], *[f"-D{k}={v}" for k, v in design.defines.items()]]
    read += [f"-G{k}={design.parameter_literal(k)}" for k in parameters] + [str(f) for f in design.files]
    script = "; ".join([" ".join(read), f"hierarchy -check -top {design.top}", "proc", "flatten", "opt_expr", "opt_clean", "memory_collect", "opt_clean", f"write_json {out}"])
    done = subprocess.run([*YOSYS, "-l", str(log), "-p", script], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode or not out.exists():
        said = [line for line in (log.read_text(errors="replace") if log.exists() else done.stderr).splitlines() if "error" in line.lower()]
        raise PathsError(f"yosys: {' / '.join(said[-3:]) or done.stderr.strip()[-300:]}")
    return json.loads(out.read_text())["modules"][design.top], raw


def number(text: str | int) -> int:
    return int(text, 2) if isinstance(text, str) else text


def arcs_of(cell: dict) -> list[tuple[list, list, bool]]:
    """(from, to, bit by bit) of one cell: nothing through registers."""
    kind, wires, parameters = cell["type"], cell["connections"], cell["parameters"]
    if "ff" in kind or kind in ("$check", "$print", "$assert", "$assume", "$cover", "$scopeinfo"):
        if kind in ("$adff", "$aldff", "$dffsr", "$adffe", "$sr", "$dlatch", "$adlatch", "$dlatchsr"):
            raise PathsError(f"cell {kind}: latches and asynchronous resets are not meant to be here")
        return []
    if kind.startswith("$mem"):
        width, bits, ports = (number(parameters[k]) for k in ("WIDTH", "ABITS", "RD_PORTS"))
        clocked = number(parameters["RD_CLK_ENABLE"])
        return [(wires["RD_ADDR"][p * bits : (p + 1) * bits], wires["RD_DATA"][p * width : (p + 1) * width], False) for p in range(ports) if not clocked >> p & 1]
    outputs = [k for k in wires if cell["port_directions"][k] == "output"]
    result = []
    for out in outputs:
        for name in (k for k in wires if cell["port_directions"][k] == "input"):
            wide = kind in BITWISE and len(wires[name]) >= len(wires[out]) and name not in ("S",)
            if kind == "$pmux" and name == "B":
                size = len(wires[out])
                result += [(wires[name][i : i + size], wires[out], True) for i in range(0, len(wires[name]), size)]
            else:
                result.append((wires[name], wires[out], wide or (kind == "$bwmux")))
    return result


def walk(module: dict, skip: set[str]) -> dict[tuple[str, str], list[str]]:
    """For each pair of an input and an output with a path the wires on it, first found first."""
    names: dict[int, str] = {}
    for name, net in module["netnames"].items():
        for i, bit in enumerate(net["bits"]):
            # The shortest public name says most.
            if isinstance(bit, int) and (bit not in names or (net.get("hide_name", 0), name.count(".")) < (0, names[bit].count("."))) and not net.get("hide_name", 0):
                names[bit] = f"{name}[{i}]" if len(net["bits"]) > 1 else name
    onward: dict[int, list[int]] = defaultdict(list)
    groups: list[list] = []
    into_group: dict[int, list[int]] = defaultdict(list)
    for cell in module["cells"].values():
        for source, target, bitwise in arcs_of(cell):
            if bitwise:
                for a, b in zip(source, target):
                    if isinstance(a, int) and isinstance(b, int):
                        onward[a].append(b)
            else:
                groups.append([b for b in target if isinstance(b, int)])
                for a in source:
                    if isinstance(a, int):
                        into_group[a].append(len(groups) - 1)
    outputs = {b: name for name, port in module["ports"].items() if port["direction"] == "output" for b in port["bits"] if isinstance(b, int)}
    found: dict[tuple[str, str], list[str]] = {}
    for name, port in module["ports"].items():
        if port["direction"] != "input" or name in skip:
            continue
        start = [b for b in port["bits"] if isinstance(b, int)]
        came: dict[int, int | None] = dict.fromkeys(start)
        passed: set[int] = set()
        queue = list(start)
        while queue:
            bit = queue.pop()
            steps = list(onward[bit])
            for g in into_group[bit]:
                if g not in passed:
                    passed.add(g)
                    steps += groups[g]
            for step in steps:
                if step not in came:
                    came[step] = bit
                    queue.append(step)
        for bit, output in outputs.items():
            if bit in came and (name, output) not in found:
                route, at = [], bit
                while at is not None:
                    if at in names and (not route or route[-1] != names[at]):
                        route.append(names[at])
                    at = came[at]
                found[(name, output)] = route[::-1]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dut", type=Path, default=ROOT / "rtl/dut.toml")
    parser.add_argument("--known", type=Path, help="paths that are there for a reason")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="parameter of the top module")
    options = parser.parse_args()
    try:
        bad = [text for text in options.set if "=" not in text]
        if bad:
            raise PathsError(f"{bad[0]!r} is not NAME=VALUE, e.g. DATA_W=128")
        module, raw = netlist(options.dut, dict(text.split("=", 1) for text in options.set))
        found = walk(module, {raw["clock"], raw["reset"]["port"]})
        known = {(k["from"], k["to"]): k["reason"] for k in tomllib.loads(options.known.read_text())["known"]} if options.known else {}
    except (PathsError, OSError, KeyError, tomllib.TOMLDecodeError) as error:
        print(f"comb_paths: {error}", file=sys.stderr)
        return 2
    failed = 0
    for (source, target), route in sorted(found.items()):
        if (source, target) in known:
            print(f"known: {source} -> {target}: {known[source, target]}")
        else:
            print(f"{source} -> {target}: {' > '.join(route)}")
            failed += 1
    for source, target in sorted(set(known) - set(found)):
        print(f"{source} -> {target} is listed in {options.known} and is not there any more: take it out")
        failed += 1
    ports = module["ports"].values()
    counts = [sum(p["direction"] == d for p in ports) for d in ("input", "output")]
    print(f"comb_paths: {counts[0]} inputs, {counts[1]} outputs, {len(module['cells'])} cells: {len(found)} combinational paths from port to port, {failed} of them wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
