#!/usr/bin/env python3
"""Proves the property modules of rtl/formal, and that they can fail.

    formal.py [BLOCK]... [--no-faults] [--jobs N] [--timeout SECONDS] [--list]

rtl/formal/proofs.toml says which there are. Each is proved for all time by k-induction (or, where it says `bounded`, up
to a number of clocks), every cover statement has to be reachable, and every fault that the file names is put into a copy
of the RTL and has to break the property that it names: a proof that a broken design passes is worth nothing.
A counterexample is printed clock by clock, and written to .cache/formal as a waveform.
Exit code: 0 all proved, 1 something is not, 2 it could not be run.
"""

import argparse
import os
import re
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import formal_smt as smt  # noqa: E402 (the folder has to be on the path first)
import formal_trace  # noqa: E402
import lint_rtl  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "rtl/formal"
WORK = ROOT / ".cache/formal"
KEYS = {"block", "module", "depth", "bounded", "search", "variants", "fault"}
FAULT_KEYS = {"name", "bug", "file", "old", "new", "breaks", "variant"}


@dataclass
class Proof:
    block: str
    depth: int
    module: str = ""
    bounded: bool = False
    search: int = 12
    variants: list[dict[str, int]] = field(default_factory=lambda: [{}])
    fault: list[dict] = field(default_factory=list)

    @property
    def top(self) -> str:
        return f"fv_{self.module or self.block}"

    @property
    def source(self) -> Path:
        return FOLDER / f"{self.top}.sv"


@dataclass
class Row:
    block: str
    what: str
    verdict: str
    good: bool
    depth: int
    seconds: float
    detail: str = ""


def load() -> list[Proof]:
    path = FOLDER / "proofs.toml"
    try:
        raw = tomllib.loads(path.read_text())
        proofs = []
        for item in raw["proof"]:
            unknown = set(item) - KEYS | {k for f in item.get("fault", []) for k in set(f) - FAULT_KEYS}
            if unknown:
                raise smt.FormalError(f"{item.get('block', '?')}: unknown key `{sorted(unknown)[0]}`")
            proofs.append(Proof(**item))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise smt.FormalError(f"{path.relative_to(ROOT)}: {error}") from error
    for proof in proofs:
        if not proof.source.exists():
            raise smt.FormalError(f"{proof.block}: no file {proof.source.relative_to(ROOT)}")
    listed = {p.top for p in proofs}
    for file in sorted(FOLDER.glob("fv_*.sv")):
        if file.stem not in listed:
            raise smt.FormalError(f"{file.relative_to(ROOT)}: not in proofs.toml, so nobody proves it")
    return proofs


def clauses() -> set[str]:
    return {line.split("\t")[0] for line in (ROOT / "models/clauses.tsv").read_text().splitlines()[1:]}


def account(proof: Proof, known: set[str]) -> list[str]:
    """Every assertion says above itself what it is for: a clause, a contract of the README, a rule of PCIe, or a help to the induction."""
    complaints = []
    lines = proof.source.read_text().splitlines()
    for number, line in enumerate(lines):
        if not re.search(r"\bassert\s*\(", line):
            continue
        place = f"{proof.source.relative_to(ROOT)}:{number + 1}"
        label = re.match(r"\s*(\w+)\s*:\s*assert\b", line)
        above = re.match(r"\s*// ([\w-]+(?:, [\w-]+)*): \S", lines[number - 1])
        if not label:
            complaints.append(f"{place}: an assertion without a name")
        elif not above:
            complaints.append(f"{place}: `{label[1]}`: the line above does not say what it is for (`// CLAUSE: ...`)")
        else:
            for word in above[1].split(", "):
                if word not in known and word not in ("contract", "pcie", "invariant"):
                    complaints.append(f"{place}: `{label[1]}`: no clause `{word}`")
    return complaints


def sources(proof: Proof) -> list[Path]:
    """The design files that the property module needs, each after those that it names; the module itself last."""
    words = set(re.findall(r"\w+", re.sub(r"//[^\n]*", "", proof.source.read_text())))
    order: list[Path] = []
    for name in sorted(p.stem for p in lint_rtl.sources_on_disk() if p.stem in words):
        order += [p for p in lint_rtl.closure(name) if p not in order]
    order.sort(key=lambda p: "_pkg" not in p.name)
    return [*order, proof.source]


def title(variant: dict[str, int]) -> str:
    return " ".join(f"{k}={v}" for k, v in variant.items())


