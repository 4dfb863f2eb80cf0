#!/usr/bin/env python3
"""64-byte packet rates against the lower of what link and boundary allow: `make bench-rates`.

Makes scenarios, runs each through the `ringside` command given (every checker on), and prints measured rate, both limits and the
ratio to the lower one. Cycles are exact: the numbers repeat to the digit, so a run whose scenario and device are unchanged is
taken from the folder of an earlier one (`--out`); interrupted, the command goes on where it stopped.

    rates.py [--out DIR] [--only WORD,WORD...] [--markdown] [--json FILE] [--compare FILE] -- target/release/ringside
"""
import argparse
import hashlib
import itertools
import json
import math
import pathlib
import subprocess
import sys

import limits

ROOT = pathlib.Path(__file__).resolve().parents[2]
FRAME = 60                                              # 64 bytes on the wire less the check sequence
LINKS = {"gen3x8": (3, 8, 250), "gen3x16": (3, 16, 250), "gen4x16": (4, 16, 500)}
FRAMES = 12000


def device_digest():
    """Changes with everything that the device is made of."""
    h = hashlib.sha256()
    for path in sorted((ROOT / "rtl").rglob("*.sv")) + [ROOT / "rtl" / "ringside.f", ROOT / "rtl" / "dut.toml"]:
        h.update(path.read_bytes())
    return h.hexdigest()


def scenario(case, dut):
    """The scenario of a case, as TOML."""
    generation, lanes, _ = LINKS[case["link"]]
    k = case["k"]
    return f"""
dut = "{dut}"
[parameters]
MAX_QUEUE_SIZE = 1024
DATA_W = {case["width"]}
[host.link]
generation = {generation}
lanes = {lanes}
ten_bit_tag = {"true" if lanes == 16 else "false"}
[host.latency]
base_ns = {case.get("latency_ns", 1000)}
jitter_ns = 60
tail_per_mille = 10
tail_ns = 400
[driver]
queue_pairs = {case["queues"]}
queue_size = 1024
events = "poll"
free_list = "{case["ids"]}"
reaction_ns = 20
tx = {{ batch = {k} }}
rx = {{ refill_batch = {k} }}
[traffic]
direction = "{case["direction"]}"
frames = {FRAMES}
spread = "round_robin"
generator = {{ sizes = {{ fixed = {{ bytes = {FRAME} }} }} }}
"""


def dut_file(folder, mhz):
    """The device's description at this clock."""
    text = (ROOT / "rtl" / "dut.toml").read_text()
    text = text.replace("clock_mhz = 250.0", f"clock_mhz = {mhz:.1f}").replace(
        'filelist = "ringside.f"', f'filelist = "{ROOT / "rtl" / "ringside.f"}"')
    path = folder / f"dut-{mhz}mhz.toml"
    path.write_text(text)
    return path.name


def name_of(case):
    return "-".join(str(case[key]) for key in ("link", "width", "queues", "direction", "k", "ids"))


def cases():
    keys = ("link", "width", "queues", "direction", "ids", "k")
    values = (LINKS, (512, 256), (1, 4), ("tx", "rx", "both"), ("fifo", "lifo"), (1, 8, 32))
    return [dict(zip(keys, combination)) for combination in itertools.product(*values)]


def measure(case, out, command, digest):
    """Runs one case, or takes what an earlier run of the same scenario on the same device gave."""
    mhz = LINKS[case["link"]][2]
    text = scenario(case, dut_file(out, mhz))
    key = hashlib.sha256((digest + text).encode()).hexdigest()
    kept = out / f"{name_of(case)}.json"
    if kept.exists():
        old = json.loads(kept.read_text())
        if old["key"] == key:
            return old
    path = out / f"{name_of(case)}.toml"
    path.write_text(text)
    argv = command + ["run", "--scenario", str(path), "--json", "--no-report", "--no-rerun", "--no-files"]
    run = subprocess.run(argv, capture_output=True, text=True, check=False)
    if not run.stdout.startswith("{"):
        sys.exit(f"{' '.join(argv)}\nfailed with {run.returncode}\n{run.stdout}{run.stderr}")
    result = json.loads(run.stdout)
    new = {"key": key, "passed": result["passed"], "rate": result["rate"], "pcie": result["pcie"]}
    kept.write_text(json.dumps(new))
    return new


