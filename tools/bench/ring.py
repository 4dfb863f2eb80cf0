#!/usr/bin/env python3
"""The rings at the limit: `make bench-ring`.

Three parts, each a table of numbers that are exact cycles and repeat to the digit:

  rates    64-byte packet rates beside the lower of what link and boundary allow, requests and bytes a packet beside the least that the
           same chains could have cost (the report's yardstick): rings, links, widths, queues, directions, batches
  latency  kick to first payload read, payload to used, used to MSI-X on an idle device; reads of index or descriptors a packet
  engine   chains a clock through the ring engines alone: unlimited link, 100 clocks of latency, a device type that gives every chain
           back at once (rtl/examples/sink)

Every run is judged but for the engine's (its device type moves no payload). A run whose scenario and device are unchanged is taken
from the folder of an earlier one (`--out`); interrupted, the command goes on where it stopped.

    ring.py [--part PART] [--out DIR] [--only WORD,WORD...] [--markdown] [--json FILE] [--compare FILE] -- target/release/ringside
"""
import argparse
import hashlib
import json
import math
import pathlib
import shutil
import subprocess
import sys

import cases
import limits
import show

ROOT = pathlib.Path(__file__).resolve().parents[2]


def device_digest():
    """Changes with everything that the device is made of."""
    h = hashlib.sha256()
    for path in sorted(p for p in (ROOT / "rtl").rglob("*") if p.suffix in (".sv", ".f", ".toml")):
        h.update(path.read_bytes())
    return h.hexdigest()


class Bench:
    """Runs scenarios, or takes what an earlier run of the same scenario on the same device gave."""

    def __init__(self, out, command):
        self.out, self.command, self.digest = out, command, device_digest()
        out.mkdir(parents=True, exist_ok=True)

    def dut_file(self, sink, mhz):
        """The device's description at this clock; with the sink in place of its transmit and receive side."""
        text = (ROOT / "rtl" / "dut.toml").read_text().replace("clock_mhz = 250.0", f"clock_mhz = {mhz:.1f}")
        filelist = ROOT / "rtl" / "ringside.f"
        if sink:
            files = [line for line in filelist.read_text().splitlines() if line and not line.startswith("#")]
            files = [f"{ROOT / 'rtl' / f}" for f in files if f not in ("net/net_tx.sv", "net/net_rx.sv")]
            files += [f"{ROOT / 'rtl' / 'examples' / 'sink' / f}" for f in ("chain_sink.sv", "net_tx.sv", "net_rx.sv")]
            filelist = self.out / "sink.f"
            filelist.write_text("\n".join(files) + "\n")
            text = text.replace('name = "ringside_net"', 'name = "sink"')
        text = text.replace('filelist = "ringside.f"', f'filelist = "{filelist.resolve()}"')
        path = self.out / f"{'sink' if sink else 'dut'}-{mhz}mhz.toml"
        path.write_text(text)
        return path.name

    def run(self, name, text, judged=True):
        """The run's summary, and tables and headline of its report."""
        key = hashlib.sha256((self.digest + text).encode()).hexdigest()
        kept = self.out / f"{name}.json"
        if kept.exists():
            old = json.loads(kept.read_text())
            if old["key"] == key:
                return old
        path, files = self.out / f"{name}.toml", self.out / f"{name}.files"
        path.write_text(text)
        argv = self.command + ["run", "--scenario", str(path), "--json", "--no-rerun"]
        argv += ["--out", str(files)] if judged else ["--unjudged", "--no-files"]
        run = subprocess.run(argv, capture_output=True, text=True, check=False)
        if not run.stdout.startswith("{"):
            sys.exit(f"{' '.join(argv)}\nfailed with {run.returncode}\n{run.stdout}{run.stderr}")
        result = json.loads(run.stdout)
        if judged:
            report = json.loads((files / "report.json").read_text())
            tables = {t: report["tables"][t] for t in ("yardstick", "batches", "latency", "queues", "causes")}
            found = {"tables": tables, "headline": report["headline"], "link": report["link_bytes_per_cycle"]}
        else:
            found = {"per_clock": cases.sink_counts(run.stderr)}
        shutil.rmtree(files, ignore_errors=True)
        new = {"key": key, "passed": result["passed"], "ended": result["ended"], "rate": result["rate"], "pcie": result["pcie"], **found}
        kept.write_text(json.dumps(new))
        return new


ROLE = {"tx": "transmit", "rx": "receive"}


