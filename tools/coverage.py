#!/usr/bin/env python3
"""Code coverage of the RTL over the scenarios of golden/: runs each, merges, writes lcov, prints a table.

    coverage.py [SCENARIO.toml]...      default: golden/scenarios/*.toml and the main job

Writes reports/out/coverage/rtl.info (lcov; `genhtml` and editors read it). Lines count as reached when any point that
covers them was; each side of a branch counts on its own.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "reports/out/coverage"
RINGSIDE = ROOT / "target/release/ringside"


def run(scenario: Path | None, data: Path) -> bool:
    command = [str(RINGSIDE), "run", "--no-files", "--no-rerun", "--coverage", str(data)]
    if scenario:
        command += ["--scenario", str(scenario)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    # 1 is a verdict, not a failure to run: what was reached was reached.
    if done.returncode not in (0, 1) or not data.exists():
        print(f"coverage: {scenario or 'the main job'} ended with {done.returncode}:\n{done.stdout[-800:]}{done.stderr[-800:]}", file=sys.stderr)
        return False
    return True


def read(data: Path, counts: dict[str, int]) -> None:
    """Records are C 'KEY' COUNT; a key is \\x01 name \\x02 value, repeated."""
    for line in data.read_text(errors="replace").splitlines():
        found = re.fullmatch(r"C '(.*)' (\d+)", line)
        if found:
            counts[found[1]] += int(found[2])


def lines_of(fields: dict[str, str]) -> list[int]:
    lines = []
    for part in fields.get("S", fields.get("l", "")).split(","):
        first, _, last = part.partition("-")
        if first:
            lines += range(int(first), int(last or first) + 1)
    return lines


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    scenarios: list[Path | None] = [Path(a) for a in sys.argv[1:]] or [*sorted((ROOT / "golden/scenarios").glob("*.toml")), None]
    counts: dict[str, int] = defaultdict(int)
    failed = 0
    for scenario in scenarios:
        data = OUT / f"{scenario.stem if scenario else 'main'}.dat"
        data.unlink(missing_ok=True)
        if run(scenario, data):
            read(data, counts)
        else:
            failed += 1

    reached: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    branches: dict[str, dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
    for key, count in counts.items():
        fields = dict(part.split("\x02", 1) for part in key.split("\x01") if "\x02" in part)
        file, kind = fields.get("f", ""), fields.get("page", "")
        if not file or not kind.startswith(("v_line", "v_branch")):
            continue
        for line in lines_of(fields):
            reached[file][line] = max(reached[file][line], count)
        if kind.startswith("v_branch"):
            # Instances of one module are one place in the source.
            branches[file][int(fields["l"]), fields["n"] + fields["o"]] += count

    with (OUT / "rtl.info").open("w") as info:
        for file in sorted(reached):
            info.write(f"TN:\nSF:{file}\n")
            info.writelines(f"DA:{line},{count}\n" for line, count in sorted(reached[file].items()))
            for number, ((line, _), count) in enumerate(sorted(branches[file].items())):
                info.write(f"BRDA:{line},0,{number},{count}\n")
            info.write("end_of_record\n")

    print(f"{'':34}{'lines':>18}{'branches':>20}")
    totals = [0, 0, 0, 0]
    for file in sorted(reached):
        row = [
            sum(c > 0 for c in reached[file].values()),
            len(reached[file]),
            sum(c > 0 for c in branches[file].values()),
            len(branches[file]),
        ]
        totals = [t + r for t, r in zip(totals, row)]
        print(f"{file:34}{share(row[0], row[1])}{share(row[2], row[3])}")
    print(f"{'all':34}{share(totals[0], totals[1])}{share(totals[2], totals[3])}")
    print(f"\n{len(scenarios) - failed} of {len(scenarios)} scenarios; lcov: {(OUT / 'rtl.info').relative_to(ROOT)}")
    return 1 if failed else 0


def share(hit: int, of: int) -> str:
    return f"{hit:>6}/{of:<5} {100 * hit / of:5.1f} %" if of else f"{'-':>20}"


if __name__ == "__main__":
    sys.exit(main())