def row_of(case, result):
    """Measured rate beside both limits of the batches that were."""
    generation, lanes, mhz = LINKS[case["link"]]
    packets, dma = result["rate"]["packets"], result["pcie"]
    batch = max(case["k"], round(packets / dma["available index"]["requests"]))
    # With the free list in order one read brings 32 descriptors; else what the ids allow is what a device that joins runs got.
    run = 32 if case["ids"] == "fifo" else min(32, packets / dma["descriptor"]["requests"])
    link, boundary = limits.limits(case["direction"], batch, run, dma["kick"]["down_tlps"] / packets, FRAME, case["width"], mhz,
                                   limits.link_gbps(generation, lanes))
    mpps = result["rate"]["packets_per_clock"] * mhz / (2 if case["direction"] == "both" else 1)
    requests = sum(t["requests"] for name, t in dma.items() if name not in ("configuration", "register"))
    return dict(case, batch=batch, mpps=round(mpps, 2), link_mpps=round(link, 2), boundary_mpps=round(boundary, 2),
                ratio=round(mpps / min(link, boundary), 4), passed=result["passed"],
                jain=result["rate"].get("fairness"), requests=round(requests / packets, 3))


COLUMNS = (("link", 8), ("width", 5), ("queues", 6), ("direction", 9), ("ids", 4), ("k", 3), ("batch", 5), ("mpps", 7), ("link_mpps", 9),
           ("boundary_mpps", 13), ("ratio", 7), ("requests", 8), ("jain", 6), ("passed", 6))


def show(value, key):
    if key == "ratio":
        return f"{value:.1%}"
    if key == "passed":
        return "pass" if value else "FAIL"
    return "-" if value is None else str(value)


def markdown(rows):
    """One table per link and width: a line per direction, queues and ids; three batches beside each other."""
    text = []
    for link, width in itertools.product(LINKS, (512, 256)):
        part = [r for r in rows if (r["link"], r["width"]) == (link, width)]
        if not part:
            continue
        text += [f"\n### {link}, {width} bit at {LINKS[link][2]} MHz\n",
                 "| direction | queues | ids | k = 1 | k = 8 | k = 32 |", "|---|---|---|---|---|---|"]
        for q, d, ids in itertools.product((1, 4), ("tx", "rx", "both"), ("fifo", "lifo")):
            line = [r for r in part if (r["queues"], r["direction"], r["ids"]) == (q, d, ids)]
            cells = []
            for r in line:
                binds = "L" if r["link_mpps"] <= r["boundary_mpps"] else "B"
                cells.append(f"{r['mpps']:.1f} of {min(r['link_mpps'], r['boundary_mpps']):.1f} {binds} = {r['ratio']:.0%}")
            text.append(f"| {d} | {q} | {'contiguous' if ids == 'fifo' else 'scattered'} | " + " | ".join(cells) + " |")
    return "\n".join(text)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=pathlib.Path, default=ROOT / "target" / "rates", help="folder of scenarios and results")
    p.add_argument("--only", action="append", default=[], help="only cases whose name has all these words: tx,512,gen3x8")
    p.add_argument("--markdown", action="store_true", help="tables for docs/performance.md")
    p.add_argument("--json", type=pathlib.Path, help="write all rows here")
    p.add_argument("--compare", type=pathlib.Path, help="rows of an earlier run: fail where a ratio fell below 0.9 of it")
    p.add_argument("command", nargs="*", help="the ringside command")
    args = p.parse_args()
    command = args.command or ["cargo", "run", "--quiet", "--release", "-p", "ringside", "--"]
    args.out.mkdir(parents=True, exist_ok=True)
    digest, rows = device_digest(), []
    chosen = [c for c in cases()
              if not args.only or any(set(w.split(",")) <= set(name_of(c).split("-")) for w in args.only)]
    print(" ".join(f"{key:>{width}}" for key, width in COLUMNS), flush=True)
    for case in chosen:
        row = row_of(case, measure(case, args.out, command, digest))
        rows.append(row)
        print(" ".join(f"{show(row[key], key):>{width}}" for key, width in COLUMNS), flush=True)
    if not rows:
        sys.exit(f"no case is named like {args.only}")
    worst = min(rows, key=lambda r: r["ratio"])
    print(f"{len(rows)} cases, geometric mean {math.prod(r['ratio'] for r in rows) ** (1 / len(rows)):.1%}, worst "
          f"{worst['ratio']:.1%} ({name_of(worst)}); goal 95 % (one queue 90 %)")
    if args.markdown:
        print(markdown(rows))
    if args.json:
        args.json.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    failed = [f"{name_of(r)}: the judge found violations" for r in rows if not r["passed"]]
    if args.compare:
        before = {name_of(r): r["ratio"] for r in json.loads(args.compare.read_text())}
        failed += [f"{name_of(r)}: {r['ratio']:.1%} of the limit, was {before[name_of(r)]:.1%}" for r in rows
                   if name_of(r) in before and r["ratio"] < 0.9 * before[name_of(r)]]
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