def rate_row(case, result):
    """Measured rate beside both limits of the batches that were, and the cost beside the least."""
    mhz = cases.LINKS[case["link"]][2]
    packets, dma, tables = result["rate"]["packets"], result["pcie"], result["tables"]
    ways = ("tx", "rx") if case["direction"] == "both" else (case["direction"],)
    batches = {}
    for way in ways:
        found = next(r for r in tables["batches"] if r["what"] == "found by the device" and r["role"] == ROLE[way])
        batches[way] = max(case["k"], round(found["mean"]))
    # With the free list in order one read brings 32 descriptors; else what the ids allow is what a device that joins runs got.
    run = 32 if case["ids"] == "fifo" else min(32, packets / dma["descriptor"]["requests"])
    link, boundary = limits.limits(case["ring"], case["direction"], batches, run, dma["kick"]["down_tlps"] / packets, cases.FRAME,
                                   case["width"], mhz, result["link"] * 8 * mhz / 1000)
    mpps = result["rate"]["packets_per_clock"] * mhz / (2 if case["direction"] == "both" else 1)
    cost = [r for r in tables["yardstick"] if r["cause"] == "all" and r["role"] in [ROLE[w] for w in ways]]
    above = {}
    for name in ("requests", "up_bytes", "down_bytes"):
        actual, least = (sum(r[prefix + name] for r in cost) for prefix in ("", "least_"))
        above[f"{name}_above"] = round(actual / least - 1, 4)
    total = sum(r["requests"] for r in cost)
    return dict(case, batch=min(batches.values()), mpps=round(mpps, 2), link_mpps=round(link, 2), boundary_mpps=round(boundary, 2),
                ratio=round(mpps / min(link, boundary), 4), requests=round(total / packets, 3), **above,
                idle_reads=sum(r["idle_index_reads"] for r in tables["queues"]), passed=result["passed"])


def latency_row(case, result):
    """Medians in clocks, and reads of what says that there is work."""
    role = ROLE[case["direction"]]
    of = {r["what"]: r for r in result["tables"]["latency"] if r["role"] == role}
    median = {key: of.get(what, {}).get("p50_cycles") for key, what in (
        ("kick_to_payload", "kick to first payload read"), ("payload_to_used", "payload done to used index"),
        ("used_to_msix", "newest used index to MSI-X"))}
    asks = "available index" if case["ring"] == "split" else "descriptor"
    reads = next(r for r in result["tables"]["causes"] if r["role"] == role and r["cause"] == asks)["reads"]
    return dict(case, **median, looks=round(reads / cases.IDLE_FRAMES, 2), passed=result["passed"])


def engine_row(case, result):
    """Chains (of one descriptor) a clock through each engine in use, from the counters of its sink."""
    counts = result["per_clock"]
    ways = ("tx", "rx") if case["direction"] == "both" else (case["direction"],)
    missing = [way for way in ways if way not in counts]
    if missing:
        sys.exit(f"{cases.name_of(case)}: the sinks of {missing} counted too few chains; the run ended with: {result['ended']}")
    return dict(case, per_clock=min(counts[way] for way in ways), **{f"{way}_per_clock": counts[way] for way in ways})


def compare(rows, before):
    """What fell below 0.9 of an earlier run."""
    old = {cases.name_of(r): r for r in before}
    for r in rows:
        key = "ratio" if "ratio" in r else "per_clock" if "per_clock" in r else None
        was = old.get(cases.name_of(r), {}).get(key)
        if was is not None and r[key] < 0.9 * was:
            yield f"{cases.name_of(r)}: {key} {r[key]:.3f}, was {was:.3f}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--part", action="append", choices=("rates", "latency", "engine"), help="only this part")
    p.add_argument("--out", type=pathlib.Path, default=ROOT / "target" / "ring", help="folder of scenarios and results")
    p.add_argument("--only", action="append", default=[], help="only cases whose name has all these words: tx,512,gen3x8")
    p.add_argument("--markdown", action="store_true", help="tables for docs/performance.md")
    p.add_argument("--json", type=pathlib.Path, help="write all rows here")
    p.add_argument("--compare", type=pathlib.Path, help="rows of an earlier run: fail where a ratio fell below 0.9 of it")
    p.add_argument("command", nargs="*", help="the ringside command")
    args = p.parse_args()
    bench = Bench(args.out, args.command or ["cargo", "run", "--quiet", "--release", "-p", "ringside", "--"])
    rows = []
    for part, all_cases, row, judged in (("latency", cases.latency(), latency_row, True),
                                         ("engine", cases.engine(), engine_row, False),
                                         ("rates", cases.rates(), rate_row, True)):
        chosen = [c for c in all_cases if (not args.part or part in args.part) and cases.chosen(c, args.only)]
        for i, case in enumerate(chosen):
            if i == 0:
                print(show.head(part), flush=True)
            mhz = cases.LINKS[case["link"]][2] if "link" in case else 250
            text = cases.scenario(case, bench.dut_file(part == "engine", mhz))
            rows.append(row(case, bench.run(cases.name_of(case), text, judged)))
            print(show.line(part, rows[-1]), flush=True)
    if not rows:
        sys.exit(f"no case is named like {args.only}")
    rated = [r for r in rows if "ratio" in r]
    if rated:
        worst = min(rated, key=lambda r: r["ratio"])
        met = [r for r in rated if r["ratio"] >= (0.9 if r["queues"] == 1 else 0.95)]
        print(f"{len(rated)} cases, geometric mean {math.prod(r['ratio'] for r in rated) ** (1 / len(rated)):.1%}, goal (95 %, one queue "
              f"90 %) met by {len(met)}, worst {worst['ratio']:.1%} ({cases.name_of(worst)})")
    if args.markdown:
        print(show.markdown(rows))
    if args.json:
        args.json.write_text("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")
    failed = [f"{cases.name_of(r)}: the judge found violations" for r in rows if not r.get("passed", True)]
    if args.compare:
        failed += compare(rows, json.loads(args.compare.read_text()))
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