def prove(proof: Proof, number: int, timeout: float) -> list[Row]:
    """All time and every cover, for one set of parameters."""
    variant = proof.variants[number]
    folder = WORK / proof.block / str(number)
    began = time.monotonic()
    model = smt.synthesise(proof.top, sources(proof), variant, folder)
    base = smt.counterexample(model, proof.search if proof.bounded else proof.depth, timeout)
    outcome, rows = base, []
    if base.state == "proved" and not proof.bounded:
        outcome = smt.induction(model, proof.depth, timeout)
    verdict = {"proved": "bounded" if proof.bounded else "proved", "failed": "FAILS", "open": "NOT PROVED", "timeout": "TIMEOUT"}[outcome.state]
    detail = ""
    if outcome.trace:
        what = "reaches" if outcome.state == "failed" else "induction starts where it cannot get and reaches"
        detail = f"{what} {', '.join(outcome.names)}\n" + formal_trace.table(outcome.trace)
        wave = folder / "trace.vcd"
        formal_trace.vcd(wave, outcome.trace)
        detail += f'\nwaveform: {wave.relative_to(ROOT)}\nagain: make formal ARGS="{proof.block} --no-faults"'
    rows.append(Row(proof.block, title(variant), verdict, outcome.state == "proved", outcome.depth, time.monotonic() - began, detail))
    reached, steps = smt.covers(model, proof.search, timeout)
    if not steps and not reached.names:
        raise smt.FormalError(f"{proof.top}: no cover statement: nobody knows whether its assumptions leave anything")
    good = reached.state == "reached"
    detail = "" if good else f"not reached within {proof.search} clocks: {', '.join(reached.names)}"
    rows.append(Row(proof.block, f"{title(variant)} covers".strip(), f"{len(steps)} reached" if good else "VACUOUS", good, reached.depth, reached.seconds, detail))
    return rows


def spoil(proof: Proof, number: int, fault: dict, folder: Path) -> tuple[list[Path], dict[str, int]]:
    """The design with a fault in it: a planted bug by number, or a text replaced in a copy of one file."""
    variant = dict(fault.get("variant", proof.variants[0]))
    files = sources(proof)
    if "bug" in fault:
        return files, variant | {"BUG": fault["bug"]}
    path = ROOT / "rtl" / fault["file"]
    text = path.read_text()
    if text.count(fault["old"]) != 1:
        raise smt.FormalError(f"{proof.block}: fault {number} `{fault['name']}`: its text is {text.count(fault['old'])} times in rtl/{fault['file']}, must be once")
    if path not in files:
        raise smt.FormalError(f"{proof.block}: fault {number} `{fault['name']}`: rtl/{fault['file']} is no part of {proof.top}")
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / path.name
    copy.write_text(text.replace(fault["old"], fault["new"]))
    return [copy if p == path else p for p in files], variant


def selftest(proof: Proof, number: int, timeout: float) -> list[Row]:
    """One fault: some clocks after reset the property that it names must fail."""
    fault = proof.fault[number]
    folder = WORK / proof.block / f"fault{number}"
    files, variant = spoil(proof, number, fault, folder)
    began = time.monotonic()
    model = smt.synthesise(proof.top, files, variant, folder)
    outcome = smt.counterexample(model, proof.search, timeout, only=fault["breaks"])
    good = outcome.state == "failed"
    detail = "" if good else f"{fault['breaks']} holds for {outcome.depth} clocks ({outcome.state})"
    return [Row(proof.block, f"fault: {fault['name']}", "found" if good else "MISSED", good, outcome.depth, time.monotonic() - began, detail)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("block", nargs="*", help="only these")
    parser.add_argument("--no-faults", action="store_true", help="without the test of the proofs themselves")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=float, default=300, help="of one question to the solver, seconds")
    parser.add_argument("--list", action="store_true", help="only say which blocks there are")
    options = parser.parse_args()
    try:
        proofs = load()
        unknown = set(options.block) - {p.block for p in proofs}
        if unknown:
            raise smt.FormalError(f"no proof of `{sorted(unknown)[0]}`; there are: {', '.join(p.block for p in proofs)}")
        proofs = [p for p in proofs if not options.block or p.block in options.block]
        if options.list:
            print("\n".join(p.block for p in proofs))
            return 0
        known = clauses()
        complaints = [c for p in proofs for c in account(p, known)]
        complaints += [f"{p.block}: no fault: nobody knows whether the proof can fail" for p in proofs if not p.fault]
        if complaints:
            raise smt.FormalError("\n".join(complaints))
        return run(proofs, options)
    except smt.FormalError as error:
        print(f"formal: {error}", file=sys.stderr)
        return 2


def run(proofs: list[Proof], options: argparse.Namespace) -> int:
    began, failed, faults = time.monotonic(), 0, 0
    print(f"{'block':<18} {'what':<52} {'verdict':<12} {'depth':>5} {'s':>6}")
    with ThreadPoolExecutor(max(1, options.jobs)) as pool:
        jobs = [pool.submit(prove, p, n, options.timeout) for p in proofs for n in range(len(p.variants))]
        if not options.no_faults:
            jobs += [pool.submit(selftest, p, n, options.timeout) for p in proofs for n in range(len(p.fault))]
        for job in jobs:
            for row in job.result():
                print(f"{row.block:<18} {row.what:<52} {row.verdict:<12} {row.depth:>5} {row.seconds:>6.1f}", flush=True)
                faults += row.what.startswith("fault:")
                failed += not row.good
                if row.detail:
                    print("    " + row.detail.replace("\n", "\n    "), flush=True)
    verdict = "all proved" if not failed else f"{failed} NOT AS THEY SHOULD BE"
    print(f"formal: {len(proofs)} blocks, {faults} faults put in: {verdict}, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
