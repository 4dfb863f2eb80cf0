"""Bounded and inductive proofs over one synthesised module: yosys makes the transition relation, bitwuzla decides.

A property module is a top without a reset of its own choosing: registers with initial values begin there, all others
anywhere. `Model` unrolls it; `prove` is k-induction, `search` looks for the first step at which something can happen.
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
YOSYS = [sys.executable, str(ROOT / "tools/yosys.py")]
# No optimisation of registers: one that holds its value for ever stands for any constant, and would become nothing.
# `async2sync` turns a check at a clock edge into a register and a check one step later: depths count that step too.
SCRIPT = """prep -flatten -top {top}
memory_map
opt -noff
async2sync
chformal -lower
dffunmap
opt_clean
write_smt2 -wires -stbv {out}
"""


class FormalError(Exception):
    """The proof could not be run: place and cause."""


@dataclass
class Step:
    """The wires of one clock, as numbers."""

    values: dict[str, int]


@dataclass
class Outcome:
    """How one question ended: `state` is proved, reached, failed, open (induction does not close) or timeout."""

    state: str
    depth: int
    seconds: float
    names: list[str] = field(default_factory=list)
    trace: list[Step] = field(default_factory=list)


def synthesise(top: str, files: list[Path], parameters: dict[str, int], folder: Path) -> Path:
    """The transition relation of `top` as SMT-LIB."""
    folder.mkdir(parents=True, exist_ok=True)
    out, log = folder / f"{top}.smt2", folder / "yosys.log"
    out.unlink(missing_ok=True)
    read = ["read_slang", "--top", top, *[f"-G{k}={v}" for k, v in parameters.items()], *map(str, files)]
    script = folder / "model.ys"
    script.write_text(" ".join(read) + "\n" + SCRIPT.format(top=top, out=out))
    done = subprocess.run([*YOSYS, "-l", str(log), "-s", str(script)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode or not out.exists():
        said = (log.read_text(errors="replace") if log.exists() else "") + done.stdout + done.stderr
        lines = [line for line in said.splitlines() if "error" in line.lower()] or said.splitlines()[-3:]
        raise FormalError(f"{top}: yosys: " + "\n".join(lines[:6]))
    latches = [line for line in log.read_text(errors="replace").splitlines() if "Latch inferred" in line]
    if latches:
        raise FormalError(f"{top}: {latches[0]}")
    return out


class Model:
    """One unrolling in one process of the solver."""

    def __init__(self, smt2: Path, timeout_s: float):
        text = smt2.read_text()
        self.top = re.search(r"^; yosys-smt2-topmod (\S+)", text, re.M)[1]
        self.asserts = [m[1] for m in re.finditer(r"^; yosys-smt2-assert \d+ (.*)$", text, re.M)]
        self.covers = [m[1] for m in re.finditer(r"^; yosys-smt2-cover \d+ (.*)$", text, re.M)]
        self.wires = {m[1]: int(m[2]) for m in re.finditer(r"^; yosys-smt2-wire (\S+) (\d+)$", text, re.M)}
        self.steps = 0
        command = [sys.executable, str(ROOT / "tools/formal_solver.py"), str(timeout_s)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.say("(set-logic QF_BV)\n" + text)

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def say(self, text: str) -> None:
        self.process.stdin.write(text + "\n")

    def of(self, what: str, step: int) -> str:
        return f"(|{self.top}_{what}| s{step})"

    def extend(self, upto: int) -> None:
        """Declares states to number `upto`: reachable one from the other, with the assumptions holding."""
        while self.steps <= upto:
            n = self.steps
            self.say(f"(declare-fun s{n} () |{self.top}_s|)\n(assert {self.of('u', n)})\n(assert {self.of('h', n)})")
            if n:
                self.say(f"(assert (|{self.top}_t| s{n - 1} s{n}))")
            self.steps += 1

    def ask(self, claim: str) -> str:
        """sat, unsat or unknown; after sat the solver still holds the answer until `forget`."""
        self.say(f"(push 1)\n(assert {claim})\n(check-sat)")
        answer = self.listen()
        if answer not in ("sat", "unsat", "unknown"):
            raise FormalError(f"{self.top}: solver: {answer}")
        return answer

    def listen(self) -> str:
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        if not line:
            said = self.process.stderr.read().strip().splitlines()
            raise FormalError(f"{self.top}: the solver ended: {said[-1] if said else 'no reason given'}")
        return line

    def forget(self) -> None:
        self.say("(pop 1)")

    def value(self, term: str) -> int:
        self.say(f"(get-value ({term}))")
        word = self.listen()
        return int(word == "True") if word in ("True", "False") else int(word, 2)

    def trace(self, last: int) -> list[Step]:
        # Parts of the design that are only wired through say nothing new.
        names = list(self.wires)
        return [Step({w: self.value(self.of(f"n {w}", n)) for w in names}) for n in range(last + 1)]

    def broken(self, step: int) -> list[str]:
        return [name for i, name in enumerate(self.asserts) if not self.value(self.of(f"a {i}", step))]


def counterexample(smt2: Path, depth: int, timeout_s: float, only: str | None = None) -> Outcome:
    """The shortest way from the initial state to a broken assertion (or to the one named), at most `depth` clocks; else state `proved`."""
    began = time.monotonic()
    with Model(smt2, timeout_s) as model:
        if not model.asserts:
            raise FormalError(f"{model.top}: no assertions: nothing to prove")
        if only and only not in model.asserts:
            raise FormalError(f"{model.top}: no assertion `{only}`; there are: {', '.join(model.asserts)}")
        which = f"a {model.asserts.index(only)}" if only else "a"
        for n in range(depth + 1):
            model.extend(n)
            if n == 0:
                model.say(f"(assert {model.of('i', 0)})")
            answer = model.ask(f"(not {model.of(which, n)})")
            if answer == "sat":
                names = model.broken(n)
                return Outcome("failed", n, time.monotonic() - began, names, [] if only else model.trace(n))
            if answer != "unsat":
                return Outcome("timeout", n, time.monotonic() - began)
            model.forget()
            model.say(f"(assert {model.of(which, n)})")
    return Outcome("proved", depth, time.monotonic() - began)


def induction(smt2: Path, depth: int, timeout_s: float) -> Outcome:
    """Do `depth` good steps from anywhere lead to a good one? State `proved`, or `open` with the way out of it.

    One assertion after the other, each with the help of those already shown of the same step; the easy ones first.
    """
    began = time.monotonic()
    left: list[int] = []
    for limit in (min(5.0, timeout_s), timeout_s):
        with Model(smt2, limit) as model:
            model.extend(depth)
            for n in range(depth):
                model.say(f"(assert {model.of('a', n)})")
            everything = range(len(model.asserts))
            for i in everything:
                if left and i not in left:
                    model.say(f"(assert {model.of(f'a {i}', depth)})")
            todo, left = left or list(everything), []
            for i in todo:
                answer = model.ask(f"(not {model.of(f'a {i}', depth)})")
                if answer == "sat" and limit == timeout_s:
                    return Outcome("open", depth, time.monotonic() - began, model.broken(depth), model.trace(depth))
                model.forget()
                if answer == "unsat":
                    model.say(f"(assert {model.of(f'a {i}', depth)})")
                else:
                    left.append(i)
        if not left:
            return Outcome("proved", depth, time.monotonic() - began)
    return Outcome("timeout", depth, time.monotonic() - began, [model.asserts[i] for i in left])


def covers(smt2: Path, depth: int, timeout_s: float) -> tuple[Outcome, dict[str, int]]:
    """At which step each cover statement can first be met; state `failed` with the names of those that cannot."""
    began = time.monotonic()
    found: dict[str, int] = {}
    with Model(smt2, timeout_s) as model:
        for n in range(depth + 1):
            model.extend(n)
            if n == 0:
                model.say(f"(assert {model.of('i', 0)})")
            for i, name in enumerate(model.covers):
                if name in found:
                    continue
                answer = model.ask(model.of(f"c {i}", n))
                model.forget()
                if answer == "sat":
                    found[name] = n
            if len(found) == len(model.covers):
                break
        missing = [name for name in model.covers if name not in found]
    seconds = time.monotonic() - began
    return Outcome("failed" if missing else "reached", max(found.values(), default=0), seconds, missing), found
